"""A carrier: one thread that takes the batches of the spool to one sink, oldest first, for as long as it takes. Inside the outbox.

A row that the sink refuses goes to the dead letters, and the rest of its batch goes in under the same token: the same rows are
refused again when the batch is sent again, so a token always means the same rows.
"""

from __future__ import annotations

import base64
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from jobschema.rows import Row
from jobstore.batch import Sink
from jobstore.deadletters import DeadLetter, DeadLetters
from jobstore.errors import RowRefusedError, RowsRefusedError, StoreError, TerminalStoreError, TransientStoreError
from jobstore.failpoints import reach
from jobstore.retry import RetryPolicy
from jobstore.spool_rows import unpack_rows

if TYPE_CHECKING:
    from jobstore.spool import Spool, Spooled

logger = logging.getLogger(__name__)
ONE_BY_ONE = 8  # refused rows taken out of a batch singly; with more, its halves go separately, so that many cost no more than few


class Office(Protocol):
    """Where a carrier gets its batches: the outbox."""

    @property
    def spools(self) -> Sequence[Spool]: ...
    def wait_for_batch(self, sink: str, is_stopped: Callable[[], bool]) -> None: ...
    def warm_rows(self, spool: Spool, number: int) -> tuple[Row, ...] | None: ...
    def take_note(self, spool: Spool, number: int, *, is_last: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class _Parcel:
    """Rows on their way, with their places in the batch, which is `whole` where none is missing."""

    batch: str
    token: str
    rows: list[tuple[int, Row]]
    whole: tuple[Row, ...] | None = None

    def pack(self, left: list[tuple[int, Row]]) -> tuple[Row, ...]:
        """What of it is sent."""
        is_whole = self.whole is not None and len(left) == len(self.whole)
        return self.whole if is_whole else tuple(row for _, row in left)  # type: ignore[return-value]


class Carrier:
    """Carries to one sink until it is asked to stop or the sink fails for good."""

    def __init__(
        self, sink: Sink, office: Office, letters: DeadLetters, *, retry: RetryPolicy, on_failed: Callable[[StoreError], None]
    ) -> None:
        self.name = sink.name
        self.is_working = False
        self.is_away = False  # its last answer was "not now", or none
        self._sink = sink
        self._office = office
        self._letters = letters
        self._retry = retry
        self._on_failed = on_failed
        self._stopping = threading.Event()
        self._counts: Counter[str] = Counter()
        self._seconds = 0.0
        self._thread = threading.Thread(target=self._run, name=f"carrier-{sink.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self.is_working = True
        self._thread.start()

    def ask_to_stop(self) -> None:
        """End after the batch at work."""
        self._stopping.set()

    def join(self, seconds: float) -> None:
        """Wait until it has ended; a sink that does not answer may keep it longer, and the batch stays in the spool."""
        if self._thread.is_alive():
            self._thread.join(seconds)

    def stats(self) -> dict[str, float]:
        """`rows`, `batches`, `retries`, `dead_letters`, `seconds` in the sink, and what the sink counts."""
        return {**self._counts, "seconds": self._seconds}

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                if not self._carry_next():
                    self._office.wait_for_batch(self.name, self._stopping.is_set)
        except Exception as error:  # noqa: BLE001 - the sink flush is a boundary: whatever it is, whoever crawls hears of it
            if not self._stopping.is_set():
                logger.error("%s takes no more batches; they wait in the spool: %s", self.name, error)
                self._on_failed(error if isinstance(error, StoreError) else _wrap(self.name, error))
        finally:
            self.is_working = False

    def _carry_next(self) -> bool:
        """Carry the oldest batch; False when there is none."""
        for spool in self._office.spools:
            number = spool.next_number(self.name)
            if number is None:
                continue
            rows = self._office.warm_rows(spool, number)
            batch = spool.next_due(self.name)
            if batch is not None and self._deliver(batch, rows):
                is_last = spool.mark(number, self.name)
                reach(f"marked:{self.name}")
                self._office.take_note(spool, number, is_last=is_last)
            return True
        return False

    def _deliver(self, batch: Spooled, rows: tuple[Row, ...] | None) -> bool:
        """Bring a batch into the sink; False when the end came first."""
        if rows is None:
            try:
                rows = _unpack(batch)
            except ValueError as error:
                self._bury(batch, error)
                return True
        started = time.monotonic()
        reach(f"sink_before:{self.name}")
        counts = self._send(_Parcel(batch.token, batch.token, list(enumerate(rows)), rows))
        if counts is None:
            return False
        reach(f"sink_after:{self.name}")
        self._seconds += time.monotonic() - started
        self._counts.update({**counts, "batches": 1})
        self._counts["rows"] = self._counts["rows"] + (len(rows) if "rows" not in counts else 0)
        return True

    def _send(self, parcel: _Parcel) -> Counter[str] | None:
        """Send rows, without those that the sink refuses; None when the end came first."""
        left = list(parcel.rows)
        for _ in range(ONE_BY_ONE):
            try:
                return Counter(self._insist(parcel.pack(left), parcel.token)) if left else Counter()
            except _StoppedError:
                return None
            except RowRefusedError as error:
                place = _find(left, error)
                self._write_letter(parcel.batch, left.pop(place), (error.column, str(error)))
            except RowsRefusedError as error:
                for place, column, reason in error.refused:
                    self._write_letter(parcel.batch, left[place], (column, reason))
                return Counter(rows=len(left) - len(error.refused))
        if len(left) == 1:
            return self._send(_Parcel(parcel.batch, parcel.token, left))
        middle = len(left) // 2
        first = self._send(_Parcel(parcel.batch, f"{parcel.token}/0", left[:middle]))
        second = self._send(_Parcel(parcel.batch, f"{parcel.token}/1", left[middle:])) if first is not None else None
        return first + second if first is not None and second is not None else None

    def _insist(self, rows: tuple[Row, ...], token: str) -> Mapping[str, int]:
        """Send for as long as the sink is away. Raises what will not pass, and _StoppedError."""
        wait = self._retry.first
        while True:
            try:
                counts = self._sink.write_rows(rows, token)
                self.is_away = False
                return counts
            except TransientStoreError as error:
                self.is_away = True
                self._counts["retries"] += 1
                wait = max(wait, getattr(error, "retry_after", 0.0))
                logger.warning("%s: the batch waits %.1f s in the spool: %s", self.name, wait, error)
            if self._stopping.wait(wait):
                raise _StoppedError
            wait = min(wait * 2, self._retry.longest)

    def _write_letter(self, batch: str, placed: tuple[int, Row], fault: tuple[str, str]) -> None:
        (place, row), (column, reason) = placed, fault
        self._letters.add([DeadLetter.of(row, key=f"{batch}:{place}:{self.name}", sink=self.name, reason=reason, column=column)])
        self._counts["dead_letters"] += 1
        logger.error("a row is in the dead letters, %s refuses it: %s", self.name, reason)

    def _bury(self, batch: Spooled, error: ValueError) -> None:
        """A batch that the disk has damaged: nothing can be sent, and nothing is thrown away."""
        reason = f"the spool's bytes of this batch are damaged ({error}); crawl its keywords again"
        row = {"bytes": base64.b64encode(batch.body).decode()}
        at = datetime.now(UTC).isoformat(timespec="seconds")
        self._letters.add([DeadLetter(f"{batch.token}:{self.name}", self.name, reason, "", at, "bytes", row)])
        self._counts["damaged"] += 1
        logger.error("batch %s for %s: %s", batch.token, self.name, reason)


def _unpack(batch: Spooled) -> tuple[Row, ...]:
    if not batch.is_sound:
        raise ValueError("their checksum is another")
    return unpack_rows(batch.body)


class _StoppedError(Exception):
    """Never leaves this module."""


def _find(rows: Sequence[tuple[int, Row]], error: RowRefusedError) -> int:
    for place, (_, row) in enumerate(rows):
        if row is error.row:
            return place
    raise TerminalStoreError(f"A sink refuses a row that it was not given: {error}") from error


def _wrap(name: str, error: Exception) -> TerminalStoreError:
    wrapped = TerminalStoreError(f"{name} failed in a way that it should not: {type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped
