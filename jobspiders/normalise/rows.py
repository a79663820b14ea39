"""Turn what a platform said into rows: RawJob -> Job, RawCompany -> Company. The last pure step before the pipelines.

Every text is kept beside what it means. A text that cannot be read leaves its figures None and `field:reason` in `problems`; the
row is never lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson

from jobschema import Company, Job, Kind, Platform, columns
from jobschema.content import digest, said
from jobspiders.normalise.capital import parse_capital
from jobspiders.normalise.contacts import mask_contacts, may_hold_contact
from jobspiders.normalise.dates import parse_date, parse_time
from jobspiders.normalise.documents import NUL, dump, is_storable, mask_document, scrub
from jobspiders.normalise.education import parse_education
from jobspiders.normalise.employment import parse_employment
from jobspiders.normalise.errors import Unreadable
from jobspiders.normalise.experience import Experience, parse_experience
from jobspiders.normalise.place import Place, city_of_address, parse_place, strip_city
from jobspiders.normalise.recruits import parse_recruits
from jobspiders.normalise.salary import Salary, parse_salary
from jobspiders.normalise.sizes import CompanySize, parse_company_size
from jobspiders.platforms.base import RawCompany, RawJob

EAST = (73.0, 136.0)  # degrees of longitude that China spans
NORTH = (3.0, 54.0)  # degrees of latitude, the southern islands with it

_LIMITS = {
    row: tuple((c.name, c.length) for c in columns(row) if c.kind is Kind.TEXT and c.name != "content_hash") for row in (Job, Company)
}
_UNPUBLISHED = {
    row: tuple(c.name for c in columns(row) if c.kind is Kind.TEXT and not c.published and c.name != "content_hash")
    for row in (Job, Company)
}
_FREE_TEXTS = {Job: ("title", "company_name", "address", "description"), Company: ("name", "address", "introduction", "business_scope")}
_FREE_LISTS: dict[RowType, tuple[str, ...]] = {Job: ("skills", "welfare"), Company: ()}
_NO_SALARY, _NO_EXPERIENCE, _NO_SIZE, _NO_PLACE = Salary(), Experience(), CompanySize(), Place()

RowType = type[Job] | type[Company]
Raw = TypeVar("Raw", RawJob, RawCompany)
T = TypeVar("T")
Values = dict[str, Any]  # column name -> value of the row that is being made


@dataclass(frozen=True, slots=True)
class _Fetch:
    """What a row needs to know beside the raw texts."""

    platform: Platform
    crawled_at: datetime
    mask: bool
    keyword: str = ""
    scrubbed: bool = False  # whether the texts were made storable already
    problems: tuple[str, ...] = ()


class _UnstorableText(Exception):  # noqa: N818 - never leaves this module
    """A column holds NUL or a lone surrogate."""


def normalise_job(raw: RawJob, *, platform: Platform, keyword: str, crawled_at: datetime, mask: bool = True) -> Job:
    """The row of a posting, every column filled. `crawled_at` is aware; relative times count from it. `raw` is not changed.

    Raises ValueError when `crawled_at` has no time zone, and nothing else, whatever the texts are.
    """
    fetch = _Fetch(platform, _utc(crawled_at), mask, keyword)
    try:
        return _job(raw, fetch)
    except _UnstorableText:
        cleaned, problems = _scrubbed(raw)
        return _job(cleaned, replace(fetch, keyword=scrub(keyword), scrubbed=True, problems=problems))


def normalise_company(raw: RawCompany, *, platform: Platform, crawled_at: datetime, mask: bool = True) -> Company:
    """The row of a company, every column filled; for the rest see `normalise_job`."""
    fetch = _Fetch(platform, _utc(crawled_at), mask)
    try:
        return _company(raw, fetch)
    except _UnstorableText:
        cleaned, problems = _scrubbed(raw)
        return _company(cleaned, replace(fetch, scrubbed=True, problems=problems))


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"crawled_at {moment} has no time zone; pass an aware datetime, datetime.now(UTC) for now")
    return moment.astimezone(UTC)


def _job(raw: RawJob, fetch: _Fetch) -> Job:
    problems = list(fetch.problems)
    values = _job_texts(raw, fetch)
    _place(values, problems)
    document = _masked(Job, values, raw.raw) if fetch.mask else dump(raw.raw).decode()
    _cut(Job, values, problems)
    longitude, latitude = _point(raw.longitude, raw.latitude, problems)
    values["longitude"], values["latitude"] = longitude, latitude
    values["content_hash"] = _hash(Job, values, fetch)
    return Job(
        **values,
        **_salary_columns(_read(parse_salary, values, "salary_text", problems) or _NO_SALARY),
        **_job_meanings(raw, values, fetch, problems),
        recruiter=None if raw.recruiter is None else dump(raw.recruiter).decode(),
        problems=problems,
        crawled_at=fetch.crawled_at,
        raw=document,
    )


def _job_texts(raw: RawJob, fetch: _Fetch) -> Values:
    """The columns that are the platform's own words."""
    return {
        "platform": fetch.platform,
        "job_id": raw.job_id,
        "url": raw.url,
        "title": raw.title,
        "company_id": raw.company_id,
        "company_name": raw.company_name,
        "place_text": raw.place_text,
        "city": raw.city,
        "city_code": raw.city_code,
        "district": raw.district,
        "area": raw.area,
        "address": raw.address,
        "salary_text": raw.salary_text,
        "experience_text": raw.experience_text,
        "education_text": raw.education_text,
        "employment_text": raw.employment_text,
        "skills": raw.skills,
        "welfare": raw.welfare,
        "industry": raw.industry,
        "description": raw.description,
        "recruits_text": raw.recruits_text,
        "published_text": raw.published_text,
        "updated_text": raw.updated_text,
        "keyword": fetch.keyword,
    }


def _job_meanings(raw: RawJob, values: Values, fetch: _Fetch, problems: list[str]) -> Values:
    """The columns that say what the short texts mean, but for place and salary."""
    experience = _read(parse_experience, values, "experience_text", problems) or _NO_EXPERIENCE
    told = raw.employment

    def time(text: str) -> datetime | None:
        return parse_time(text, now=fetch.crawled_at)

    return {
        "experience_low": experience.low,
        "experience_high": experience.high,
        "education": _read(parse_education, values, "education_text", problems),
        "employment": told if told is not None else _read(parse_employment, values, "employment_text", problems),
        "recruits": _read(parse_recruits, values, "recruits_text", problems),
        "published_at": _read(time, values, "published_text", problems),
        "updated_at": _read(time, values, "updated_text", problems),
    }


def _salary_columns(salary: Salary) -> Values:
    return {
        "salary_low": salary.low,
        "salary_high": salary.high,
        "salary_period": salary.period,
        "salary_months": salary.months,
        "month_low": salary.month_low,
        "month_high": salary.month_high,
        "year_low": salary.year_low,
        "year_high": salary.year_high,
        "negotiable": salary.negotiable,
    }


def _company(raw: RawCompany, fetch: _Fetch) -> Company:
    problems = list(fetch.problems)
    values: Values = {
        "platform": fetch.platform,
        "company_id": raw.company_id,
        "url": raw.url,
        "name": raw.name,
        "full_name": raw.full_name,
        "industry": raw.industry,
        "size_text": raw.size_text,
        "kind": raw.kind,
        "stage": raw.stage,
        "city": strip_city(raw.city.strip()) or city_of_address(raw.address),
        "address": raw.address,
        "introduction": raw.introduction,
        "capital_text": raw.capital_text,
        "capital_currency": "",
        "founded_text": raw.founded_text,
        "status": raw.status,
        "business_scope": raw.business_scope,
    }
    document = _masked(Company, values, raw.raw) if fetch.mask else dump(raw.raw).decode()
    _cut(Company, values, problems)
    values["longitude"], values["latitude"] = _point(raw.longitude, raw.latitude, problems)
    size = _read(parse_company_size, values, "size_text", problems) or _NO_SIZE
    capital = _read(parse_capital, values, "capital_text", problems)
    if capital is not None:
        values["capital_currency"] = capital.currency
    values["content_hash"] = _hash(Company, values, fetch)
    return Company(
        **values,
        size_low=size.low,
        size_high=size.high,
        registered_capital=None if capital is None else capital.amount,
        founded_on=_read(parse_date, values, "founded_text", problems),
        problems=problems,
        crawled_at=fetch.crawled_at,
        raw=document,
    )


def _place(values: Values, problems: list[str]) -> None:
    """Fill city, district and area from the place text, where the platform did not give them by themselves."""
    city = values["city"] = strip_city(values["city"].strip())
    if city and values["district"] and values["area"]:
        return
    told = _read(parse_place, values, "place_text", problems) or _NO_PLACE
    if city and told.city != city:
        return  # the place text is about elsewhere, or about nowhere
    values["city"] = told.city
    values["district"] = values["district"] or told.district
    values["area"] = values["area"] or told.area


def _point(longitude: float | None, latitude: float | None, problems: list[str]) -> tuple[float | None, float | None]:
    """A place in China, or none: 0 is how the platforms say unknown, and half a pair is of no use."""
    if not longitude and not latitude:
        return None, None
    good = True
    for name, value, bounds in (("longitude", longitude, EAST), ("latitude", latitude, NORTH)):
        if value is None or not bounds[0] <= value <= bounds[1]:
            problems.append(f"{name}:out_of_range")
            good = False
    return (float(longitude or 0), float(latitude or 0)) if good else (None, None)


def _read(parse: Callable[[str], T], values: Values, name: str, problems: list[str]) -> T | None:
    """What the text in column `name` means; None, with a problem noted, when nobody can tell."""
    try:
        return parse(values[name])
    except Unreadable as error:
        problems.append(f"{name}:{error.reason}")
        return None


def _masked(row: RowType, values: Values, document: Values) -> str:
    """Mask the free texts of `values` in place, and return `document` as JSON, masked too."""
    data = dump(document)
    seen = set(map(id, document.values()))  # such a text is in the data as it is, and need not be scanned twice
    texts = [text for name in _FREE_TEXTS[row] if (text := values[name]) and id(text) not in seen]
    for name in _FREE_LISTS[row]:
        texts += values[name]
    if not may_hold_contact(data) and not may_hold_contact("\n".join(texts).encode("utf-8", "surrogatepass")):
        return data.decode()
    for name in _FREE_TEXTS[row]:
        values[name] = values[name] and mask_contacts(values[name])
    for name in _FREE_LISTS[row]:
        values[name] = [mask_contacts(text) for text in values[name]]
    return dump(mask_document(document)).decode()


def _cut(row: RowType, values: Values, problems: list[str]) -> None:
    """Cut the texts that their column does not hold."""
    for name, length in _LIMITS[row]:
        if len(values[name]) > length:
            values[name] = values[name][:length]
            problems.append(f"{name}:too_long")


def _hash(row: RowType, values: Values, fetch: _Fetch) -> str:
    """The content hash, with orjson in json's place: the same bytes for text, whole numbers and degrees (a test compares).

    Raises _UnstorableText when a text cannot be stored as it is.
    """
    try:
        data = orjson.dumps(said(row, values))
    except TypeError:
        raise _UnstorableText from None
    if not fetch.scrubbed and (NUL in data or not is_storable("".join(values[name] for name in _UNPUBLISHED[row]))):
        raise _UnstorableText
    return digest(data)


def _scrubbed(raw: Raw) -> tuple[Raw, tuple[str, ...]]:
    """A copy of `raw` whose texts every store accepts, and a problem for each that was changed."""
    changed: Values = {}
    for field in fields(raw):
        value = getattr(raw, field.name)
        if isinstance(value, str) and not is_storable(value):
            changed[field.name] = scrub(value)
        elif isinstance(value, list) and not all(map(is_storable, value)):
            changed[field.name] = [scrub(item) for item in value]
    return replace(raw, **changed), tuple(f"{name}:bad_characters" for name in changed)
