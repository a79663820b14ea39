"""The audit log: who did what to what, with secrets as stars. Written in the same unit of work as the change itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from control_api.logs import redact
from control_api.models import AuditLog
from control_api.models.base import Row
from control_api.principal import Actor

HIDDEN = "***"
_SECRET_WORDS = ("password", "secret", "ciphertext", "fingerprint")
_LONGEST_TEXT = 500
_EXPORT_STEP = 1000


def snapshot(row: Row) -> dict[str, Any]:
    """A row as the audit log shows it."""
    return {name: HIDDEN if name in row.secret_fields else value for name, value in row.model_dump().items()}


def record(
    unit: Session,
    actor: Actor,
    action: str,
    row: Row | None = None,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    object_kind: str = "",
) -> None:
    """Write one line. With both `before` and `after` only what differs is kept; a secret that changed shows as stars."""
    old, new = clean(before), clean(after)
    if before is not None and after is not None:
        changed = {key for key in {*before, *after} if before.get(key) != after.get(key)}
        old, new = ({key: value for key, value in (side or {}).items() if key in changed} for side in (old, new))
    unit.add(
        AuditLog(
            actor_kind=actor.principal.kind,
            actor_id=actor.principal.id or None,
            actor_name=actor.principal.name,
            action=action,
            object_kind=object_kind or (str(row.__tablename__) if row is not None else ""),
            object_id=str(getattr(row, "id", "") or ""),
            before=old,
            after=new,
            ip=actor.ip,
            request_id=actor.request_id,
        )
    )


def clean(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """`values` fit for the log: secrets as stars, long texts cut, moments as text."""
    return None if values is None else {key: _clean_value(key, value) for key, value in values.items()}


def _clean_value(key: str, value: Any) -> Any:
    if value is not None and any(word in key.lower() for word in _SECRET_WORDS) and not isinstance(value, bool):
        return HIDDEN
    if isinstance(value, Mapping):
        return {inner: _clean_value(str(inner), item) for inner, item in value.items()}
    if isinstance(value, str):
        return redact(value)[:_LONGEST_TEXT]
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean_value("", item) for item in list(value)[:100]]
    return value.isoformat() if isinstance(value, datetime) else value


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What to look for; empty fields do not filter."""

    actor: str = ""
    action: str = ""
    object_kind: str = ""
    object_id: str = ""
    since: datetime | None = None
    until: datetime | None = None


def search(unit: Session, wanted: AuditFilter, *, before_id: int | None, limit: int) -> list[AuditLog]:
    """Lines that match, newest first, older than `before_id`."""
    statement = select(AuditLog).order_by(col(AuditLog.id).desc()).limit(limit)
    equal = (
        (AuditLog.actor_name, wanted.actor),
        (AuditLog.action, wanted.action),
        (AuditLog.object_kind, wanted.object_kind),
        (AuditLog.object_id, wanted.object_id),
    )
    for column, value in equal:
        if value:
            statement = statement.where(column == value)
    if wanted.since:
        statement = statement.where(AuditLog.at >= wanted.since)
    if wanted.until:
        statement = statement.where(AuditLog.at < wanted.until)
    if before_id is not None:
        statement = statement.where(col(AuditLog.id) < before_id)
    return list(unit.exec(statement).all())


def walk(unit: Session, wanted: AuditFilter) -> Iterator[AuditLog]:
    """Every line that matches, newest first, a thousand at a time."""
    before_id = None
    while lines := search(unit, wanted, before_id=before_id, limit=_EXPORT_STEP):
        yield from lines
        before_id = lines[-1].id
        unit.expunge_all()
