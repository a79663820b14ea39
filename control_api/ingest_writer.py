"""Behind the ingest door: threads that take the batches that wait, oldest first, to every sink, again and again until they are stored.

Batches of one kind that wait go to their sinks together. Under which identity, and which batches, is in the books before the first
sink is asked, so that writing them again after a crash stores nothing twice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count, islice

from sqlalchemy.exc import SQLAlchemyError

from control_api.db import Database
from control_api.errors import ControlError, Invalid, TooLarge
from control_api.ingest_body import read_json, unpack
from control_api.ingest_passes import read_passes
from control_api.ingest_rows import RowFault, read_rows
from control_api.ingest_typed import read_typed
from control_api.models import IngestBatch
from control_api.models.base import now_utc
from control_api.row_store import RowStore
from control_api.services import ingest
from control_api.services.ingest import Delivery
from control_api.warm_rows import WarmRows
from jobschema import Platform
from jobschema.rows import Row
from jobstore.batch import RowBatch, Sink
from jobstore.errors import RowRefusedError, StoreClosedError, StoreError, TerminalStoreError, TransientStoreError
from jobstore.ingest import PASS
from jobstore.lifecycle import PassRecord

logger = logging.getLogger(__name__)
WRITERS = 2  # while a sink works on the rows of one, the other encodes, and writes in the books
CLAIM_SECONDS = 120.0
IDLE_SECONDS = 1.0
LONGEST_PAUSE = 30.0
FORGET_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class WriterOptions:
    """`is_alone`: no other process writes from these books. `longest_body`: bytes, unpacked. `book_days`: a stored batch is known."""

    is_alone: bool
    longest_body: int
    book_days: int


class _UnreadableError(Exception):
    """What the door took, this release or these settings do not read."""

    def __init__(self, batch: IngestBatch, reason: str) -> None:
        super().__init__(reason)
        self.batch = batch


@contextmanager
def _naming(batch: IngestBatch) -> Iterator[None]:
    try:
        yield
    except (Invalid, TooLarge) as error:
        raise _UnreadableError(batch, str(error)) from None


class IngestWriter:
    """Moves batches from the books to the store, and forgets in the books what nobody asks for any more."""

    def __init__(self, database: Database, store: RowStore, options: WriterOptions, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._store = store
        self._claim_seconds = None if options.is_alone else CLAIM_SECONDS
        self._longest_body = options.longest_body
        self._book_age = timedelta(days=options.book_days)
        self._clock = clock
        self._forget_at = clock()
        self._warm = WarmRows()
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._at_work: set[int] = set()
        self._claiming = threading.Lock()  # guards the one above
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin; what a process that died left behind comes first."""
        if self._store.is_configured:
            self._threads = [threading.Thread(target=self._run, name="ingest-writer", daemon=True) for _ in range(WRITERS)]
            for thread in self._threads:
                thread.start()

    def stop(self, grace: float = 20.0) -> None:
        """End after the writes at work, or after `grace` seconds; what waits is written after the next start."""
        self._stopping.set()
        self._news.set()
        until = time.monotonic() + grace
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0))

    def wait_for_room(self, seconds: float) -> None:
        """Let the writer come first while the rows that wait in memory are many: those that do not fit are read twice."""
        self._warm.wait_for_room(seconds, lambda: self._store.fault)

    def bring(self, delivery: Delivery, rows: RowBatch, book: Callable[[], tuple[IngestBatch, bool]]) -> tuple[IngestBatch, bool]:
        """What `book` answers: the batch, and whether it was in the books before. Its rows spare the only writer to read it again."""
        key = delivery.batch_id, delivery.digest
        # Before the books know it: a writer may be done with it at the next moment.
        is_kept = bool(rows and self._threads and self._claim_seconds is None) and self._warm.keep(key, rows, delivery.plain_size)
        is_repeated = True
        try:
            batch, is_repeated = book()
        finally:
            if is_kept and is_repeated:
                self._warm.drop([key])
        self._news.set()
        return batch, is_repeated

    def _run(self) -> None:
        pause = 0.0
        while not self._stopping.is_set():
            self._news.clear()
            pause = self._step(pause)
            if pause:
                self._stopping.wait(pause)

    def _step(self, pause: float) -> float:
        """Write what waits longest, or wait for something; seconds to rest before the next step."""
        try:
            is_busy = self._write_next()
            self._forget_old()
        except (StoreError, ControlError, SQLAlchemyError) as error:
            # A driver's message may hold an address: the class says enough.
            self._store.fault = str(error) if isinstance(error, StoreError) else f"the books do not answer ({type(error).__name__})"
            logger.warning("rows wait: %s", self._store.fault)
            return min(LONGEST_PAUSE, max(0.2, pause * 2))
        except Exception as error:  # nobody else would notice that this thread is gone
            self._store.fault = f"rows cannot be written ({type(error).__name__})"
            logger.exception("rows wait: a fault of ours")
            return min(LONGEST_PAUSE, max(0.2, pause * 2))
        if is_busy or not self._at_work:  # another thread may be at what the store does not take
            self._store.fault = ""
        if not is_busy:
            self._news.wait(IDLE_SECONDS)
        return 0.0

    def _forget_old(self) -> None:
        """Once in a while; in small steps, while batches go on coming in."""
        if self._clock() < self._forget_at:
            return
        before = now_utc() - self._book_age
        if self._database.retry(lambda unit: ingest.forget_old(unit, before)) < ingest.FORGOTTEN_AT_A_TIME:
            self._forget_at = self._clock() + FORGET_SECONDS

    def _write_next(self) -> bool:
        """Whether something waited. Raises TransientStoreError, or what keeps the store from opening."""
        sinks = self._store.sinks()
        with self._claiming:
            batches = self._database.retry(lambda unit: ingest.claim_next(unit, self._claim_seconds, self._at_work))
            numbers = {batch.id or 0 for batch in batches}
            self._at_work |= numbers
        if not batches:
            return False
        try:
            self._store_together(batches, sinks)
        except BaseException:
            if self._claim_seconds:
                self._database.retry(lambda unit: ingest.release(unit, batches))
            raise
        finally:
            with self._claiming:
                self._at_work -= numbers
        self._warm.drop((batch.batch_id, batch.digest) for batch in batches)
        return True

    def _store_together(self, batches: Sequence[IngestBatch], sinks: Sequence[Sink]) -> None:
        try:
            is_pass = batches[0].data_type == PASS
            refused = self._record_passes(batches) if is_pass else self._write(batches, sinks)
        except (TransientStoreError, StoreClosedError):  # closed: the service ends, and the next one writes them
            raise
        except _UnreadableError as error:
            unreadable, reason = error.batch, f"It cannot be read: {error}"
            logger.error("batch %s: %s", unreadable.batch_id, reason)
            self._database.retry(lambda unit: ingest.set_aside(unit, unreadable, reason, others=batches))
        except TerminalStoreError as error:
            logger.error("%s cannot be stored: %s", " ".join(("batch", *(batch.batch_id for batch in batches))), error)
            reason = str(error)
            self._database.retry(lambda unit: ingest.mark_failed(unit, batches, reason))
        else:
            self._database.retry(lambda unit: ingest.mark_stored(unit, batches, refused))

    def _write(self, batches: Sequence[IngestBatch], sinks: Sequence[Sink]) -> dict[int, list[RowFault]]:
        """Take the batches to every sink; rows that one refuses are left out and named, by the `id` of their batch."""
        read = [self._find_rows(batch) for batch in batches]
        parts = [rows for rows, _ in read]
        rows, write_id = RowBatch.joined(parts), batches[0].write_id or ""
        # What this release refuses and the one that took the batch did not.
        refused = {batch.id or 0: _find_new(batch, faults) for batch, (_, faults) in zip(batches, read, strict=True)}
        for sink in sinks:
            good = rows
            while good:
                try:
                    sink.write_rows(good, write_id)
                    break
                except RowRefusedError as error:
                    number, place = _find_place(parts, error.row)
                    place_sent = _find_place_sent(read[number][1], place)
                    fault = RowFault(place_sent, error.column, f"The store {sink.name} cannot hold this value.")
                    refused[batches[number].id or 0].append(fault)
                    good = RowBatch(row for row in good if row is not error.row)
        return refused

    def _record_passes(self, batches: Sequence[IngestBatch]) -> dict[int, list[RowFault]]:
        """Tell the lifecycle book; where none is kept, nobody. What this release refuses, by the `id` of the batch."""
        refused = {}
        for batch in batches:
            with _naming(batch):
                records, faults = read_passes(Platform(batch.platform), read_json(self._read_plain(batch))["data_list"])
            refused[batch.id or 0] = _find_new(batch, faults)
            for record in records:
                self._record_pass(record)
        return refused

    def _record_pass(self, record: PassRecord) -> None:
        book, one = self._store.book(), record.one
        if book is not None:
            report = book.record(record)
            delisted = f"{len(report.delisted)} delisted by absence, {len(report.gone)} on the platform's word"
            logger.info("pass over %r in %s of %s: %s, %s", one.text, one.city_code, one.platform, report.outcome, delisted)

    def _find_rows(self, batch: IngestBatch) -> tuple[RowBatch, list[RowFault]]:
        """The good rows of a batch, and what is wrong with the others."""
        warm = self._warm.find((batch.batch_id, batch.digest))
        if warm is not None:
            return warm, [RowFault(**fault) for fault in batch.faults]
        with _naming(batch):
            plain = self._read_plain(batch)
            typed = read_typed(plain)
            return (typed[1], []) if typed else read_rows(batch.data_type, Platform(batch.platform), read_json(plain)["data_list"])

    def _read_plain(self, batch: IngestBatch) -> bytes:
        with self._database.read() as unit:
            packed = ingest.read_body(unit, batch.id or 0)
        return unpack(packed, "zstd", self._longest_body)


def _find_new(batch: IngestBatch, faults: Sequence[RowFault]) -> list[RowFault]:
    known = {fault["row"] for fault in batch.faults}
    return [fault for fault in faults if fault.row not in known]


def _find_place(parts: Sequence[Sequence[Row]], refused: object) -> tuple[int, int]:
    """The number of the part that has the row, and the row's place in it."""
    return next((number, place) for number, part in enumerate(parts) for place, row in enumerate(part) if row is refused)


def _find_place_sent(faults: Sequence[RowFault], place: int) -> int:
    """Where a good row of a batch was in its `data_list`, among those with `faults`."""
    wrong = {fault.row for fault in faults}
    return next(islice((number for number in count() if number not in wrong), place, None))
