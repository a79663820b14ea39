"""Job, Company and PendingCompany as stored: THE definition of every column, from which tables, feeds and docs are derived.

A field whose text was normalised keeps that text beside it (`salary_text` beside `salary_low`). Texts are "" when the
platform says nothing; figures and dates are None. `description` and `introduction` are None when the page that carries them
was not fetched, "" when it was and held nothing. Columns with `published=False` are derived from others, or say when and how
the row was fetched: they do not make a new version.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from jobschema.columns import Kind, column
from jobschema.enums import Education, Employment, Period, Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A posting as one platform published it, with its raw texts and what they mean."""

    platform: Platform = column(Kind.ENUM, "the platform that published it", key=True, choices=Platform)
    job_id: str = column(Kind.TEXT, "the platform's own id of the posting", key=True, length=64)
    url: str = column(Kind.LONG_TEXT, "address of the posting's page, without tracking parameters", default="")
    title: str = column(Kind.TEXT, "title of the posting")
    company_id: str = column(Kind.TEXT, "the platform's id of the company; empty when the page does not tell", default="", length=64)
    company_name: str = column(Kind.TEXT, "name of the company as shown", default="")
    place_text: str = column(Kind.TEXT, "place as published", default="")
    city: str = column(Kind.TEXT, "city, without 市", default="", length=64, published=False)
    city_code: str = column(Kind.TEXT, "the platform's code of the city", default="", length=32)
    district: str = column(Kind.TEXT, "district of the city", default="", length=64, published=False)
    area: str = column(Kind.TEXT, "neighbourhood or business area", default="", length=128, published=False)
    address: str = column(Kind.LONG_TEXT, "street address of the work place", default="")
    longitude: float | None = column(Kind.NUMBER, "degrees east, as published (GCJ-02)", default=None)
    latitude: float | None = column(Kind.NUMBER, "degrees north, as published (GCJ-02)", default=None)
    salary_text: str = column(Kind.TEXT, "salary as published", default="")
    salary_low: float | None = column(Kind.NUMBER, "lower bound, CNY per `salary_period`", default=None, published=False)
    salary_high: float | None = column(Kind.NUMBER, "upper bound, CNY per `salary_period`", default=None, published=False)
    salary_period: Period | None = column(Kind.ENUM, "what the figures are paid for", default=None, choices=Period, published=False)
    salary_months: int = column(Kind.INTEGER, "monthly salaries paid a year; 12 unless stated", default=12, published=False)
    month_low: float | None = column(
        Kind.NUMBER, "lower bound, CNY per paid month (docs/normalising.md has the factors)", default=None, published=False
    )
    month_high: float | None = column(Kind.NUMBER, "upper bound, CNY per paid month", default=None, published=False)
    year_low: float | None = column(Kind.NUMBER, "month_low times salary_months", default=None, published=False)
    year_high: float | None = column(Kind.NUMBER, "month_high times salary_months", default=None, published=False)
    negotiable: bool = column(
        Kind.BOOLEAN, "whether the salary is said to be negotiable, or not said at all", default=False, published=False
    )
    experience_text: str = column(Kind.TEXT, "experience as published", default="", length=64)
    experience_low: float | None = column(Kind.NUMBER, "least years asked for; 0 when none are", default=None, published=False)
    experience_high: float | None = column(Kind.NUMBER, "most years asked for; NULL when open", default=None, published=False)
    education_text: str = column(Kind.TEXT, "education as published", default="", length=64)
    education: Education | None = column(Kind.ENUM, "least education asked for", default=None, choices=Education, published=False)
    employment_text: str = column(Kind.TEXT, "kind of contract as published", default="", length=64)
    employment: Employment | None = column(Kind.ENUM, "kind of contract", default=None, choices=Employment, published=False)
    skills: list[str] = column(Kind.TEXTS, "skills asked for, as published", default=[])
    welfare: list[str] = column(Kind.TEXTS, "benefits offered, as published", default=[])
    industry: str = column(Kind.TEXT, "industry of the posting or its company", default="")
    description: str | None = column(Kind.LONG_TEXT, "full text of the posting; NULL when its page was not fetched", default=None)
    recruits_text: str = column(Kind.TEXT, "number of openings as published", default="", length=64)
    recruits: int | None = column(Kind.INTEGER, "number of openings", default=None, published=False)
    recruiter: str | None = column(Kind.JSON, "recruiter's personal data; NULL unless PERSONAL_DATA_ENABLED", default=None, published=False)
    published_text: str = column(Kind.TEXT, "time of publication as published", default="", published=False, length=64)
    published_at: datetime | None = column(Kind.DATETIME, "time of publication", default=None, published=False)
    updated_text: str = column(Kind.TEXT, "time of the last refresh as published", default="", published=False, length=64)
    updated_at: datetime | None = column(Kind.DATETIME, "time of the last refresh", default=None, published=False)
    problems: list[str] = column(Kind.TEXTS, "texts that could not be normalised, as `field:reason`", default=[], published=False)
    keyword: str = column(Kind.TEXT, "the keyword that found it", default="", published=False)
    crawled_at: datetime = column(Kind.DATETIME, "when this version was fetched", published=False)
    content_hash: str = column(Kind.TEXT, "32 hex digits over the published columns", published=False, length=32)
    raw: str = column(Kind.JSON, "the platform's item, without personal data", published=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A company as one platform published it."""

    platform: Platform = column(Kind.ENUM, "the platform that published it", key=True, choices=Platform)
    company_id: str = column(Kind.TEXT, "the platform's own id of the company", key=True, length=64)
    url: str = column(Kind.LONG_TEXT, "address of the company's page", default="")
    name: str = column(Kind.TEXT, "short name as shown")
    full_name: str = column(Kind.TEXT, "full legal name", default="")
    industry: str = column(Kind.TEXT, "industry", default="")
    size_text: str = column(Kind.TEXT, "number of employees as published", default="", length=64)
    size_low: int | None = column(Kind.INTEGER, "least number of employees", default=None, published=False)
    size_high: int | None = column(Kind.INTEGER, "most number of employees; NULL when open", default=None, published=False)
    kind: str = column(Kind.TEXT, "ownership as published (民营, 国企, ...)", default="", length=64)
    stage: str = column(Kind.TEXT, "financing stage as published", default="", length=64)
    city: str = column(Kind.TEXT, "city of the address, where known", default="", length=64, published=False)
    address: str = column(Kind.LONG_TEXT, "registered or shown address", default="")
    longitude: float | None = column(Kind.NUMBER, "degrees east, as published (GCJ-02)", default=None)
    latitude: float | None = column(Kind.NUMBER, "degrees north, as published (GCJ-02)", default=None)
    introduction: str | None = column(Kind.LONG_TEXT, "introduction; NULL when its page was not fetched", default=None)
    capital_text: str = column(Kind.TEXT, "registered capital as published", default="", length=64)
    registered_capital: float | None = column(Kind.NUMBER, "registered capital, units of `capital_currency`", default=None, published=False)
    capital_currency: str = column(Kind.TEXT, "ISO 4217 code", default="", length=3, published=False)
    founded_text: str = column(Kind.TEXT, "date of foundation as published", default="", length=64)
    founded_on: date | None = column(Kind.DATE, "date of foundation", default=None, published=False)
    status: str = column(Kind.TEXT, "registry status as published (存续, ...)", default="", length=64)
    business_scope: str = column(Kind.LONG_TEXT, "registered scope of business", default="")
    problems: list[str] = column(Kind.TEXTS, "texts that could not be normalised, as `field:reason`", default=[], published=False)
    crawled_at: datetime = column(Kind.DATETIME, "when this version was fetched", published=False)
    content_hash: str = column(Kind.TEXT, "32 hex digits over the published columns", published=False, length=32)
    raw: str = column(Kind.JSON, "the platform's item, without personal data", published=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingCompany:
    """A company seen in a posting whose own page has not been fetched yet."""

    platform: Platform = column(Kind.ENUM, "the platform that showed it", key=True, choices=Platform)
    company_id: str = column(Kind.TEXT, "the platform's own id of the company", key=True, length=64)
    name: str = column(Kind.TEXT, "name as shown", default="")
    job_id: str = column(Kind.TEXT, "a posting that showed it", default="", length=64)
    seen_at: datetime = column(Kind.DATETIME, "when it was last seen", published=False)


Row = Job | Company | PendingCompany
