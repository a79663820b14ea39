"""When a posting counts as gone: rules over passes, without a database. `jobstore.lifecycle_book` applies them to stored rows.

Two authorities delist: the platform says that a posting is gone, or enough complete passes of *every* keyword that ever showed it went
by without it. A pass that was blocked, cut short or strangely short proves nothing by absence; what it did show counts as seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jobschema.enums import Platform, Verdict

PASSES_TO_DELIST = 2  # complete passes of each keyword; 1 trusts a single look
# Of the postings that a pass should find: fewer, and the platform may be hiding the rest. Believed when as many passes agree.
SHRUNKEN_SHARE = 0.7
SHRUNKEN_MEMORY = 10
CLAIMED_SHARE = 0.9  # of what the platform said there are: fewer read, and the rest may hold anything
_BLOCKS = frozenset(verdict.value for verdict in Verdict if verdict.is_block)


class PassOutcome(StrEnum):
    """What a pass over a keyword proves."""

    COMPLETE = "complete"  # everything was read: what it did not show is absent
    PARTIAL = "partial"  # some request had no good answer
    BANNED = "banned"  # the platform refused requests
    TRUNCATED = "truncated"  # there is more than was read
    SHRUNKEN = "shrunken"  # nothing went wrong, and most of it is missing


class Authority(StrEnum):
    """Whose word a delisting is."""

    PLATFORM = "platform"
    ABSENCE = "absence"


@dataclass(frozen=True, slots=True)
class KeywordPass:
    """One pass over a keyword, ended. Times are aware.

    `causes` are why the run is not complete (verdicts and other words, as the ledger counts them), `is_truncated` whether the search was
    capped or not read to its end (a keyword's own depth included), `claimed` how many postings the platform said there are.
    """

    platform: Platform
    text: str
    city_code: str
    started_at: datetime
    ended_at: datetime
    jobs: int
    pages: int = 0
    causes: tuple[str, ...] = ()
    is_truncated: bool = False
    claimed: int | None = None


@dataclass(frozen=True, slots=True)
class PassRecord:
    """A pass and what it met: `seen` is job id -> when it was fetched, `gone` are postings that the platform says it has no more."""

    one: KeywordPass
    seen: Mapping[str, datetime]
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PassReport:
    """What a pass proved: the postings that are gone by their absence, and those that are on the platform's word."""

    outcome: PassOutcome
    delisted: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LifecycleState:
    """What is known of one posting."""

    first_seen: datetime
    last_seen: datetime
    changed_at: datetime
    delisted_at: datetime | None
    delisted_by: Authority | None
    reposted_at: datetime | None
    reposts: int

    @property
    def is_listed(self) -> bool:
        return self.delisted_at is None


def judge_pass(one: KeywordPass, expected: int) -> PassOutcome:
    """What a pass proves. `expected` is how many postings it should have found, going by the passes before it; 0 for the first."""
    if _BLOCKS.intersection(one.causes):
        return PassOutcome.BANNED
    if one.causes:
        return PassOutcome.PARTIAL
    if one.is_truncated or (one.claimed is not None and one.jobs < CLAIMED_SHARE * one.claimed):
        return PassOutcome.TRUNCATED
    if one.jobs < SHRUNKEN_SHARE * expected:
        return PassOutcome.SHRUNKEN
    return PassOutcome.COMPLETE


def is_absent(last_seen: datetime, horizons: Iterable[datetime | None]) -> bool:
    """Whether a posting is gone by absence.

    A horizon for every keyword that showed it: the start of the earliest of that keyword's last N complete passes; None when it has fewer.
    """
    known = list(horizons)
    return bool(known) and all(horizon is not None and horizon > last_seen for horizon in known)
