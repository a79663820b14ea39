"""Jobs, companies and salaries over HTTP: asked of the store of rows, paged, and exported as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Depends, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from control_api.deps import ControlDep, needs
from control_api.errors import NotFound
from control_api.principal import Actor
from control_api.problems import answers
from control_api.routers.prefix import PrefixRouter
from control_api.schemas.analytics import (
    CompanyAnswer,
    CompanyDetail,
    JobAnswer,
    JobDetail,
    Money,
    Part,
    PlaceCursor,
    SalaryAnswer,
    VersionAnswer,
)
from control_api.schemas.base import Limit, Line, Moment
from jobschema import Education, Employment, Platform
from jobstore import analytics
from jobstore.analytics import Dimension, Form, JobFilter

router = PrefixRouter(prefix="/api/v1/analytics", tags=["analytics"], responses=answers(401, 403, 422))
ReadDep = Annotated[Actor, needs("data:read")]
PlatformPath = Annotated[Platform, Path()]
ThingId = Annotated[str, Path(min_length=1, max_length=64)]
Text = Annotated[Line, Field(max_length=100)]
_MEDIA = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
_FILES: dict[str, Any] = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("text/csv", _MEDIA["parquet"])}


async def _read_filter(
    platform: Annotated[Platform | None, Query()] = None,
    text: Annotated[Text, Query(description="In the title or the company's name", examples=["数据"])] = "",
    city: Annotated[Text, Query(examples=["北京"])] = "",
    keyword: Annotated[Text, Query(description="The keyword that found it")] = "",
    company_id: Annotated[Line, Query(max_length=64)] = "",
    education: Annotated[Education | None, Query()] = None,
    employment: Annotated[Employment | None, Query()] = None,
    salary_from: Annotated[Money | None, Query(description="CNY a month")] = None,
    salary_to: Annotated[Money | None, Query(description="CNY a month")] = None,
    seen_since: Annotated[Moment | None, Query()] = None,
    seen_until: Annotated[Moment | None, Query()] = None,
) -> JobFilter:
    return JobFilter(platform, text, city, keyword, company_id, education, employment, salary_from, salary_to, seen_since, seen_until)


FilterDep = Annotated[JobFilter, Depends(_read_filter)]


def _split(cursor: str) -> tuple[str, str]:
    platform, _, thing = cursor.partition(":")
    return platform, thing


def _next(rows: list[dict[str, Any]], limit: int, name: str) -> str | None:
    return f"{rows[-1]['platform']}:{rows[-1][name]}" if len(rows) == limit else None


@router.get("/job", summary="Search jobs")
def search_jobs(
    control: ControlDep,
    _actor: ReadDep,
    wanted: FilterDep,
    cursor: Annotated[PlaceCursor, Query()] = "",
    limit: Annotated[Limit, Query()] = 50,
) -> Part[JobAnswer]:
    """Postings on all platforms in one shape, by platform and id."""
    rows = analytics.search_jobs(control.rows.get(), wanted, after=_split(cursor), limit=limit)
    return Part(items=[JobAnswer.model_validate(row) for row in rows], next=_next(rows, limit, "job_id"))


@router.get(
    "/job/export",
    summary="Export jobs",
    response_class=StreamingResponse,
    responses={200: {"content": _FILES}},
)
def export_jobs(
    control: ControlDep,
    _actor: ReadDep,
    wanted: FilterDep,
    format: Annotated[Form, Query()] = "csv",  # noqa: A002
    limit: Annotated[int, Query(ge=1, le=5_000_000)] = 100_000,
) -> StreamingResponse:
    """Every column of the postings that match, as a file, streamed."""
    pieces: Iterator[bytes] = analytics.export_jobs(control.rows.get(), wanted, format, limit=limit)
    headers = {"Content-Disposition": f'attachment; filename="jobs.{format}"'}
    return StreamingResponse(pieces, media_type=_MEDIA[format], headers=headers)


@router.get("/job/{platform}/{job_id}", summary="Read a job", responses=answers(404))
def read_job(platform: PlatformPath, job_id: ThingId, control: ControlDep, _actor: ReadDep) -> JobDetail:
    """One posting, every column."""
    row = analytics.read_job(control.rows.get(), platform, job_id)
    if row is None:
        raise NotFound(f"No posting of {platform.value} with this id is stored.")
    return JobDetail.model_validate(row)


@router.get("/job/{platform}/{job_id}/history", summary="A job's history", responses=answers(404))
def read_history(platform: PlatformPath, job_id: ThingId, control: ControlDep, _actor: ReadDep) -> list[VersionAnswer]:
    """What the posting said, version by version, oldest first, and when it was seen."""
    rows = analytics.read_history(control.rows.get(), platform, job_id)
    if not rows:
        raise NotFound(f"No posting of {platform.value} with this id is stored.")
    return [VersionAnswer.model_validate(row) for row in rows]


@router.get("/company", summary="Search companies")
def search_companies(
    control: ControlDep,
    _actor: ReadDep,
    platform: Annotated[Platform | None, Query()] = None,
    text: Annotated[Text, Query(description="In the short or the full name")] = "",
    cursor: Annotated[PlaceCursor, Query()] = "",
    limit: Annotated[Limit, Query()] = 50,
) -> Part[CompanyAnswer]:
    """Companies by platform and id."""
    rows = analytics.search_companies(control.rows.get(), platform, text, after=_split(cursor), limit=limit)
    return Part(items=[CompanyAnswer.model_validate(row) for row in rows], next=_next(rows, limit, "company_id"))


@router.get("/company/{platform}/{company_id}", summary="Read a company", responses=answers(404))
def read_company(platform: PlatformPath, company_id: ThingId, control: ControlDep, _actor: ReadDep) -> CompanyDetail:
    """One company, every column."""
    row = analytics.read_company(control.rows.get(), platform, company_id)
    if row is None:
        raise NotFound(f"No company of {platform.value} with this id is stored.")
    return CompanyDetail.model_validate(row)


@router.get("/salary", summary="Salary statistics")
def read_salaries(
    control: ControlDep,
    _actor: ReadDep,
    wanted: FilterDep,
    by: Annotated[list[Dimension], Query(max_length=3, description="One line for each value of these")] = ["platform", "city"],  # noqa: B006
    least: Annotated[int, Query(ge=1, le=1_000_000, description="Fewest postings of a line")] = 1,
    limit: Annotated[Limit, Query()] = 100,
) -> list[SalaryAnswer]:
    """Quartiles, mean and ends of the middle of the salary range, most postings first."""
    rows = analytics.salary_statistics(control.rows.get(), wanted, by, least=least, limit=limit)
    return [SalaryAnswer.model_validate(row) for row in rows]
