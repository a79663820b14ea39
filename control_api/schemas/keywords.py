"""Keywords, leases and runs, as messages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from control_api.schemas.base import Answer, BigId, Request, Words
from jobschema import Platform

CityCode = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9_+.-]+$", examples=["101010100"])]
Tag = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[\w-]+$")]
Text = Annotated[Words, Field(max_length=100, examples=["数据分析"])]
Depth = Annotated[int, Field(ge=1, le=1000, description="Pages; null: as deep as the platform goes")]
Priority = Annotated[int, Field(ge=-1000, le=1000, description="A higher one goes first")]
Interval = Annotated[int, Field(ge=60, le=366 * 24 * 3600, description="Seconds between starts; null: only when asked")]
RunState = Literal["queued", "running", "complete", "partial", "returned", "expired"]


class KeywordCreate(Request):
    """A text, searched on every one of `platforms` in every one of `cities` (the platform's city codes)."""

    text: Text
    platforms: list[Platform] = Field(min_length=1, max_length=3, examples=[["boss"]])
    cities: list[CityCode] = Field(min_length=1, max_length=100)
    depth: Depth | None = None
    priority: Priority = 0
    interval_seconds: Interval | None = None
    tags: list[Tag] = Field([], max_length=6)
    is_enabled: bool = True


class KeywordImport(Request):
    """Many keywords at once."""

    keywords: list[KeywordCreate] = Field(min_length=1, max_length=2000)
    update: bool = Field(False, description="Give keywords that are there already the values of this import")


class ImportFault(Answer):
    """A line that was not taken."""

    line: int
    message: str


class ImportAnswer(Answer):
    """What became of an import."""

    added: int
    updated: int
    existing: int
    faults: list[ImportFault] = Field(default_factory=list)


class KeywordChange(Request):
    """What to change of a keyword; what is left out stays."""

    depth: Depth | None = None
    priority: Priority = 0
    interval_seconds: Interval | None = None
    tags: list[Tag] = Field([], max_length=6)
    is_enabled: bool = True


class KeywordAnswer(Answer):
    """A keyword and where it stands."""

    id: int
    platform: Platform
    text: str
    city_code: str
    depth: int | None
    priority: int
    interval_seconds: int | None
    tags: list[str] = Field(validation_alias="tag_list", serialization_alias="tags")
    is_enabled: bool
    available_at: datetime | None = Field(description="When it may be claimed; while it is leased, the end of the lease")
    epoch: int
    attempt: int
    leased_by: int | None
    last_state: str
    last_ended_at: datetime | None


class LeasedKeyword(Answer):
    """What to search: `jobschema.messages.Keyword`."""

    platform: Platform
    text: str
    city_code: str
    depth: int | None
    keyword_id: str
    priority: int


class LeaseAnswer(Answer):
    """A claim on a keyword: `jobschema.messages.Lease`, and until when it is good."""

    lease_id: str
    keyword: LeasedKeyword
    epoch: int
    attempt: int
    lease_seconds: int
    expires_at: datetime


class LeasesAnswer(Answer):
    """The keywords to run now."""

    leases: list[LeaseAnswer]
    is_draining: bool = False


class LeaseExtend(Request):
    """Which epoch's lease to extend."""

    epoch: BigId


class LeaseOutcome(LeaseExtend):
    """What a run brought."""

    pages: int = Field(0, ge=0, le=1_000_000)
    jobs: int = Field(0, ge=0, le=100_000_000, description="Postings that its search pages showed")
    companies: int = Field(0, ge=0, le=100_000_000, description="Companies that its answers showed, each as often as it came")


class LeaseReturn(LeaseOutcome):
    """Why a run lacks something; no causes: the node drains, and the keyword is free at once."""

    causes: dict[Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\w/:. -]+$")], Annotated[int, Field(ge=1, le=10**9)]] = (
        Field({}, max_length=50, examples=[{"ip_banned": 3}])
    )


class LeaseExtended(Answer):
    """Until when the lease is good."""

    expires_at: datetime


class RunAnswer(Answer):
    """One pass over one keyword."""

    id: int
    keyword_id: int
    text: str = ""
    platform: Platform
    node_id: int | None = Field(description="null: nodes take it from Redis")
    epoch: int
    attempt: int
    state: RunState
    started_at: datetime
    lease_until: datetime
    ended_at: datetime | None
    pages: int
    jobs: int
    companies: int
    causes: dict[str, Any]
