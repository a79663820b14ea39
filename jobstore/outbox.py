"""The outbox: takes closed batches from a batcher into the spool, and carries each to every sink. Between batcher and sinks.

    batcher --write_rows--> spool (disk, bounded) --one carrier thread a sink--> sink --mark--> on_stored

It is a `Sink` itself: a batch is "written" once it is on the disk. What a process before this one left in the spool goes first.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jobschema.rows import Row
from jobstore.batch import RowBatch, Sink
from jobstore.carrier import Carrier
from jobstore.deadletters import DeadLetters
from jobstore.errors import StoreError
from jobstore.failpoints import reach
from jobstore.retry import RetryPolicy
from jobstore.spool import Spool
from jobstore.spool_rows import pack_rows

logger = logging.getLogger(__name__)
BUSY_SECONDS = 60.0  # at the end, for one batch in a sink that gives no sign of being away
WARM = 2  # batches whose rows are kept in memory on their way to the sinks; others are read from the disk again


def _ignore(*_told: object) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class OutboxPolicy:
    """`max_bytes` of batches may wait on the disk; then the crawl waits. `retry` paces a sink that is away; nothing is given up."""

    max_bytes: int = 2 * 1024**3
    retry: RetryPolicy = field(default_factory=RetryPolicy)


class Outbox:
    """Every batch to every sink. `write_rows` belongs to one batcher's thread, which gives the batches in order.

    `on_stored(count)` runs in a carrier's thread: the first `count` rows that were written are in every sink, or in the dead
    letters. `on_failed(error)`: a sink failed for good; the spool keeps what it lacks. `stop` must be called.
    """

    name = "spool"

    def __init__(
        self,
        folder: Path,
        sinks: Sequence[Sink],
        *,
        policy: OutboxPolicy | None = None,
        on_stored: Callable[[int], None] = _ignore,
        on_failed: Callable[[StoreError], None] = _ignore,
    ) -> None:
        self._policy = policy or OutboxPolicy()
        self._on_stored = on_stored
        self._names = [sink.name for sink in sinks]
        left = Spool.adopt(folder)
        self._spool = Spool.create(folder)
        self._spools = [*left, self._spool]
        self._changed = threading.Condition()
        self._warm: OrderedDict[int, tuple[Row, ...]] = OrderedDict()
        self._ends: deque[tuple[int, int]] = deque()  # batch number -> rows written up to its end; first one is lacking somewhere
        self._whole: set[int] = set()  # batches that every sink has, behind one that some sink lacks
        self._written = 0
        self._is_sound = True  # no batch failed to reach the disk: the counts of rows mean what they say
        self._is_closing = False
        self._moved_at = time.monotonic()
        self._counts: Counter[str] = Counter()
        letters = DeadLetters(folder)
        self._carriers = [Carrier(sink, self, letters, retry=self._policy.retry, on_failed=on_failed) for sink in sinks]
        self._warn_of_strangers()

    def start(self) -> None:
        """Begin to carry: what is left from before goes first."""
        for carrier in self._carriers:
            carrier.start()

    # -- the batcher's side -----------------------------------------------------------------------------------------------

    def write_rows(self, rows: tuple[Row, ...], token: str) -> Mapping[str, int]:
        """Put a batch on the disk; waits while too much waits there. Raises SpoolUnusableError."""
        self._wait_for_room()
        reach("batch_closed")
        rows = RowBatch(rows)
        body = pack_rows(rows)
        with self._changed:  # so that no carrier has the batch before it is known here
            try:
                number = self._spool.put(token, body, self._names)
            except StoreError:
                self._is_sound = False
                raise
            self._written += len(rows)
            self._counts.update(spooled=1, spool_bytes=len(body))
            self._ends.append((number, self._written))
            self._warm[number] = rows
            while len(self._warm) > WARM:
                self._warm.popitem(last=False)
            self._changed.notify_all()
        reach("spool_after_commit")
        return {}

    def _wait_for_room(self) -> None:
        with self._changed:
            started = time.monotonic()
            while self._waiting_bytes() >= self._policy.max_bytes and not self._is_closing:
                self._changed.wait()
            self._counts["wait_milliseconds"] += round((time.monotonic() - started) * 1000)

    def _waiting_bytes(self) -> int:
        return sum(spool.size for spool in self._spools)

    def hurry(self) -> None:
        """The end is near: the few batches still in memory go to the disk, also beyond the bound."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()

    # -- the carriers' side -----------------------------------------------------------------------------------------------

    @property
    def spools(self) -> Sequence[Spool]:
        """The files to carry from, in order."""
        return self._spools

    def wait_for_batch(self, sink: str, is_stopped: Callable[[], bool]) -> None:
        """Return when there may be something to carry."""
        with self._changed:
            while not is_stopped() and all(spool.next_number(sink) is None for spool in self._spools):
                self._changed.wait()

    def warm_rows(self, spool: Spool, number: int) -> tuple[Row, ...] | None:
        """The rows of a batch, when they are still in memory."""
        with self._changed:
            return self._warm.get(number) if spool is self._spool else None

    def take_note(self, spool: Spool, number: int, *, is_last: bool) -> None:
        """A sink has a batch, and the spool says so."""
        with self._changed:
            self._moved_at = time.monotonic()
            self._changed.notify_all()
            if spool is not self._spool:
                self._counts["replayed"] += is_last
                return
            stored = self._advance(number) if is_last else None
        if is_last:
            reach("batch_stored")
        if stored is not None and self._is_sound:
            self._on_stored(stored)

    def _advance(self, number: int) -> int | None:
        """Every sink has this batch: how many rows, from the first on, are in every sink now; None when not more than before."""
        self._warm.pop(number, None)
        self._whole.add(number)
        stored = None
        while self._ends and self._ends[0][0] in self._whole:
            whole, stored = self._ends.popleft()
            self._whole.remove(whole)
        return stored

    # -- the end ----------------------------------------------------------------------------------------------------------

    def stop(self, grace: float) -> int:
        """Carry on until all is carried, or a sink was away and nothing moved for `grace` seconds; blocks.

        Returns the deliveries that wait for the next start.
        """
        self.hurry()
        self._moved_at = time.monotonic()
        while self._is_waited_for() and time.monotonic() - self._moved_at < self._find_patience(grace):
            with self._changed:
                self._changed.wait(min(grace, 0.2))
        for carrier in self._carriers:
            carrier.ask_to_stop()
        with self._changed:
            self._changed.notify_all()
        for carrier in self._carriers:
            carrier.join(min(grace, 1.0))
        left = sum(sum(spool.count_due().values()) for spool in self._spools)
        for spool in self._spools:
            spool.close()
        return left

    def _find_patience(self, grace: float) -> float:
        """A sink that is at work on a large batch is not away."""
        return grace if any(carrier.is_away for carrier in self._carriers) else max(grace, BUSY_SECONDS)

    def _is_waited_for(self) -> bool:
        """Does a sink that still works lack something?"""
        working = [carrier.name for carrier in self._carriers if carrier.is_working]
        return any(spool.next_number(name) is not None for spool in self._spools for name in working)

    def stats(self) -> dict[str, dict[str, float]]:
        """Counts by who counts: `spool`, and every sink by its name."""
        with self._changed:
            own: dict[str, float] = {**self._counts, "waiting_bytes": self._waiting_bytes()}
        return {self.name: own, **{carrier.name: carrier.stats() for carrier in self._carriers}}

    def _warn_of_strangers(self) -> None:
        for spool in self._spools:
            for name in spool.count_due().keys() - set(self._names):
                logger.warning("%s holds batches for %s, which is not configured now: they stay there", spool.path, name)
