"""What travels between the control plane, Redis and the nodes."""

from __future__ import annotations

from dataclasses import dataclass

from jobschema.enums import Platform


@dataclass(frozen=True, slots=True)
class Keyword:
    """What is searched: a text on one platform in one city, `depth` pages deep (None: as deep as the platform goes).

    `keyword_id` is the row of the `keyword` table; empty for a keyword that came by arguments. A higher `priority` goes first.
    """

    platform: Platform
    text: str
    city_code: str
    depth: int | None = None
    keyword_id: str = ""
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker's dated, numbered claim on a keyword. `epoch` fences a worker that woke too late; `attempt` counts from 1.

    `worker` is the number that Redis gave the holder; 0 where nobody gives numbers.
    """

    lease_id: str
    keyword: Keyword
    epoch: int = 1
    attempt: int = 1
    worker: int = 0
