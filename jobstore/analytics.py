"""What analysts ask of the ClickHouse store through the control plane: search, history, companies, salaries, export.

Every value travels as a parameter; the only texts put into SQL are names of this module and of the contract.
"""

# ruff: noqa: S608 - the names put into SQL are ours; values travel as parameters
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from jobschema.columns import Kind
from jobschema.enums import Education, Employment, Platform
from jobstore.connection import Parameters
from jobstore.queries import Readable
from jobstore.tables import SCHEMA, TableColumn
from jobstore.views import build_views

Dimension = Literal["platform", "city", "keyword"]
Form = Literal["csv", "parquet"]
_FORMS: dict[Form, str] = {"csv": "CSVWithNames", "parquet": "Parquet"}
_VIEWS: dict[str, tuple[TableColumn, ...]] = {view.name: view.columns for view in build_views(SCHEMA)}
_SEARCHED = (
    *("platform", "job_id", "url", "title", "company_id", "company_name", "city", "district", "salary_text", "month_low", "month_high"),
    *("salary_months", "experience_text", "education", "employment", "industry", "keyword"),
    *("first_seen", "last_seen", "times_seen", "versions"),
)
_FORMULA = "^[=+@\\t\\r-]"  # a spreadsheet would run a cell that begins so


class Streaming(Readable, Protocol):
    """A store that also answers in pieces: a `ClickHouseStore`."""

    def stream(self, query: str, parameters: Parameters | None = None, *, form: str) -> Iterator[bytes]:
        """The answer in one of the engine's formats."""
        ...


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which postings; an empty value does not filter. Salaries are CNY a month, `seen_since` and `seen_until` bound `last_seen`."""

    platform: Platform | None = None
    text: str = ""  # in the title or the company's name, any case
    city: str = ""
    keyword: str = ""
    company_id: str = ""
    education: Education | None = None
    employment: Employment | None = None
    salary_from: float | None = None  # the posting pays at least this
    salary_to: float | None = None  # ... and not more than this
    seen_since: datetime | None = None
    seen_until: datetime | None = None


_CONDITIONS = {
    "platform": "toString(platform) = {platform:String}",
    "text": "positionCaseInsensitiveUTF8(concat(title, '\\n', company_name), {text:String}) > 0",
    "city": "city = {city:String}",
    "keyword": "keyword = {keyword:String}",
    "company_id": "company_id = {company_id:String}",
    "education": "toString(education) = {education:String}",
    "employment": "toString(employment) = {employment:String}",
    "salary_from": "month_high >= {salary_from:Float64}",
    "salary_to": "month_low <= {salary_to:Float64}",
    "seen_since": "last_seen >= {seen_since:DateTime64(6, 'UTC')}",
    "seen_until": "last_seen < {seen_until:DateTime64(6, 'UTC')}",
}


def _where(wanted: JobFilter, *more: str) -> tuple[str, dict[str, Any]]:
    given = {name: getattr(wanted, name) for name in _CONDITIONS}
    parameters = {name: str(value) if isinstance(value, str) else value for name, value in given.items() if value not in (None, "")}
    conditions = [_CONDITIONS[name] for name in parameters]
    return " AND ".join([*conditions, *more]) or "1", parameters


def search_jobs(store: Readable, wanted: JobFilter, *, after: tuple[str, str] = ("", ""), limit: int = 50) -> list[dict[str, Any]]:
    """Postings that match, by platform and id, those after `after` (platform, job_id); at most `limit`."""
    where, parameters = _where(wanted, "(toString(platform), job_id) > ({after_platform:String}, {after_id:String})")
    query = f"SELECT {', '.join(_SEARCHED)} FROM job_analytics WHERE {where} ORDER BY toString(platform), job_id LIMIT {{limit:UInt32}}"
    return store.read(query, {**parameters, "after_platform": after[0], "after_id": after[1], "limit": limit})


def read_job(store: Readable, platform: Platform, job_id: str) -> dict[str, Any] | None:
    """The newest knowledge of one posting, every column of `job_analytics`; None when it is not stored."""
    rows = store.read(f"SELECT * FROM {Platform(platform)}_job_latest WHERE job_id = {{job_id:String}}", {"job_id": job_id})
    return rows[0] if rows else None


def read_history(store: Readable, platform: Platform, job_id: str) -> list[dict[str, Any]]:
    """Every version of one posting, oldest first, with when it was seen."""
    name = Platform(platform)
    query = f"""
        SELECT v.content_hash AS content_hash, v.title AS title, v.company_name AS company_name, v.city AS city,
          v.salary_text AS salary_text, v.month_low AS month_low, v.month_high AS month_high, v.experience_text AS experience_text,
          v.education_text AS education_text, isNotNull(v.description) AS has_description, v.crawled_at AS crawled_at,
          if(s.times = 0, v.crawled_at, s.first) AS first_seen, greatest(s.last, v.crawled_at) AS last_seen,
          greatest(s.times, 1) AS times_seen
        FROM (SELECT * FROM {name}_job FINAL WHERE job_id = {{job_id:String}}) AS v LEFT JOIN (
          SELECT content_hash, min(first_seen) AS first, max(last_seen) AS last, sum(times) AS times FROM job_sighting
          WHERE platform = '{name}' AND job_id = {{job_id:String}} GROUP BY content_hash
        ) AS s ON v.content_hash = s.content_hash
        ORDER BY first_seen, crawled_at, content_hash LIMIT 1000
    """
    return store.read(query, {"job_id": job_id})


def search_companies(
    store: Readable, platform: Platform | None = None, text: str = "", *, after: tuple[str, str] = ("", ""), limit: int = 50
) -> list[dict[str, Any]]:
    """Companies whose short or full name holds `text`, by platform and id, those after `after`; at most `limit`."""
    conditions = ["(toString(platform), company_id) > ({after_platform:String}, {after_id:String})"]
    if platform is not None:
        conditions.append("toString(platform) = {platform:String}")
    if text:
        conditions.append("positionCaseInsensitiveUTF8(concat(name, '\\n', full_name), {text:String}) > 0")
    names = "platform, company_id, url, name, full_name, industry, size_text, kind, stage, city, first_seen, last_seen, versions"
    where = " AND ".join(conditions)
    query = f"SELECT {names} FROM company_analytics WHERE {where} ORDER BY toString(platform), company_id LIMIT {{limit:UInt32}}"
    parameters = {"after_platform": after[0], "after_id": after[1], "limit": limit, "platform": str(platform or ""), "text": text}
    return store.read(query, parameters)


def read_company(store: Readable, platform: Platform, company_id: str) -> dict[str, Any] | None:
    """The newest knowledge of one company, and `jobs`: how many of its postings are stored. None when it is not stored."""
    name = Platform(platform)
    key = {"company_id": company_id}
    rows = store.read(f"SELECT * FROM {name}_company_latest WHERE company_id = {{company_id:String}}", key)
    if not rows:
        return None
    jobs = store.read(f"SELECT uniqExact(job_id) AS jobs FROM {name}_job WHERE company_id = {{company_id:String}}", key)
    return {**rows[0], "jobs": jobs[0]["jobs"]}


def salary_statistics(
    store: Readable, wanted: JobFilter, dimensions: Sequence[Dimension], *, least: int = 1, limit: int = 100
) -> list[dict[str, Any]]:
    """The spread of the middle of the salary range, CNY a month, for each value of `dimensions`; most postings first.

    `least` is the fewest postings of a line. Postings without figures do not count.
    """
    chosen = list(dict.fromkeys(dimensions))
    where, parameters = _where(wanted, "isNotNull(month_low)", "isNotNull(month_high)")
    heads = "".join(f"toString({name}) AS {name}, " for name in chosen)
    inner = f"SELECT {heads}(month_low + month_high) / 2 AS middle FROM job_analytics WHERE {where}"
    names = ", ".join(chosen)
    query = f"""
        SELECT {names + ", " if names else ""}count() AS jobs, avg(middle) AS mean, min(middle) AS lowest, max(middle) AS highest,
          quantilesExact(0.25, 0.5, 0.75)(middle) AS quartiles
        FROM ({inner}) {f"GROUP BY {names}" if names else ""} HAVING jobs >= {{least:UInt64}}
        ORDER BY jobs DESC{", " + names if names else ""} LIMIT {{limit:UInt32}}
    """
    found = store.read(query, {**parameters, "least": max(least, 1), "limit": limit})
    return [{**row, **dict(zip(("low", "median", "high"), row.pop("quartiles"), strict=True))} for row in found]


def export_jobs(store: Streaming, wanted: JobFilter, form: Form, *, limit: int) -> Iterator[bytes]:
    """Every column of the postings that match, in pieces of a CSV or Parquet file; at most `limit` postings."""
    where, parameters = _where(wanted)
    columns = _VIEWS["job_analytics"]
    shown = ", ".join(_plain_cell(column) for column in columns) if form == "csv" else ", ".join(column.name for column in columns)
    inner = f"SELECT * FROM job_analytics WHERE {where} ORDER BY toString(platform), job_id LIMIT {{limit:UInt32}}"
    return store.stream(f"SELECT {shown} FROM ({inner}) AS rows", {**parameters, "limit": limit}, form=_FORMS[form])


def _plain_cell(column: TableColumn) -> str:
    if column.kind not in {Kind.TEXT, Kind.LONG_TEXT}:
        return column.name
    text = f"toString(rows.{column.name})"
    return f"if(match(ifNull({text}, ''), '{_FORMULA}'), concat('\\'', {text}), {text}) AS {column.name}"
