"""What is written down: the audit log, and how much each address uploaded."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field

from control_api.db import APPEND_ONLY
from control_api.models.base import TABLE, BigKey, JsonText, Moment, Row, now_utc


class AuditLog(Row, table=True):
    """Who did what to what, from where. Rows are added and never changed."""

    __tablename__ = "auditlog"
    __table_args__ = (
        Index(None, "actor_name", "id"),
        Index(None, "action", "id"),
        Index(None, "object_kind", "object_id", "id"),
        Index(None, "at"),
        {**TABLE, "info": {APPEND_ONLY: True}},
    )

    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    at: datetime = Field(default_factory=now_utc, sa_type=Moment)
    actor_kind: str = Field(max_length=8)
    actor_id: int | None = None
    actor_name: str = Field(max_length=64)
    action: str = Field(max_length=48)
    object_kind: str = Field(default="", max_length=32)
    object_id: str = Field(default="", max_length=64)
    before: dict[str, Any] | None = Field(default=None, sa_type=JsonText)
    after: dict[str, Any] | None = Field(default=None, sa_type=JsonText)
    ip: str = Field(default="", max_length=45)
    request_id: str = Field(default="", max_length=64)


class IpUpload(Row, table=True):
    """Uploads of one source from one address on one day (UTC)."""

    __tablename__ = "ip_upload_stats"
    __table_args__ = (UniqueConstraint("day", "source", "ip"), Index(None, "ip"), TABLE)

    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    day: date
    source: str = Field(max_length=64)
    ip: str = Field(max_length=45)
    uploads: int = 0
    rows: int = 0
    bytes: int = Field(default=0, sa_type=BigInteger)
    last_at: datetime = Field(sa_type=Moment)
