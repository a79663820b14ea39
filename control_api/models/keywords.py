"""What is searched, and each pass over it: keywords and runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from control_api.models.base import TABLE, BigKey, JsonText, Moment, Row, now_utc


class Keyword(Row, table=True):
    """A text on one platform in one city.

    `available_at` alone says when it may be claimed: due time while idle, end of the lease while leased, nothing when it is not
    scheduled. `epoch` counts claims and fences a node that woke too late.
    """

    __tablename__ = "keyword"
    __table_args__ = (
        UniqueConstraint("platform", "text", "city_code"),
        Index("ix_keyword_claim", "is_enabled", "platform", "rank", "available_at"),
        Index(None, "text"),
        TABLE,
    )

    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    platform: str = Field(max_length=16)
    text: str = Field(max_length=100)
    city_code: str = Field(max_length=32)
    depth: int | None = None
    rank: int = 0  # minus the priority: one ascending index gives the order of claims on both databases
    interval_seconds: int | None = None
    tags: str = Field(default="|", max_length=255)  # |a|b|: found by LIKE '%|a|%'
    is_enabled: bool = True
    available_at: datetime | None = Field(default=None, sa_type=Moment)
    epoch: int = 0
    attempt: int = 0
    leased_by: int | None = Field(default=None, foreign_key="node.id")
    run_id: int | None = Field(default=None, sa_type=BigKey)
    last_state: str = Field(default="", max_length=16)
    last_ended_at: datetime | None = Field(default=None, sa_type=Moment)
    created_at: datetime = Field(default_factory=now_utc, sa_type=Moment)

    @property
    def priority(self) -> int:
        """A higher one goes first."""
        return -self.rank

    @property
    def tag_list(self) -> list[str]:
        """The tags."""
        return [tag for tag in self.tags.split("|") if tag]


class KeywordRun(Row, table=True):
    """One pass over one keyword, by one node; by whichever takes it from Redis where `node_id` is null."""

    __tablename__ = "keyword_run"
    __table_args__ = (
        Index(None, "keyword_id", "id"),
        Index(None, "node_id", "id"),
        Index(None, "platform", "id"),
        Index(None, "state", "id"),
        Index("ix_keyword_run_lease", "state", "lease_until"),
        Index(None, "started_at"),
        # Two filters at once, one of which fits few runs: without these all that fit the other are read.
        Index(None, "platform", "state", "id"),
        Index(None, "node_id", "state", "id"),
        Index(None, "node_id", "platform", "id"),
        TABLE,
    )

    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    keyword_id: int = Field(foreign_key="keyword.id", sa_type=BigKey)
    node_id: int | None = Field(default=None, foreign_key="node.id")
    platform: str = Field(max_length=16)
    epoch: int
    attempt: int
    state: str = Field(default="running", max_length=16)  # queued (in Redis), running, complete, partial, returned, expired
    started_at: datetime = Field(default_factory=now_utc, sa_type=Moment)
    lease_until: datetime = Field(sa_type=Moment)
    ended_at: datetime | None = Field(default=None, sa_type=Moment)
    pages: int = 0
    jobs: int = 0
    companies: int = 0
    causes: dict[str, Any] = Field(default_factory=dict, sa_type=JsonText)
