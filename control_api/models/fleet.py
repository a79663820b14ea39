"""Machines that crawl: nodes and the credentials that they present."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from control_api.models.base import TABLE, JsonText, Moment, Row, now_utc


class Node(Row, table=True):
    """A machine. Its state is read from these moments: nothing has to run for a lost node to show as lost."""

    __tablename__ = "node"
    __table_args__ = (UniqueConstraint("name"), Index(None, "last_seen_at"), TABLE)

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=64)
    created_at: datetime = Field(default_factory=now_utc, sa_type=Moment)
    registered_at: datetime | None = Field(default=None, sa_type=Moment)
    last_seen_at: datetime | None = Field(default=None, sa_type=Moment)
    stopped_at: datetime | None = Field(default=None, sa_type=Moment)
    is_draining: bool = False
    ip: str = Field(default="", max_length=45)
    about: dict[str, Any] = Field(default_factory=dict, sa_type=JsonText)  # what the node says of itself: version, host, platforms
    vitals: dict[str, Any] = Field(default_factory=dict, sa_type=JsonText)  # the last heartbeat's numbers
    last_words: str = Field(default="", max_length=500)


class NodeCredential(Row, table=True):
    """A secret of one node: kept as a hash, found by its public half."""

    __tablename__ = "node_credential"
    __table_args__ = (UniqueConstraint("public_id"), Index(None, "node_id"), TABLE)
    secret_fields: ClassVar[frozenset[str]] = frozenset({"secret_hash"})

    id: int | None = Field(default=None, primary_key=True)
    node_id: int = Field(foreign_key="node.id")
    public_id: str = Field(max_length=16)
    secret_hash: str = Field(max_length=64, repr=False)
    scopes: list[str] = Field(default_factory=list, sa_type=JsonText)
    created_at: datetime = Field(default_factory=now_utc, sa_type=Moment)
    expires_at: datetime = Field(sa_type=Moment)
    revoked_at: datetime | None = Field(default=None, sa_type=Moment)
    last_used_at: datetime | None = Field(default=None, sa_type=Moment)
