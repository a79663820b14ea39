"""How much each address uploads: one row per day, source and address, counted up."""

from __future__ import annotations

from datetime import UTC, date

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select, update

from control_api.models import IpUpload
from control_api.models.base import now_utc


def count(unit: Session, source: str, ip: str, *, rows: int, size: int) -> None:
    """Count one upload of `rows` rows and `size` bytes from `ip`."""
    now = now_utc()
    day = now.astimezone(UTC).date()
    if _count_up(unit, day, source, ip, rows, size):
        return
    try:
        with unit.begin_nested():
            unit.add(IpUpload(day=day, source=source, ip=ip, uploads=1, rows=rows, bytes=size, last_at=now))
    except IntegrityError:  # somebody else added the row between
        _count_up(unit, day, source, ip, rows, size)


def _count_up(unit: Session, day: date, source: str, ip: str, rows: int, size: int) -> bool:
    result = unit.exec(
        update(IpUpload)
        .where(col(IpUpload.day) == day, col(IpUpload.source) == source, col(IpUpload.ip) == ip)
        .values(uploads=IpUpload.uploads + 1, rows=IpUpload.rows + rows, bytes=IpUpload.bytes + size, last_at=now_utc())
        .execution_options(synchronize_session=False)
    )
    return bool(result.rowcount)


def search(unit: Session, day: date | None, source: str, ip: str, *, before_id: int | None, limit: int) -> list[IpUpload]:
    """Counts that match, newest first; empty values do not filter."""
    statement = select(IpUpload).order_by(col(IpUpload.id).desc()).limit(limit)
    if day is not None:
        statement = statement.where(IpUpload.day == day)
    if source:
        statement = statement.where(IpUpload.source == source)
    if ip:
        statement = statement.where(IpUpload.ip == ip)
    if before_id is not None:
        statement = statement.where(col(IpUpload.id) < before_id)
    return list(unit.exec(statement).all())
