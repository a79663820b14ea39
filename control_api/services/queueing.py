"""Keywords that nodes take from Redis: what is due becomes a queued run, and how Redis says that it ended is written down.

A queued run is a lease of all those nodes together: nobody else can claim its keyword while Redis knows of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import Session, col, select

from control_api.models import Keyword, KeywordRun
from control_api.services import leases
from control_api.services.leases import LeaseRules, Outcome
from jobschema import Platform, messages


class Place(StrEnum):
    """Where Redis has a run."""

    WAITING = "waiting"  # a message that no node has read yet
    OPEN = "open"  # queued or leased
    COMPLETE = "complete"  # every row of it is stored
    DEAD = "dead"  # given up after too many attempts
    UNREADABLE = "unreadable"  # put aside by a node: no keyword for its platform
    LOST = "lost"  # nowhere: it never arrived, or Redis lost its memory


_ENDS = frozenset({Place.COMPLETE, Place.DEAD, Place.UNREADABLE})


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a run is, and why it was given up (cause -> how often)."""

    place: Place
    causes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QueuedRun:
    """A run that nodes take from Redis. `name` is its own for ever, also where the database was made anew."""

    run_id: int
    name: str
    keyword: messages.Keyword
    lease_until: datetime


def queue_due(unit: Session, platform: Platform, count: int, rules: LeaseRules, now: datetime) -> list[QueuedRun]:
    """A queued run for each of up to `count` keywords that are due."""
    due = unit.exec(leases.select_due(platform, count, now)).all()
    return [_show(leases.lend(unit, keyword, None, rules, now), keyword) for keyword in due]


def read_queued(unit: Session, platform: Platform, *, after_id: int, limit: int) -> list[QueuedRun]:
    """Queued runs of a platform, by id."""
    statement = (
        select(KeywordRun, Keyword)
        .join(Keyword, col(Keyword.id) == col(KeywordRun.keyword_id))
        .where(KeywordRun.platform == platform, KeywordRun.state == "queued", col(KeywordRun.id) > after_id)
        .order_by(col(KeywordRun.id))
        .limit(limit)
    )
    return [_show(run, keyword) for run, keyword in unit.exec(statement).all()]


def _show(run: KeywordRun, keyword: Keyword) -> QueuedRun:
    wanted = messages.Keyword(Platform(keyword.platform), keyword.text, keyword.city_code, keyword.depth, str(keyword.id), keyword.priority)
    return QueuedRun(run.id or 0, f"{run.id}-{run.started_at:%Y%m%dT%H%M%S}", wanted, run.lease_until)


def is_news(queued: QueuedRun, whereabouts: Whereabouts, rules: LeaseRules, now: datetime) -> bool:
    """Whether there is anything to write down: the run ended, or its lease is half over."""
    return whereabouts.place in _ENDS or queued.lease_until - now < timedelta(seconds=rules.seconds / 2)


def settle(unit: Session, found: Sequence[tuple[QueuedRun, Whereabouts]], rules: LeaseRules, now: datetime) -> None:
    """Write down what `is_news`: runs ended, were given up, or are good for another while."""
    for queued, whereabouts in found:
        run, keyword = leases.lock(unit, queued.run_id, int(queued.keyword.keyword_id))
        if run is None or keyword is None or run.state != "queued" or run.epoch != keyword.epoch:
            continue
        if whereabouts.place is Place.COMPLETE:
            _end(run, keyword, "complete", {}, now)
        elif whereabouts.place in _ENDS:
            _end(run, keyword, "partial", whereabouts.causes or {whereabouts.place.value: 1}, now)
        else:
            run.lease_until = keyword.available_at = now + timedelta(seconds=rules.seconds)
        unit.add_all((run, keyword))


def _end(run: KeywordRun, keyword: Keyword, state: str, causes: dict[str, int], now: datetime) -> None:
    leases.end(run, state, Outcome(causes=causes), now)
    leases.free(keyword, state, now)
    leases.wait_for_turn(keyword, run.started_at, now)  # Redis has tried it again and again already
