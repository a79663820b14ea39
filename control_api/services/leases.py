"""Claims on keywords: one node (or the Redis of many) at a time, numbered by epoch, dated by lease. Returned, completed, or run out.

A keyword is claimable while `available_at` has passed; a claim moves `available_at` to the end of the lease, so a lease that
runs out needs nobody to notice it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select, update

from control_api.config import Settings
from control_api.errors import LeaseLost
from control_api.models import Keyword, KeywordRun
from control_api.models.base import now_utc
from control_api.services.access import is_draining

OPEN = ("running", "queued")  # a node has it, or nodes find it in Redis
EXPIRED_AT_A_TIME = 50
LONGEST_REST = 24 * 3600


@dataclass(frozen=True, slots=True)
class LeaseRules:
    """How long a lease lasts, how often a keyword is tried, how long it rests between. Seconds."""

    seconds: int = 900
    max_attempts: int = 3
    retry_seconds: int = 300

    @classmethod
    def of(cls, settings: Settings) -> LeaseRules:
        """The rules that the settings give."""
        return cls(settings.keyword_lease_seconds, settings.keyword_max_attempts, settings.keyword_retry_seconds)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run brought: pages read, rows stored, and why anything is missing (cause -> how often)."""

    pages: int = 0
    jobs: int = 0
    companies: int = 0
    causes: dict[str, int] = field(default_factory=dict)


def claim(unit: Session, node_id: int, platform: str, count: int, rules: LeaseRules) -> list[tuple[Keyword, KeywordRun]]:
    """Up to `count` keywords for a node, most urgent and longest due first; none for a node that drains."""
    now = now_utc()
    if is_draining(unit, node_id):
        return []
    close_expired(unit, rules, now)
    statement = select_due(platform, count, now)
    return [(keyword, lend(unit, keyword, node_id, rules, now)) for keyword in unit.exec(statement).all()]


def select_due(platform: str, count: int, now: datetime) -> Any:
    """The statement that finds and locks up to `count` keywords that are due, most urgent and longest due first."""
    return (
        select(Keyword)
        .where(col(Keyword.is_enabled), Keyword.platform == platform, col(Keyword.available_at) <= now)
        .order_by(col(Keyword.rank), col(Keyword.available_at))
        .limit(count)
        .with_for_update(skip_locked=True)
    )


def lend(unit: Session, keyword: Keyword, node_id: int | None, rules: LeaseRules, now: datetime) -> KeywordRun:
    """Give a locked keyword that is due to a node, or (None) to those who take keywords from Redis: its new run."""
    _expire_runs(unit, keyword, now)
    keyword.epoch += 1
    keyword.attempt += 1
    keyword.leased_by = node_id
    keyword.available_at = now + timedelta(seconds=rules.seconds)
    keyword.last_state = "queued" if node_id is None else "running"
    run = KeywordRun(
        keyword_id=keyword.id or 0,
        node_id=node_id,
        platform=keyword.platform,
        epoch=keyword.epoch,
        attempt=keyword.attempt,
        state=keyword.last_state,
        started_at=now,
        lease_until=keyword.available_at,
    )
    unit.add(run)
    unit.flush()
    keyword.run_id = run.id
    unit.add(keyword)
    return run


def close_expired(unit: Session, rules: LeaseRules, now: datetime) -> int:
    """Write down leases that ran out; a keyword that used its attempts up waits for its next turn. Returns how many."""
    overdue = unit.exec(
        select(KeywordRun.id, KeywordRun.keyword_id)
        .where(col(KeywordRun.state).in_(OPEN), KeywordRun.lease_until < now)
        .limit(EXPIRED_AT_A_TIME)
    ).all()
    closed = 0
    for run_id, keyword_id in overdue:
        run, keyword = lock(unit, run_id, keyword_id, skip_locked=True)
        if run is None or keyword is None or run.state not in OPEN or run.lease_until >= now:
            continue
        run.state, run.ended_at = "expired", now
        closed += 1
        if keyword.epoch == run.epoch:
            free(keyword, "expired", now)
            if keyword.attempt >= rules.max_attempts:
                wait_for_turn(keyword, run.started_at, now)
    unit.flush()
    return closed


def extend(unit: Session, node_id: int, run_id: int, epoch: int, rules: LeaseRules) -> datetime:
    """Move the end of a lease away; returns it. Raises LeaseLost."""
    run, keyword = _find_held(unit, node_id, run_id, epoch)
    run.lease_until = now_utc() + timedelta(seconds=rules.seconds)
    keyword.available_at = run.lease_until
    unit.add_all((run, keyword))
    return run.lease_until


def complete(unit: Session, node_id: int, run_id: int, epoch: int, outcome: Outcome) -> KeywordRun:
    """Everything of the keyword was read and stored. Saying it twice changes nothing. Raises LeaseLost."""
    ended = _find_ended(unit, node_id, run_id, epoch, {"complete"})
    if ended is not None:
        return ended
    run, keyword = _find_held(unit, node_id, run_id, epoch)
    now = now_utc()
    end(run, "complete", outcome, now)
    free(keyword, "complete", now)
    wait_for_turn(keyword, run.started_at, now)
    unit.add_all((run, keyword))
    return run


def give_back(unit: Session, node_id: int, run_id: int, epoch: int, outcome: Outcome, rules: LeaseRules) -> KeywordRun:
    """Take a keyword back that was not finished.

    Without causes (the node drains) it is free at once and the attempt does not count. With causes the run is partial and the
    keyword is tried again after a rest, until its attempts are used up. Raises LeaseLost.
    """
    ended = _find_ended(unit, node_id, run_id, epoch, {"returned", "partial"})
    if ended is not None:
        return ended
    run, keyword = _find_held(unit, node_id, run_id, epoch)
    now = now_utc()
    state = "partial" if outcome.causes else "returned"
    end(run, state, outcome, now)
    free(keyword, state, now)
    if not outcome.causes:
        keyword.attempt = max(keyword.attempt - 1, 0)
        keyword.available_at = now
    elif keyword.attempt < rules.max_attempts:
        keyword.available_at = now + timedelta(seconds=min(rules.retry_seconds * 2 ** (keyword.attempt - 1), LONGEST_REST))
    else:
        wait_for_turn(keyword, run.started_at, now)
    unit.add_all((run, keyword))
    return run


def give_back_all(unit: Session, node_id: int, now: datetime, platforms: Sequence[str] = ()) -> int:
    """Take back everything that a node holds (of `platforms`, when some are named), because it stops; returns how many keywords."""
    statement = select(KeywordRun.id, KeywordRun.keyword_id).where(KeywordRun.node_id == node_id, KeywordRun.state == "running")
    if platforms:
        statement = statement.where(col(KeywordRun.platform).in_(platforms))
    held = unit.exec(statement).all()
    returned = 0
    for run_id, keyword_id in held:
        run, keyword = lock(unit, run_id, keyword_id)
        if run is None or keyword is None or run.state != "running":
            continue
        end(run, "returned", Outcome(), now)
        returned += 1
        if keyword.epoch == run.epoch:
            free(keyword, "returned", now)
            keyword.attempt = max(keyword.attempt - 1, 0)
            keyword.available_at = now
    return returned


def lock(unit: Session, run_id: int | None, keyword_id: int, *, skip_locked: bool = False) -> tuple[KeywordRun | None, Keyword | None]:
    """A run and its keyword as they are now, nobody else's until the unit ends. The keyword first: the same order everywhere."""
    fresh = {"populate_existing": True}
    keyword = unit.exec(
        select(Keyword).where(Keyword.id == keyword_id).with_for_update(skip_locked=skip_locked).execution_options(**fresh)
    ).first()
    if keyword is None:
        return None, None
    run = unit.exec(select(KeywordRun).where(KeywordRun.id == run_id).with_for_update().execution_options(**fresh)).first()
    return run, keyword


def _find_held(unit: Session, node_id: int, run_id: int, epoch: int) -> tuple[KeywordRun, Keyword]:
    keyword_id = unit.exec(select(KeywordRun.keyword_id).where(KeywordRun.id == run_id, KeywordRun.node_id == node_id)).first()
    run, keyword = (None, None) if keyword_id is None else lock(unit, run_id, keyword_id)
    if run is None or keyword is None or run.epoch != epoch or keyword.epoch != epoch or run.state != "running":
        raise LeaseLost(f"Lease {run_id} of epoch {epoch} is not running for this node: it ended, ran out, or was never given to it.")
    return run, keyword


def _find_ended(unit: Session, node_id: int, run_id: int, epoch: int, states: set[str]) -> KeywordRun | None:
    run = unit.exec(select(KeywordRun).where(KeywordRun.id == run_id, KeywordRun.node_id == node_id)).first()
    return run if run is not None and run.epoch == epoch and run.state in states else None


def end(run: KeywordRun, state: str, outcome: Outcome, now: datetime) -> None:
    """Write down how a run ended and what it brought."""
    run.state, run.ended_at = state, now
    run.pages, run.jobs, run.companies, run.causes = outcome.pages, outcome.jobs, outcome.companies, dict(outcome.causes)


def free(keyword: Keyword, state: str, now: datetime) -> None:
    """Nobody has the keyword any more."""
    keyword.leased_by, keyword.run_id = None, None
    keyword.last_state, keyword.last_ended_at = state, now


def wait_for_turn(keyword: Keyword, started_at: datetime, now: datetime) -> None:
    """Due again one interval after the last start, never in the past; without an interval, when somebody asks."""
    keyword.attempt = 0
    seconds = keyword.interval_seconds
    keyword.available_at = None if seconds is None else max(now, started_at + timedelta(seconds=seconds))


def _expire_runs(unit: Session, keyword: Keyword, now: datetime) -> None:
    if keyword.run_id is None:
        return
    unit.exec(
        update(KeywordRun)
        .where(col(KeywordRun.id) == keyword.run_id, col(KeywordRun.state).in_(OPEN))
        .values(state="expired", ended_at=now)
    )
