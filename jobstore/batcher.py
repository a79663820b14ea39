"""Gathers rows into batches and stores them off the event loop: what stands between a pipeline and a sink.

`add` is a list append until the bounded queue of closed batches is full; then it waits, which slows the crawl instead of growing
memory. One writer thread for each batcher closes batches that are old enough, sends them in order, and sends a batch again, with
the same token, for as long as the sink fails in a way that may pass.

    rows --add--> open batch --rows, bytes, seconds--> closed batches (bounded) --writer thread--> sink --on_stored-->
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from uuid import uuid4

from jobschema.rows import Row
from jobstore.batch import Batch, Sink, measure_row
from jobstore.errors import BatchNotStoredError, StoreClosedError, TransientStoreError
from jobstore.retry import RetryPolicy

logger = logging.getLogger(__name__)
OnStored = Callable[[Batch], None]


class Batcher:
    """Batches of one sink. `add`, `flush` and `close` belong to one event loop at a time; `put` and `stats` to any thread.

    A batch closes at `max_rows` rows, at `max_bytes` bytes of memory, or `max_seconds` after its first row. At most `max_queued`
    closed batches wait for the writer. `on_stored(batch)` runs in the writer thread once the sink has the batch.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        run_id: str = "",
        max_rows: int = 1000,
        max_bytes: int = 4 * 1024 * 1024,
        max_seconds: float = 5.0,
        max_queued: int = 4,
        retry: RetryPolicy | None = None,
        on_stored: OnStored | None = None,
    ) -> None:
        self._sink = sink
        # The random part keeps tokens apart when two batchers, or two processes, are given the same run.
        self.origin = f"{run_id}.{uuid4().hex}" if run_id else uuid4().hex
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._max_queued = max_queued
        self._retry = retry or RetryPolicy()
        self._on_stored = on_stored
        self._changed = threading.Condition()
        self._open: list[Row] = []
        self._open_size = 0
        self._due_at = 0.0
        self._sequence = 0
        self._closed: deque[Batch] = deque()  # the first one is being written
        self._room_waiters: list[Future[None]] = []
        self._flush_waiters: list[tuple[int, Future[None]]] = []
        self._counts: Counter[str] = Counter()
        self._seconds = 0.0
        self._failure: BatchNotStoredError | None = None
        self._is_stopping = False
        self._thread: threading.Thread | None = None

    async def add(self, row: Row) -> None:
        """Take a row; waits only while the queue is full.

        Raises BatchNotStoredError once a batch was given up, StoreClosedError after `close`.
        """
        waiting = self.put(row)
        if waiting is not None:
            await asyncio.wrap_future(waiting)

    async def add_all(self, rows: Iterable[Row]) -> None:
        """Take several rows, in order, as `add` does."""
        for row in rows:
            waiting = self.put(row)
            if waiting is not None:
                await asyncio.wrap_future(waiting)

    def put(self, row: Row) -> Future[None] | None:
        """Take a row without waiting. A future means that the queue is full: the row is taken, wait for it before the next."""
        size = measure_row(row)
        with self._changed:
            if self._failure is not None:
                raise self._failure
            if self._is_stopping:
                raise StoreClosedError(
                    f"A row was added to the batcher of {self._sink.name} after it was closed. Close it when nothing adds rows any more."
                )
            if not self._open:
                self._start_batch()
            self._open.append(row)
            self._open_size += size
            if len(self._open) >= self._max_rows or self._open_size >= self._max_bytes:
                self._close_batch()
            return self._ask_for_room() if len(self._closed) > self._max_queued else None

    async def flush(self) -> None:
        """Close the open batch and wait until all rows added so far are stored. Raises BatchNotStoredError when some were given up."""
        await asyncio.wrap_future(self._ask_for_flush())

    async def close(self) -> None:
        """Store everything and end the writer thread; rows are refused from now on. Raises BatchNotStoredError like `flush`."""
        with self._changed:
            self._is_stopping = True
            waiting = self._ask_for_flush()
        try:
            await asyncio.wrap_future(waiting)
        finally:
            if self._thread is not None:
                await asyncio.to_thread(self._thread.join)

    def stats(self) -> dict[str, float]:
        """Counts so far: `rows` and `bytes` sent, `batches` stored, `retries`, `rows_lost`, `seconds` spent storing, batches `queued` now.

        What the sink counts (for ClickHouse `versions`, `unchanged`, `sightings`, `pending`) stands beside them.
        """
        with self._changed:
            return {**self._counts, "seconds": self._seconds, "queued": len(self._closed)}

    def _start_batch(self) -> None:
        self._due_at = time.monotonic() + self._max_seconds
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_batches, name=f"batcher-{self._sink.name}", daemon=True)
            self._thread.start()
        self._changed.notify()

    def _close_batch(self) -> None:
        batch = Batch(self.origin, self._sink.name, self._sequence, tuple(self._open), self._open_size)
        self._sequence += 1
        self._closed.append(batch)
        self._open, self._open_size = [], 0
        self._changed.notify()

    def _ask_for_room(self) -> Future[None]:
        waiting: Future[None] = Future()
        self._room_waiters.append(waiting)
        return waiting

    def _ask_for_flush(self) -> Future[None]:
        waiting: Future[None] = Future()
        with self._changed:
            if self._open:
                self._close_batch()
            if self._closed:
                self._flush_waiters.append((self._closed[-1].sequence, waiting))
                return waiting
            self._changed.notify()
        _resolve(waiting, self._failure)
        return waiting

    def _write_batches(self) -> None:
        while (batch := self._next_batch()) is not None:
            started = time.monotonic()
            counts, failure = self._write(batch)
            self._finish(batch, counts, failure, time.monotonic() - started)

    def _next_batch(self) -> Batch | None:
        with self._changed:
            while not self._closed:
                left = self._due_at - time.monotonic() if self._open else None
                if left is not None and left <= 0:
                    self._close_batch()
                elif left is None and self._is_stopping:
                    return None
                else:
                    self._changed.wait(left)
            return self._closed[0]

    def _write(self, batch: Batch) -> tuple[Mapping[str, int], BatchNotStoredError | None]:
        # Once a batch was given up the crawl is ending: the rest get one try each instead of the whole patience again.
        retry = self._retry if self._failure is None else RetryPolicy(give_up_after=0)
        try:
            counts = retry.run(lambda: self._sink.write_rows(batch.rows, batch.token), self._note_retry)
            if self._on_stored is not None:
                self._on_stored(batch)
        except Exception as error:  # noqa: BLE001 - the sink flush is a boundary: whatever it is, it reaches whoever adds or flushes
            return {}, self._give_up(batch, error)
        return counts, None

    def _note_retry(self, error: TransientStoreError) -> None:
        logger.warning("A batch for %s waits to be sent again: %s", self._sink.name, error)
        with self._changed:
            self._counts["retries"] += 1

    def _give_up(self, batch: Batch, error: Exception) -> BatchNotStoredError:
        logger.error("%d rows for %s are not stored: %s", len(batch.rows), self._sink.name, error)
        failure = BatchNotStoredError(
            f"Batch {batch.token} of {len(batch.rows)} rows is not stored in {self._sink.name}: {error}", len(batch.rows)
        )
        failure.__cause__ = error
        return failure

    def _finish(self, batch: Batch, counts: Mapping[str, int], failure: BatchNotStoredError | None, seconds: float) -> None:
        with self._changed:
            self._closed.popleft()
            self._seconds += seconds
            self._counts.update({"rows": len(batch.rows), "bytes": batch.size})
            self._counts.update({"rows_lost": len(batch.rows)} if failure else {"batches": 1, **_without_rows(counts)})
            self._failure = self._failure or failure
            ready = [waiting for sequence, waiting in self._flush_waiters if sequence <= batch.sequence]
            self._flush_waiters = [(sequence, waiting) for sequence, waiting in self._flush_waiters if sequence > batch.sequence]
            if len(self._closed) <= self._max_queued:
                room, self._room_waiters = self._room_waiters, []
            else:
                room = []
        for waiting in ready:
            _resolve(waiting, self._failure)
        for waiting in room:
            _resolve(waiting, None)


def _without_rows(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if name != "rows"}


def _resolve(waiting: Future[None], failure: BatchNotStoredError | None) -> None:
    if not waiting.set_running_or_notify_cancel():
        return
    if failure is None:
        waiting.set_result(None)
    else:
        waiting.set_exception(failure)
