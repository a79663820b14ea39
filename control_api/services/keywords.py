"""Keywords: added one by one or by the thousand, changed, searched, asked to run now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from sqlmodel import Session, col, delete, func, select, tuple_

from control_api.errors import Conflict, NotFound
from control_api.models import Keyword, KeywordRun
from control_api.models.base import now_utc
from control_api.principal import Actor
from control_api.services import audit

STEP = 300


@dataclass(frozen=True, slots=True)
class KeywordPlan:
    """A text to search on every one of `platforms` in every one of `cities`."""

    text: str
    platforms: tuple[str, ...]
    cities: tuple[str, ...]
    depth: int | None = None
    priority: int = 0
    interval_seconds: int | None = None
    tags: tuple[str, ...] = ()
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Added:
    """What became of an import."""

    added: list[Keyword]
    updated: int
    existing: int


def find(unit: Session, keyword_id: int) -> Keyword:
    """The keyword. Raises NotFound."""
    keyword = unit.get(Keyword, keyword_id)
    if keyword is None:
        raise NotFound(f"There is no keyword {keyword_id}.")
    return keyword


@dataclass(frozen=True, slots=True)
class KeywordFilter:
    """What to look for; empty fields do not filter."""

    text: str = ""
    platform: str = ""
    city_code: str = ""
    tag: str = ""
    is_enabled: bool | None = None


def search(unit: Session, wanted: KeywordFilter, *, after_id: int, limit: int) -> list[Keyword]:
    """Keywords that match, by id."""
    statement = select(Keyword).where(col(Keyword.id) > after_id).order_by(col(Keyword.id)).limit(limit)
    if wanted.text:
        statement = statement.where(col(Keyword.text).contains(wanted.text, autoescape=True))
    if wanted.platform:
        statement = statement.where(Keyword.platform == wanted.platform)
    if wanted.city_code:
        statement = statement.where(Keyword.city_code == wanted.city_code)
    if wanted.tag:
        statement = statement.where(col(Keyword.tags).contains(f"|{wanted.tag}|", autoescape=True))
    if wanted.is_enabled is not None:
        statement = statement.where(Keyword.is_enabled == wanted.is_enabled)
    return list(unit.exec(statement).all())


def add(unit: Session, actor: Actor, plans: Sequence[KeywordPlan], *, update: bool) -> Added:
    """Add every combination that is not there yet; with `update`, those that are there get the plan's values."""
    wanted = {(platform, plan.text, city): plan for plan in plans for platform, city in product(plan.platforms, plan.cities)}
    known = _find_known(unit, list(wanted))
    added = [_make(key, plan) for key, plan in wanted.items() if key not in known]
    updated = 0
    if update:
        for key, keyword in known.items():
            updated += _take_over(keyword, wanted[key])
    unit.add_all(added)
    unit.flush()
    if added or updated:
        summary = {"added": len(added), "updated": updated, "existing": len(known), "texts": sorted({plan.text for plan in plans})}
        audit.record(unit, actor, "keyword.add", added[0] if len(added) == 1 else None, after=summary, object_kind="keyword")
    return Added(added, updated, len(known))


def _find_known(unit: Session, keys: list[tuple[str, str, str]]) -> dict[tuple[str, str, str], Keyword]:
    known = {}
    place = tuple_(col(Keyword.platform), col(Keyword.text), col(Keyword.city_code))
    for start in range(0, len(keys), STEP):
        for keyword in unit.exec(select(Keyword).where(place.in_(keys[start : start + STEP]))).all():
            known[keyword.platform, keyword.text, keyword.city_code] = keyword
    return known


def _make(key: tuple[str, str, str], plan: KeywordPlan) -> Keyword:
    keyword = Keyword(platform=key[0], text=key[1], city_code=key[2], available_at=now_utc())
    _take_over(keyword, plan)
    return keyword


def _take_over(keyword: Keyword, plan: KeywordPlan) -> bool:
    values = {
        "depth": plan.depth,
        "rank": -plan.priority,
        "interval_seconds": plan.interval_seconds,
        "tags": join_tags(plan.tags),
        "is_enabled": plan.is_enabled,
    }
    changed = {name: value for name, value in values.items() if getattr(keyword, name) != value}
    _set(keyword, changed)
    return bool(changed)


def _set(keyword: Keyword, values: dict[str, Any]) -> None:
    """Set columns. A keyword that waits for its turn waits for the one that a new interval gives, counted from its last end."""
    is_new = values.get("interval_seconds", keyword.interval_seconds) != keyword.interval_seconds
    for name, value in values.items():
        setattr(keyword, name, value)
    now, ended_at, seconds = now_utc(), keyword.last_ended_at, keyword.interval_seconds
    is_due = keyword.available_at is not None and keyword.available_at <= now
    if is_new and ended_at is not None and not keyword.attempt and not is_due and not _is_taken(keyword, now):
        keyword.available_at = None if seconds is None else max(now, ended_at + timedelta(seconds=seconds))


def join_tags(tags: Iterable[str]) -> str:
    """Tags as the column holds them."""
    return "|" + "".join(f"{tag}|" for tag in sorted(set(tags)))


def change(unit: Session, actor: Actor, keyword_id: int, values: dict[str, Any]) -> Keyword:
    """Change depth, priority, interval_seconds, tags, is_enabled: what is in `values`."""
    keyword = unit.exec(select(Keyword).where(Keyword.id == keyword_id).with_for_update()).first()
    if keyword is None:
        raise NotFound(f"There is no keyword {keyword_id}.")
    before = audit.snapshot(keyword)
    if "priority" in values:
        values["rank"] = -values.pop("priority")
    if "tags" in values:
        values["tags"] = join_tags(values["tags"])
    _set(keyword, values)
    unit.flush()
    audit.record(unit, actor, "keyword.change", keyword, before=before, after=audit.snapshot(keyword))
    return keyword


def run_now(unit: Session, actor: Actor, keyword_id: int) -> Keyword:
    """Make a keyword due at once. Raises Conflict while a node has it."""
    keyword = unit.exec(select(Keyword).where(Keyword.id == keyword_id).with_for_update()).first()
    if keyword is None:
        raise NotFound(f"There is no keyword {keyword_id}.")
    now = now_utc()
    if _is_taken(keyword, now):
        raise Conflict(f"Keyword {keyword_id} {_say_where(keyword)}.")
    before = {"available_at": keyword.available_at}
    keyword.available_at = now
    audit.record(unit, actor, "keyword.run", keyword, before=before, after={"available_at": now})
    return keyword


def _is_taken(keyword: Keyword, now: datetime) -> bool:
    return keyword.run_id is not None and keyword.available_at is not None and keyword.available_at > now


def _say_where(keyword: Keyword) -> str:
    return f"waits in Redis as run {keyword.run_id}" if keyword.leased_by is None else f"is being run by node {keyword.leased_by}"


def remove(unit: Session, actor: Actor, keyword_id: int) -> None:
    """Remove a keyword and its runs. Raises Conflict while a node has it."""
    keyword = unit.exec(select(Keyword).where(Keyword.id == keyword_id).with_for_update()).first()
    if keyword is None:
        raise NotFound(f"There is no keyword {keyword_id}.")
    if _is_taken(keyword, now_utc()):
        raise Conflict(f"Keyword {keyword_id} {_say_where(keyword)}; switch it off and remove it afterwards.")
    removed = unit.exec(delete(KeywordRun).where(col(KeywordRun.keyword_id) == keyword_id)).rowcount
    audit.record(unit, actor, "keyword.remove", keyword, before={**audit.snapshot(keyword), "runs": removed})
    unit.delete(keyword)


def count_due(unit: Session) -> dict[str, int]:
    """How many keywords of each platform wait to be claimed."""
    statement = (
        select(Keyword.platform, func.count())
        .where(col(Keyword.is_enabled), col(Keyword.available_at) <= now_utc())
        .group_by(Keyword.platform)
    )
    return dict(unit.exec(statement).all())
