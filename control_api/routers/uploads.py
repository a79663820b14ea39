"""Uploads per address over HTTP."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import Query

from control_api.deps import ControlDep, needs
from control_api.principal import Actor
from control_api.problems import answers
from control_api.routers.prefix import PrefixRouter
from control_api.schemas.base import Answer, Cursor, Limit, Page
from control_api.services import uploads

router = PrefixRouter(prefix="/api/v1/ip", tags=["uploads"], responses=answers(401, 403, 422))


class IpUploadAnswer(Answer):
    """Uploads of one source from one address on one day (UTC)."""

    id: int
    day: date
    source: str
    ip: str
    uploads: int
    rows: int
    bytes: int
    last_at: datetime


@router.get("", summary="Uploads per address")
def list_uploads(
    control: ControlDep,
    _actor: Annotated[Actor, needs("ip:read")],
    day: Annotated[date | None, Query()] = None,
    source: Annotated[str, Query(max_length=64)] = "",
    ip: Annotated[str, Query(max_length=45)] = "",
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[IpUploadAnswer]:
    """Newest first."""
    with control.database.read() as unit:
        found = uploads.search(unit, day, source, ip, before_id=cursor, limit=limit)
    return Page(items=[IpUploadAnswer.model_validate(row) for row in found], next=found[-1].id if len(found) == limit else None)
