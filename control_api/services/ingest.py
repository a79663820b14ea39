"""The ingest door's books: a batch is taken once by its identity, waits with its body, and leaves when every sink has it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import defer
from sqlmodel import Session, col, delete, func, select, update

from control_api.errors import Conflict, TooMany, Unavailable
from control_api.ingest_rows import RowFault
from control_api.models import IngestBatch
from control_api.models.base import now_utc
from control_api.principal import Actor
from control_api.services import audit
from jobstore.ingest import PASS

FAULTS_KEPT = 10_000  # all of a batch: a node puts aside each row that is named
RETRY_SECONDS = 5
FORGOTTEN_AT_A_TIME = 500
# What is written together: a larger insert costs the store less for each row, and the writer more memory.
TOGETHER_BATCHES, TOGETHER_ROWS, TOGETHER_BYTES = 16, 12_000, 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Delivery:
    """A batch as it came: who it is, and what of it is good. `body` is packed, from `plain_size` bytes."""

    batch_id: str
    platform: str
    data_type: str
    digest: str
    body: bytes
    plain_size: int
    accepted: int
    faults: list[RowFault]


@dataclass(frozen=True, slots=True)
class Room:
    """How much may wait: bytes of packed bodies. `fault` says why the store takes nothing, when it does not."""

    waiting_bytes: int
    fault: str = ""


def find_repeated(unit: Session, batch_id: str, digest: str) -> IngestBatch | None:
    """The batch that was taken under this identity. Raises Conflict when its rows were others."""
    statement = select(IngestBatch).where(IngestBatch.batch_id == batch_id).options(defer(IngestBatch.body))  # type: ignore[arg-type]
    found = unit.exec(statement).first()
    if found is not None and found.digest != digest:
        raise Conflict("Another batch with this batch_id and other rows was taken before. An identity belongs to its rows: make a new one.")
    return found


def check_room(unit: Session, room: Room) -> None:
    """Raise TooMany, or Unavailable when the store is at fault, while too much waits."""
    waiting = unit.exec(select(func.coalesce(func.sum(IngestBatch.size), 0)).where(IngestBatch.state == "waiting")).one()
    if waiting < room.waiting_bytes:
        return
    if room.fault:
        raise Unavailable(
            "The store takes no rows at the moment and no more batches can wait. Keep the batch.", retry_after=RETRY_SECONDS * 6
        )
    raise TooMany("Batches come faster than the store takes them. Keep the batch and come back.", retry_after=RETRY_SECONDS)


def keep(unit: Session, node_id: int, delivery: Delivery) -> IngestBatch:
    """Write a new batch down; durable once the unit is committed. One without a good row has nothing to wait for."""
    is_empty = delivery.accepted == 0
    batch = IngestBatch(
        batch_id=delivery.batch_id,
        node_id=node_id,
        platform=delivery.platform,
        data_type=delivery.data_type,
        digest=delivery.digest,
        accepted=delivery.accepted,
        rejected=len(delivery.faults),
        faults=[asdict(fault) for fault in delivery.faults[:FAULTS_KEPT]],
        body=None if is_empty else delivery.body,
        size=0 if is_empty else len(delivery.body),
        plain_size=delivery.plain_size,
        state="stored" if is_empty else "waiting",
        stored_at=now_utc() if is_empty else None,
    )
    unit.add(batch)
    unit.flush()
    return batch


def claim_next(unit: Session, claim_seconds: float | None, besides: Collection[int] = ()) -> list[IngestBatch]:
    """The batches to write next, together under their `write_id`, without their bodies: those that wait longest, of one kind.

    Batches that were to be written together before come together again. A pass comes alone, and after everything that came before it:
    a row of it that is still on its way would look absent. `besides`: the `id` of those that this process has at work.
    With `claim_seconds`, only what no other process holds, held until then.
    """
    now = now_utc()
    waiting = select(IngestBatch).where(IngestBatch.state == "waiting").order_by(col(IngestBatch.id))
    waiting = waiting.options(defer(IngestBatch.body))  # type: ignore[arg-type]  # SQLModel types a column by its value
    if besides:
        waiting = waiting.where(col(IngestBatch.id).not_in(besides))
    if claim_seconds is not None:
        waiting = waiting.where(or_(col(IngestBatch.claimed_until).is_(None), col(IngestBatch.claimed_until) < now))
    oldest = unit.exec(waiting.limit(1).with_for_update(skip_locked=True)).first()
    if oldest is not None and oldest.data_type == PASS and _is_anything_before(unit, oldest):
        oldest = unit.exec(waiting.where(IngestBatch.data_type != PASS).limit(1).with_for_update(skip_locked=True)).first()
    if oldest is None:
        return []
    if oldest.write_id is not None:
        batches = list(unit.exec(waiting.where(IngestBatch.write_id == oldest.write_id)).all())
    else:
        alike = waiting.where(
            col(IngestBatch.write_id).is_(None),
            IngestBatch.platform == oldest.platform,
            IngestBatch.data_type == oldest.data_type,
        )
        most = 1 if oldest.data_type == PASS else TOGETHER_BATCHES
        found = unit.exec(alike.limit(most).with_for_update(skip_locked=True)).all()
        batches = _take_together(found)
        # An identity that no node can guess and use for a batch of its own.
        write_id = oldest.batch_id if len(batches) == 1 else f"together:{uuid4().hex}"
        for batch in batches:
            batch.write_id = write_id
    if claim_seconds is not None:
        for batch in batches:
            batch.claimed_until = now + timedelta(seconds=claim_seconds)
    return batches


def _is_anything_before(unit: Session, batch: IngestBatch) -> bool:
    """Whether something that came earlier is not stored yet, whoever has it at work."""
    earlier = select(IngestBatch.id).where(IngestBatch.state == "waiting", col(IngestBatch.id) < batch.id).limit(1)
    return unit.exec(earlier).first() is not None


def _take_together(batches: Sequence[IngestBatch]) -> list[IngestBatch]:
    """The first of them, and as many more as fit into one write."""
    taken = [batches[0]]
    rows, size = batches[0].accepted, batches[0].plain_size
    for batch in batches[1:]:
        rows, size = rows + batch.accepted, size + batch.plain_size
        if rows > TOGETHER_ROWS or size > TOGETHER_BYTES:
            break
        taken.append(batch)
    return taken


def read_body(unit: Session, batch_row_id: int) -> bytes:
    """The packed body of a batch that waits."""
    return unit.exec(select(IngestBatch.body).where(IngestBatch.id == batch_row_id)).one() or b""


def mark_stored(unit: Session, batches: Sequence[IngestBatch], refused: Mapping[int, list[RowFault]]) -> None:
    """Every sink has the batches: their bodies may go. `refused`: by `id` of a batch, its rows that a sink would not take."""
    values = {"state": "stored", "stored_at": now_utc(), "body": None, "size": 0, "claimed_until": None}
    unit.exec(update(IngestBatch).where(_is_of(batches)).values(**values))
    for batch in batches:
        faults = refused.get(batch.id or 0)
        if faults:
            named = [*batch.faults, *(asdict(fault) for fault in faults)][:FAULTS_KEPT]
            rows = len({fault.row for fault in faults})  # two sinks may refuse the same
            counts = {"accepted": batch.accepted - rows, "rejected": batch.rejected + rows}
            unit.exec(update(IngestBatch).where(col(IngestBatch.id) == batch.id).values(faults=named, **counts))


def mark_failed(unit: Session, batches: Sequence[IngestBatch], reason: str) -> None:
    """A sink refuses the batches for good: they keep their bodies and wait for somebody to look."""
    values = {"state": "failed", "reason": reason[:500], "claimed_until": None}
    # One that was claimed for too long may have been stored by another process.
    unit.exec(update(IngestBatch).where(_is_of(batches), col(IngestBatch.state) == "waiting").values(**values))


def set_aside(unit: Session, batch: IngestBatch, reason: str, *, others: Sequence[IngestBatch]) -> None:
    """A batch cannot be read: it fails alone, and is no part any more of what the others are written as. They are the next."""
    mark_failed(unit, [batch], reason)
    unit.exec(update(IngestBatch).where(_is_of([batch])).values(write_id=None))
    release(unit, others)


def release(unit: Session, batches: Sequence[IngestBatch]) -> None:
    """Give claims back, where nobody else has them by now: the batches are the next to be written, by whoever comes."""
    is_ours = col(IngestBatch.claimed_until) == batches[0].claimed_until
    unit.exec(update(IngestBatch).where(_is_of(batches), is_ours).values(claimed_until=None))


def _is_of(batches: Sequence[IngestBatch]) -> ColumnElement[bool]:
    return col(IngestBatch.id).in_([batch.id for batch in batches])


def retry_failed(unit: Session, actor: Actor) -> int:
    """Let failed batches wait for their turn again; how many."""
    result = unit.exec(update(IngestBatch).where(col(IngestBatch.state) == "failed").values(state="waiting", reason=""))
    audit.record(unit, actor, "ingest.retry", object_kind=IngestBatch.__tablename__, after={"batches": result.rowcount})
    return int(result.rowcount)


def forget_old(unit: Session, before: datetime) -> int:
    """Strike stored batches that came before then out of the book, the oldest first, FORGOTTEN_AT_A_TIME at most; how many."""
    oldest = unit.exec(
        select(IngestBatch.id, IngestBatch.received_at)
        .where(IngestBatch.state == "stored")
        .order_by(col(IngestBatch.id))
        .limit(FORGOTTEN_AT_A_TIME)
    ).all()
    old = [row_id for row_id, received_at in oldest if received_at < before]  # read in order: no scan where nothing is old
    if old:
        unit.exec(delete(IngestBatch).where(col(IngestBatch.id).in_(old)))
    return len(old)


def search(unit: Session, state: str, node_id: int | None, *, before_id: int | None, limit: int) -> list[IngestBatch]:
    """Batches that match, newest first, without their bodies; empty values do not filter."""
    statement = select(IngestBatch).options(defer(IngestBatch.body)).order_by(col(IngestBatch.id).desc()).limit(limit)  # type: ignore[arg-type]
    if state:
        statement = statement.where(IngestBatch.state == state)
    if node_id is not None:
        statement = statement.where(IngestBatch.node_id == node_id)
    if before_id is not None:
        statement = statement.where(col(IngestBatch.id) < before_id)
    return list(unit.exec(statement).all())


def count_states(unit: Session) -> dict[str, tuple[int, int]]:
    """State -> batches, bytes that wait."""
    rows = unit.exec(
        select(IngestBatch.state, func.count(), func.coalesce(func.sum(IngestBatch.size), 0)).group_by(IngestBatch.state)
    ).all()
    return {state: (count, size) for state, count, size in rows}
