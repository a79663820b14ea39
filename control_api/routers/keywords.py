"""Keywords over HTTP, for operators."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Response, UploadFile

from control_api.deps import ControlDep, needs
from control_api.keyword_csv import CSV_EXAMPLE, read_csv
from control_api.models import KeywordRun
from control_api.principal import Actor
from control_api.problems import answers
from control_api.routers.prefix import PrefixRouter
from control_api.schemas.base import Cursor, Limit, Page
from control_api.schemas.keywords import (
    ImportAnswer,
    ImportFault,
    KeywordAnswer,
    KeywordChange,
    KeywordCreate,
    KeywordImport,
    RunAnswer,
    RunState,
)
from control_api.services import keywords, runs
from control_api.services.keywords import KeywordFilter, KeywordPlan
from control_api.services.runs import RunFilter
from jobschema import Platform

router = PrefixRouter(prefix="/api/v1/keyword", tags=["keywords"], responses=answers(401, 403, 422))
ReadDep = Annotated[Actor, needs("keyword:read")]
WriteDep = Annotated[Actor, needs("keyword:write")]
KeywordId = Annotated[int, Path(ge=1, le=2**63 - 1)]
RunId = Annotated[int, Path(ge=1, le=2**63 - 1)]


def plan(body: KeywordCreate) -> KeywordPlan:
    """The service's form of a keyword to add."""
    return KeywordPlan(
        text=body.text,
        platforms=tuple(body.platforms),
        cities=tuple(body.cities),
        depth=body.depth,
        priority=body.priority,
        interval_seconds=body.interval_seconds,
        tags=tuple(body.tags),
        is_enabled=body.is_enabled,
    )


@router.get("", summary="List keywords")
def list_keywords(
    control: ControlDep,
    _actor: ReadDep,
    text: Annotated[str, Query(max_length=100, description="A part of the text")] = "",
    platform: Annotated[Platform | None, Query()] = None,
    city_code: Annotated[str, Query(max_length=32)] = "",
    tag: Annotated[str, Query(max_length=32)] = "",
    is_enabled: Annotated[bool | None, Query()] = None,
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[KeywordAnswer]:
    """Keywords by id."""
    wanted = KeywordFilter(text, platform or "", city_code, tag, is_enabled)
    with control.database.read() as unit:
        found = keywords.search(unit, wanted, after_id=cursor or 0, limit=limit)
    return Page(items=[KeywordAnswer.model_validate(keyword) for keyword in found], next=found[-1].id if len(found) == limit else None)


@router.post("", status_code=201, summary="Add keywords", responses=answers(409))
def add_keywords(body: KeywordCreate, control: ControlDep, actor: WriteDep) -> list[KeywordAnswer]:
    """One keyword for every platform and city given; the answer has those that were not there yet."""
    with control.database.write() as unit:
        result = keywords.add(unit, actor, [plan(body)], update=False)
        return [KeywordAnswer.model_validate(keyword) for keyword in result.added]


@router.post("/import", summary="Import keywords (JSON)", responses=answers(409))
def import_keywords(body: KeywordImport, control: ControlDep, actor: WriteDep) -> ImportAnswer:
    """Up to 2,000 entries at once; importing the same again adds nothing."""
    with control.database.write() as unit:
        result = keywords.add(unit, actor, [plan(keyword) for keyword in body.keywords], update=body.update)
    return ImportAnswer(added=len(result.added), updated=result.updated, existing=result.existing)


@router.post("/import/csv", summary="Import keywords (CSV)", responses=answers(409))
def import_csv(file: UploadFile, control: ControlDep, actor: WriteDep, update: Annotated[bool, Query()] = False) -> ImportAnswer:
    """Columns: text, platforms, cities, depth, priority, interval, tags, enabled. Good lines are taken, others listed."""
    bodies, faults = read_csv(file.file.read())
    with control.database.write() as unit:
        result = keywords.add(unit, actor, [plan(body) for body in bodies], update=update)
    shown = [ImportFault(line=fault.line, message=fault.message) for fault in faults[:100]]
    return ImportAnswer(added=len(result.added), updated=result.updated, existing=result.existing, faults=shown)


@router.get(
    "/import/csv",
    summary="An example of a CSV",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def read_csv_example(_actor: ReadDep) -> Response:
    """A file to fill in."""
    return Response(CSV_EXAMPLE, media_type="text/csv; charset=utf-8")


@router.get("/runs", summary="Search runs")
def search_runs(
    control: ControlDep,
    _actor: ReadDep,
    keyword_id: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    node_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    platform: Annotated[Platform | None, Query()] = None,
    state: Annotated[RunState | None, Query()] = None,
    text: Annotated[str, Query(max_length=100, description="A part of the keyword's text")] = "",
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[RunAnswer]:
    """Newest first."""
    wanted = RunFilter(keyword_id, node_id, platform or "", state or "", text)
    with control.database.read() as unit:
        found = runs.search(unit, wanted, before_id=cursor, limit=limit)
    return Page(items=[_show_run(run, text) for run, text in found], next=found[-1][0].id if len(found) == limit else None)


def _show_run(run: KeywordRun, text: str) -> RunAnswer:
    return RunAnswer.model_validate(run).model_copy(update={"text": text})


@router.get("/runs/{run_id}", summary="Read a run", responses=answers(404))
def read_run(run_id: RunId, control: ControlDep, _actor: ReadDep) -> RunAnswer:
    """One pass over one keyword."""
    with control.database.read() as unit:
        return _show_run(*runs.find(unit, run_id))


@router.get("/{keyword_id}", summary="Read a keyword", responses=answers(404))
def read_keyword(keyword_id: KeywordId, control: ControlDep, _actor: ReadDep) -> KeywordAnswer:
    """One keyword."""
    with control.database.read() as unit:
        return KeywordAnswer.model_validate(keywords.find(unit, keyword_id))


@router.patch("/{keyword_id}", summary="Change a keyword", responses=answers(404))
def change_keyword(keyword_id: KeywordId, body: KeywordChange, control: ControlDep, actor: WriteDep) -> KeywordAnswer:
    """What is left out stays. Platform, text and city are what a keyword is: add another one instead."""
    with control.database.write() as unit:
        return KeywordAnswer.model_validate(keywords.change(unit, actor, keyword_id, body.model_dump(exclude_unset=True)))


@router.post("/{keyword_id}/run", summary="Make a keyword due now", responses=answers(404, 409))
def run_keyword(keyword_id: KeywordId, control: ControlDep, actor: WriteDep) -> KeywordAnswer:
    """The next node that asks for its platform may get it."""
    with control.database.write() as unit:
        return KeywordAnswer.model_validate(keywords.run_now(unit, actor, keyword_id))


@router.delete("/{keyword_id}", status_code=204, summary="Remove a keyword", responses=answers(404, 409))
def remove_keyword(keyword_id: KeywordId, control: ControlDep, actor: WriteDep) -> None:
    """With its runs; switching off (`is_enabled`) keeps them."""
    with control.database.write() as unit:
        keywords.remove(unit, actor, keyword_id)
