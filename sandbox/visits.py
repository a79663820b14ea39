"""One request as the fake platforms see it, and what they decide to answer. Plain values between the web server and the fakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl

SEARCH, DETAIL, BATCH, COMPANY = "search", "detail", "batch", "company"


@dataclass(frozen=True)
class Visit:
    """A request: `query` is the query string exactly as sent, header names are case-insensitive, `ip` the peer's address."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    ip: str
    now: float  # unix seconds

    @cached_property
    def params(self) -> dict[str, str]:
        """The query's parameters, decoded; the last of equal names wins."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What is answered, and how the sandbox itself would call it (`verdict`, and why: `cause`)."""

    body: bytes
    verdict: str = "ok"
    cause: str = ""
    status: int = 200
    content_type: str = "application/json;charset=UTF-8"
    headers: dict[str, str] = field(default_factory=dict)
    jobs: int = 0  # postings in it


@dataclass(slots=True, kw_only=True)
class Asked:
    """What a visit is about, for triggers and for the record: never a secret."""

    kind: str = ""
    text: str = ""
    city: str = ""
    page: int = 0
    client: str = ""  # the token's label: token-1, at-1, none, unknown-<hash>
