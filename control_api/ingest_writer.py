"""Behind the ingest door: one thread that takes the batches that wait, oldest first, to every sink, again and again until they are stored.

A batch goes to its sinks under its own identity, so that writing it again after a crash stores nothing twice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from control_api.db import Database
from control_api.errors import ControlError
from control_api.ingest_body import read_json, unpack
from control_api.ingest_rows import RowFault, read_rows
from control_api.models import IngestBatch
from control_api.models.base import now_utc
from control_api.row_store import RowStore
from control_api.services import ingest
from jobschema import Platform
from jobschema.rows import Row
from jobstore.batch import RowBatch, Sink
from jobstore.errors import RowRefusedError, StoreError, TerminalStoreError, TransientStoreError

logger = logging.getLogger(__name__)
WARM_BYTES = 48 * 1024 * 1024  # of JSON whose rows are kept in memory from the door to the sink; others are read again
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
        self._warm: dict[str, tuple[RowBatch, int]] = {}
        self._warm_bytes = 0
        self._warm_lock = threading.Lock()
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; what a process that died left behind comes first."""
        if self._store.is_configured:
            self._thread = threading.Thread(target=self._run, name="ingest-writer", daemon=True)
            self._thread.start()

    def stop(self, grace: float = 20.0) -> None:
        """End after the batch at work; what waits is written after the next start."""
        self._stopping.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join(grace)

    def announce(self, batch_id: str, rows: RowBatch, size: int) -> None:
        """A batch of `size` bytes is in the books; its rows spare the only writer to read it again."""
        with self._warm_lock:
            if self._warm_bytes + size <= WARM_BYTES and self._claim_seconds is None and self._thread is not None:
                self._warm[batch_id] = rows, size
                self._warm_bytes += size
        self._news.set()

    def _run(self) -> None:
        pause = 0.0
        while not self._stopping.is_set():
            self._news.clear()
            pause = self._step(pause)
            if pause:
                self._stopping.wait(pause)

    def _step(self, pause: float) -> float:
        """Write one batch, or wait for one; seconds to rest before the next step."""
        try:
            is_busy = self._write_oldest()
            self._forget_old()
        except (StoreError, ControlError, SQLAlchemyError) as error:
            # A driver's message may hold an address: the class says enough.
            self._store.fault = str(error) if isinstance(error, StoreError) else f"the books do not answer ({type(error).__name__})"
            logger.warning("rows wait: %s", self._store.fault)
            return min(LONGEST_PAUSE, max(0.2, pause * 2))
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

    def _write_oldest(self) -> bool:
        """Whether there was a batch. Raises TransientStoreError, or what keeps the store from opening."""
        sinks = self._store.sinks()
        with self._database.write() if self._claim_seconds else self._database.read() as unit:
            batch = ingest.claim_oldest(unit, self._claim_seconds)
        if batch is None:
            return False
        try:
            refused = self._write(batch, sinks)
        except TransientStoreError:
            raise
        except TerminalStoreError as error:
            logger.error("batch %s cannot be stored: %s", batch.batch_id, error)
            reason = str(error)
            self._database.retry(lambda unit: ingest.mark_failed(unit, batch.id or 0, reason))
        else:
            self._database.retry(lambda unit: ingest.mark_stored(unit, batch.id or 0, refused))
        return True

    def _write(self, batch: IngestBatch, sinks: Sequence[Sink]) -> list[RowFault]:
        """Take the batch to every sink; rows that one refuses are left out of it and named."""
        rows = self._take_rows(batch)
        refused: list[RowFault] = []
        for sink in sinks:
            good = rows
            while good:
                try:
                    sink.write_rows(good, batch.batch_id)
                    break
                except RowRefusedError as error:
                    refused.append(RowFault(_find_place(rows, error.row), error.column, f"The store {sink.name} cannot hold this value."))
                    place = _find_place(good, error.row)
                    good = RowBatch((*good[:place], *good[place + 1 :]))
        return refused

    def _take_rows(self, batch: IngestBatch) -> RowBatch:
        with self._warm_lock:
            warm, size = self._warm.pop(batch.batch_id, (None, 0))
            self._warm_bytes -= size
        if warm is not None:
            return warm
        with self._database.read() as unit:
            packed = ingest.read_body(unit, batch.id or 0)
        body = read_json(unpack(packed, "zstd", self._longest_body))
        return read_rows(batch.data_type, Platform(batch.platform), body["data_list"])[0]


def _find_place(rows: Sequence[Row], refused: object) -> int:
    return next(place for place, row in enumerate(rows) if row is refused)
