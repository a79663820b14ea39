"""Jobs, companies and salaries as analysts read them, as messages."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from control_api.schemas.base import Answer
from jobschema import Platform

Item = TypeVar("Item")
Money = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
PlaceCursor = Annotated[str, Field(max_length=160, pattern=r"^$|^(boss|qcwy|zhilian):.{1,128}$", description="`next` of the part before")]


class Part(BaseModel, Generic[Item]):
    """A part of a list. Pass `next` as `cursor` to get the next part; null: there is none."""

    items: list[Item]
    next: str | None = Field(None, examples=["boss:1f4c"])


class JobAnswer(Answer):
    """The newest knowledge of a posting. Salaries: CNY a paid month."""

    platform: Platform
    job_id: str
    url: str
    title: str
    company_id: str
    company_name: str
    city: str
    district: str
    salary_text: str
    month_low: float | None
    month_high: float | None
    salary_months: int
    experience_text: str
    education: str | None
    employment: str | None
    industry: str
    keyword: str
    first_seen: datetime
    last_seen: datetime
    times_seen: int
    versions: int


class JobDetail(JobAnswer):
    """The same with every other column of the contract (docs/stores.md)."""

    model_config = ConfigDict(extra="allow")

    description: str | None
    address: str
    skills: list[str]
    welfare: list[str]


class VersionAnswer(Answer):
    """What a posting said during a time."""

    content_hash: str
    title: str
    company_name: str
    city: str
    salary_text: str
    month_low: float | None
    month_high: float | None
    experience_text: str
    education_text: str
    has_description: bool
    crawled_at: datetime
    first_seen: datetime
    last_seen: datetime
    times_seen: int


class CompanyAnswer(Answer):
    """A company."""

    platform: Platform
    company_id: str
    url: str
    name: str
    full_name: str
    industry: str
    size_text: str
    kind: str
    stage: str
    city: str
    first_seen: datetime
    last_seen: datetime
    versions: int


class CompanyDetail(CompanyAnswer):
    """The same with every other column of the contract, and how many of its postings are stored."""

    model_config = ConfigDict(extra="allow")

    introduction: str | None
    address: str
    founded_on: date | None
    jobs: int


class SalaryAnswer(Answer):
    """The spread of the middle of the salary range, CNY a month; of the dimensions, those that were asked for."""

    platform: Platform | None = None
    city: str | None = None
    keyword: str | None = None
    jobs: int
    mean: float
    lowest: float
    low: float = Field(description="First quartile")
    median: float
    high: float = Field(description="Third quartile")
    highest: float
