"""Turn what a platform said into rows: RawJob -> Job, RawCompany -> Company. The last pure step before the pipelines.

Every text is kept beside what it means. A text that cannot be read leaves its figures None and `field:reason` in `problems`; the
row is never lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson

from jobschema import Company, Job, Kind, Platform, columns
from jobschema.content import digest, said
from jobspiders.normalise.capital import parse_capital
from jobspiders.normalise.contacts import mask_contacts, may_hold_contact
from jobspiders.normalise.dates import parse_date, parse_time
from jobspiders.normalise.documents import NUL, dump, free_texts, mask_document, scrub
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

_JOB_LIMITS = tuple((column.name, column.length) for column in columns(Job) if column.kind is Kind.TEXT)
_COMPANY_LIMITS = tuple((column.name, column.length) for column in columns(Company) if column.kind is Kind.TEXT)
_NOTHING_SAID = (Salary(), Experience(), CompanySize(), Place())

T = TypeVar("T")
R = TypeVar("R", RawJob, RawCompany)
Values = dict[str, Any]


class _UnstorableText(Exception):  # noqa: N818 - never leaves this module
    """A column holds NUL or a lone surrogate."""


def normalise_job(raw: RawJob, *, platform: Platform, keyword: str, crawled_at: datetime, mask: bool = True) -> Job:
    """The row of a posting, every column filled. `crawled_at` is aware; relative times count from it. Nothing in `raw` is changed.

    Raises ValueError when `crawled_at` has no time zone, and nothing else, whatever the texts are.
    """
    fetched = _utc(crawled_at)
    try:
        return _job(raw, platform, keyword, fetched, mask)
    except _UnstorableText:
        cleaned, problems = _scrubbed(raw)
        return _job(cleaned, platform, scrub(keyword), fetched, mask, problems)


def normalise_company(raw: RawCompany, *, platform: Platform, crawled_at: datetime, mask: bool = True) -> Company:
    """The row of a company, every column filled; see `normalise_job`."""
    fetched = _utc(crawled_at)
    try:
        return _company(raw, platform, fetched, mask)
    except _UnstorableText:
        cleaned, problems = _scrubbed(raw)
        return _company(cleaned, platform, fetched, mask, problems)
