"""Nodes and their credentials, as messages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from control_api.schemas.base import Answer, Line, Name, Request
from jobschema import Platform

NodeState = Literal["new", "alive", "draining", "lost", "stopped"]
VitalName = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9_/.]*$")]
Days = Annotated[int, Field(ge=1, le=730, description="For how long it is good")]
Grace = Annotated[int, Field(ge=0, le=7 * 24 * 3600, description="How many seconds the old one is still good")]
VitalValue = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]


class NodeCreate(Request):
    """A new node."""

    name: Name = Field(examples=["spot-hangzhou-07"])


class NodeDrain(Request):
    """Whether the node should finish what it has and take nothing new."""

    is_draining: bool


class NodeAbout(Request):
    """What a node says of itself when it begins."""

    version: Line = Field("", max_length=40, examples=["0.1.0"])
    host: Line = Field("", max_length=100)
    instance_id: Line = Field("", max_length=64, examples=["i-bp1abc"])
    region: Line = Field("", max_length=40)
    platforms: list[Platform] = Field([], max_length=10)


class Heartbeat(Request):
    """A sign of life with a few numbers."""

    vitals: dict[VitalName, VitalValue] = Field({}, max_length=50, examples=[{"requests": 1200, "rows/stored": 900, "bans": 2}])


class HeartbeatAnswer(Answer):
    """What the control plane wants of the node."""

    is_draining: bool = Field(description="Finish what you have, take nothing new, say your last words")
    heartbeat_seconds: int = Field(description="When to beat again", examples=[30])
    server_time: datetime


class LastWords(Request):
    """Why a node stops."""

    reason: Literal["finished", "drained", "spot_interrupted", "banned", "error", "stopped"]
    words: Line = Field("", max_length=400)
    platforms: list[Platform] = Field([], max_length=10, description="Which of its crawls stop; none named: all, and the node with them")


class LeaveAnswer(Answer):
    """What was taken back from the node."""

    keywords_returned: int
    tokens_returned: int


class NodeAnswer(Answer):
    """A node."""

    id: int
    name: str
    state: NodeState
    is_draining: bool
    created_at: datetime
    registered_at: datetime | None
    last_seen_at: datetime | None
    stopped_at: datetime | None
    ip: str
    about: dict[str, Any]
    vitals: dict[str, float]
    last_words: str


class CredentialCreate(Request):
    """A new credential for a node."""

    scopes: list[Literal["ingest", "keyword", "token"]] = Field(min_length=1, max_length=3, examples=[["ingest", "keyword", "token"]])
    days: Days = 90


class CredentialRotate(Request):
    """A successor for a credential."""

    days: Days = 90
    grace_seconds: Grace = 0


class CredentialAnswer(Answer):
    """A credential, without its secret."""

    id: int
    node_id: int
    public_id: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class CredentialSecret(CredentialAnswer):
    """A new credential: the only answer that ever holds the secret."""

    secret: str = Field(description="Send it in the header `token`, or as Bearer. It is not shown again.")
