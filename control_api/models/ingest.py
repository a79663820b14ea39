"""What came through the ingest door: each batch by its identity, with its body until every sink has it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, UniqueConstraint
from sqlalchemy.dialects import mysql
from sqlmodel import Field

from control_api.models.base import TABLE, BigKey, LongJsonText, Moment, Row, now_utc

_Body = LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")


class IngestBatch(Row, table=True):
    """A batch that was answered 202. `body` is its JSON, packed, until it is stored; the identity stays CONTROL_INGEST_BOOK_DAYS."""

    __tablename__ = "ingest_batch"
    __table_args__ = (UniqueConstraint("batch_id"), Index(None, "state", "id"), Index(None, "node_id", "id"), TABLE)

    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    batch_id: str = Field(max_length=128)
    node_id: int = Field(foreign_key="node.id")
    platform: str = Field(max_length=16)
    data_type: str = Field(max_length=16)
    digest: str = Field(max_length=64)  # of the JSON: the same identity with other rows is refused
    accepted: int
    rejected: int
    faults: list[dict[str, Any]] = Field(default_factory=list, sa_type=LongJsonText)
    body: bytes | None = Field(default=None, sa_type=_Body, repr=False)
    size: int = 0  # bytes of `body`
    plain_size: int = 0  # bytes of its JSON
    state: str = Field(default="waiting", max_length=16)  # waiting, stored, failed
    reason: str = Field(default="", max_length=500)
    write_id: str | None = Field(default=None, max_length=128)  # what the sinks know it by, with those written together
    claimed_until: datetime | None = Field(default=None, sa_type=Moment)  # by one of several writers
    received_at: datetime = Field(default_factory=now_utc, sa_type=Moment)
    stored_at: datetime | None = Field(default=None, sa_type=Moment)
