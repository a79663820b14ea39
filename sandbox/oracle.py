"""What a crawl must yield: for keywords, the jobs and companies that the fakes hold, and those that only a split search meets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.fakes import FakePlatform
from sandbox.model import Entry
from sandbox.shelf import Search

DEMO_TEXTS = 14  # of the commonest tags, so many are considered as keywords
BROAD_TEXTS = ("工程师", "开发", "经理", "销售", "运营", "专员")  # words of titles, considered too
RICHEST = 400  # a suggested keyword holds at most so many jobs
KEYWORD_KEYS = {"platform", "text", "city", "pages", "page_size", "filters"}


class OracleError(ValueError):
    """A question that the oracle cannot read."""


@dataclass(frozen=True, slots=True)
class Question:
    """One keyword: `pages` = how deep the crawl goes (0 = to the end), `page_size` = the platform's usual one when 0."""

    platform: str
    text: str
    city: str
    pages: int
    page_size: int
    filters: Mapping[str, str]


def read_question(row: Any, platforms: Mapping[str, FakePlatform]) -> Question:
    """One element of the oracle's request; OracleError says what is wrong with it."""
    if not isinstance(row, Mapping):
        raise OracleError(f"a keyword is an object with platform, text and city, not {row!r}")
    if unknown := set(row) - KEYWORD_KEYS:
        raise OracleError(f"keyword {dict(row)!r} has unknown keys {sorted(unknown)}; valid: {sorted(KEYWORD_KEYS)}")
    if row.get("platform") not in platforms:
        raise OracleError(f"keyword {dict(row)!r} needs a platform out of {', '.join(platforms)}")
    numbers = {name: row.get(name) or 0 for name in ("pages", "page_size")}
    if not all(type(number) is int and number >= 0 for number in numbers.values()):
        raise OracleError(f"keyword {dict(row)!r}: pages and page_size are whole numbers >= 0")
    filters = row.get("filters") or {}
    if not isinstance(filters, Mapping):
        raise OracleError(f"keyword {dict(row)!r}: filters is an object of parameter name and codes")
    text, city = str(row.get("text", "")), str(row.get("city", ""))
    return Question(row["platform"], text, city, numbers["pages"], numbers["page_size"], dict(filters))


def answer_questions(rows: Any, platforms: Mapping[str, FakePlatform]) -> dict[str, Any]:
    """{"keywords": [per keyword], "platforms": {name: union}} for a list of keyword objects."""
    if not isinstance(rows, list):
        raise OracleError(f"the oracle takes a list of keywords, not {type(rows).__name__}")
    questions = [read_question(row, platforms) for row in rows]
    unions: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    keywords = []
    for question in questions:
        platform = platforms[question.platform]
        search = platform.search_of(question.text, question.city, question.filters)
        told = _tell(platform, search, question)
        keywords.append({"platform": question.platform, "text": question.text, "city": question.city, **told})
        jobs, companies = unions.setdefault(question.platform, ({}, {}))
        jobs.update(dict.fromkeys(told["jobs"]))
        companies.update(dict.fromkeys(told["companies"]))
    return {
        "keywords": keywords,
        "platforms": {name: {"jobs": list(jobs), "companies": list(companies)} for name, (jobs, companies) in unions.items()},
    }


def _tell(platform: FakePlatform, search: Search, question: Question) -> dict[str, Any]:
    """`jobs` are what the crawl must store: all matches, or what the first `pages` pages show."""
    matches = platform.listed(search)
    shown = platform.positions(search)
    size = question.page_size or platform.default_page_size
    limit = question.pages
    if platform.switches["max_pages"]:
        limit = min(limit or platform.switches["max_pages"], platform.switches["max_pages"])
    walked = _distinct(shown[: limit * size] if limit else shown)
    due = walked if limit else matches
    seen = {entry.job_id for entry in walked}
    beyond = [entry.job_id for entry in matches if entry.job_id not in seen]
    return {
        "matching": len(matches),
        "positions": len(shown),
        "repeated": len(shown) - len(_distinct(shown)),
        "capped": len(matches) > len(_distinct(shown)),
        "jobs": [entry.job_id for entry in due],
        "companies": list(dict.fromkeys(entry.company_id for entry in due)),
        "beyond": beyond,
        "ads": [entry.job_id for entry in due if entry.is_ad],
        "mutated": [entry.job_id for entry in due if platform.is_mutated(entry.job_id)],
    }


def _distinct(entries: list[Entry]) -> list[Entry]:
    return list({entry.job_id: entry for entry in entries}.values())


def suggest_keywords(platform: FakePlatform) -> list[dict[str, Any]]:
    """Up to eight keywords worth a demo: texts that many postings hold, each in another city in turn, with their true job counts."""
    texts = _candidate_texts(platform)
    cities = _busy_cities(platform)
    chosen: list[dict[str, Any]] = []
    for place, (city, code) in enumerate(cities):
        counted = [(len(platform.positions(platform.search_of(text, code, {}))), text) for text in texts]
        fitting = sorted((pair for pair in counted if 1 <= pair[0] <= RICHEST), reverse=True)
        for jobs, text in _spread(fitting, place):
            chosen.append({"platform": platform.name, "text": text, "city": city, "city_code": code, "jobs": jobs})
    return chosen


def _spread(fitting: list[tuple[int, str]], place: int) -> list[tuple[int, str]]:
    """Two keywords of a city: a rich one, and one from further down, not the same texts in every city."""
    if len(fitting) < 2:
        return fitting
    rich = fitting[place % min(3, len(fitting))]
    other = fitting[min(len(fitting) - 1, 3 + place)]
    return [rich] if rich == other else [rich, other]


def _candidate_texts(platform: FakePlatform) -> list[str]:
    """The tags that most postings carry, and some words that many titles hold. Letter case makes no other text."""
    counts = Counter(tag for entry in platform.shelf.entries for tag in entry.tags if 1 < len(tag) <= 12)
    texts = [text for text, _ in counts.most_common(2 * DEMO_TEXTS)]
    kept = {text.lower(): text for text in reversed(texts)}
    return [*(text for text in texts if kept[text.lower()] == text)][:DEMO_TEXTS] + [text for text in BROAD_TEXTS if text not in kept]


def _busy_cities(platform: FakePlatform) -> list[tuple[str, str]]:
    """The four cities (name, code) with the most postings."""
    counted = [(len(platform.shelf.find(platform.search_of("", code, {}))), name, code) for name, code in platform.city_codes.items()]
    return [(name, code) for jobs, name, code in sorted(counted, reverse=True)[:4] if jobs]
