"""The audit log over HTTP: filter and export. There is no route that changes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import Depends, Query
from fastapi.responses import StreamingResponse

from control_api.audit_export import WRITERS
from control_api.deps import Control, ControlDep, needs
from control_api.models import AuditLog
from control_api.principal import Actor
from control_api.problems import answers
from control_api.routers.prefix import PrefixRouter
from control_api.schemas.access import AuditAnswer
from control_api.schemas.base import Cursor, Limit, Moment, Page
from control_api.services import audit
from control_api.services.audit import AuditFilter

router = PrefixRouter(prefix="/api/v1/auditlog", tags=["audit"], responses=answers(401, 403, 422))
ReadDep = Annotated[Actor, needs("audit:read")]


async def _read_filter(
    actor: Annotated[str, Query(max_length=64, description="Name of who did it")] = "",
    action: Annotated[str, Query(max_length=48, examples=["keyword.change"])] = "",
    object_kind: Annotated[str, Query(max_length=32, examples=["keyword"])] = "",
    object_id: Annotated[str, Query(max_length=64)] = "",
    since: Annotated[Moment | None, Query()] = None,
    until: Annotated[Moment | None, Query()] = None,
) -> AuditFilter:
    return AuditFilter(actor, action, object_kind, object_id, since, until)


FilterDep = Annotated[AuditFilter, Depends(_read_filter)]


@router.get("", summary="Search the audit log")
def search_audit(
    control: ControlDep,
    _actor: ReadDep,
    wanted: FilterDep,
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[AuditAnswer]:
    """Newest first."""
    with control.database.read() as unit:
        lines = audit.search(unit, wanted, before_id=cursor, limit=limit)
    return Page(items=[AuditAnswer.model_validate(line) for line in lines], next=lines[-1].id if len(lines) == limit else None)


@router.get(
    "/export",
    summary="Export the audit log",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}, "application/x-ndjson": {"schema": {"type": "string"}}}}},
)
def export_audit(
    control: ControlDep,
    _actor: ReadDep,
    wanted: FilterDep,
    format: Annotated[Literal["csv", "jsonl"], Query()] = "csv",  # noqa: A002
) -> StreamingResponse:
    """Everything that matches, streamed, newest first."""
    write, media_type = WRITERS[format]
    headers = {"Content-Disposition": f'attachment; filename="audit.{format}"'}
    return StreamingResponse(write(_walk(control, wanted)), media_type=media_type, headers=headers)


def _walk(control: Control, wanted: AuditFilter) -> Iterator[AuditLog]:
    with control.database.read() as unit:
        yield from audit.walk(unit, wanted)
