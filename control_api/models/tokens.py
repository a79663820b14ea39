"""MPT tokens: encrypted, leased to one node at a time, with everything that was said about them."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Index, Text, UniqueConstraint
from sqlmodel import Field

from control_api.models.base import TABLE, BigKey, Moment, Row, now_utc


class Token(Row, table=True):
    """A token. `available_at` is the end of its lease or rest; a token that is invalid or switched off is never lent."""

    __tablename__ = "boss_token"
    __table_args__ = (
        UniqueConstraint("fingerprint"),
        Index("ix_boss_token_lend", "platform", "state", "available_at"),
        Index(None, "leased_by"),
        TABLE,
    )
    secret_fields: ClassVar[frozenset[str]] = frozenset({"ciphertext", "fingerprint"})

    id: int | None = Field(default=None, primary_key=True)
    platform: str = Field(max_length=16)
    label: str = Field(default="", max_length=64)
    ciphertext: str = Field(sa_type=Text, repr=False)
    fingerprint: str = Field(max_length=64, repr=False)
    tail: str = Field(default="", max_length=4)  # its last characters, to tell tokens apart
    state: str = Field(default="active", max_length=16)
    is_enabled: bool = True
    available_at: datetime = Field(default_factory=now_utc, sa_type=Moment)
    leased_by: int | None = Field(default=None, foreign_key="node.id")
    lease_epoch: int = 0
    last_lent_at: datetime | None = Field(default=None, sa_type=Moment)
    times_lent: int = 0
    last_cause: str = Field(default="", max_length=32)
    created_at: datetime = Field(default_factory=now_utc, sa_type=Moment)


class TokenEvent(Row, table=True):
    """Something that happened to a token: lent, given back, said to be limited, resting or invalid."""

    __tablename__ = "boss_token_event"
    __table_args__ = (Index(None, "token_id", "id"), Index(None, "at"), TABLE)

    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    token_id: int = Field(foreign_key="boss_token.id")
    at: datetime = Field(default_factory=now_utc, sa_type=Moment)
    kind: str = Field(max_length=16)
    cause: str = Field(default="", max_length=32)
    evidence: str = Field(default="", max_length=500)
    node_id: int | None = Field(default=None, foreign_key="node.id")
    user_name: str = Field(default="", max_length=64)
