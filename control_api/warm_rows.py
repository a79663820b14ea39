"""Rows on their way from the ingest door to the store: kept in memory, within bounds, so that nobody has to read a batch twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from jobstore.batch import RowBatch

BatchKey = tuple[str, str]  # identity and digest: the same identity may come with other rows, and is refused later
WARM_BYTES = 48 * 1024 * 1024  # of JSON


class WarmRows:
    """Batches by key. Thread-safe. Whoever keeps one drops it."""

    def __init__(self) -> None:
        self._batches: dict[BatchKey, tuple[RowBatch, int]] = {}
        self._bytes = 0
        self._changed = threading.Condition()

    def wait_for_room(self, seconds: float, is_pointless: Callable[[], object]) -> None:
        """Return when there is room, after `seconds`, or when it is pointless to wait."""
        with self._changed:
            self._changed.wait_for(lambda: self._bytes < WARM_BYTES or is_pointless(), seconds)

    def keep(self, key: BatchKey, rows: RowBatch, size: int) -> bool:
        """Keep the rows of a batch, `size` bytes of JSON; whether they are: there may be no room, or another call may have kept them."""
        with self._changed:
            is_kept = self._bytes < WARM_BYTES and key not in self._batches
            if is_kept:
                self._batches[key] = rows, size
                self._bytes += size
            return is_kept

    def find(self, key: BatchKey) -> RowBatch | None:
        """The rows of a batch, which stay; None when they are not here."""
        with self._changed:
            return self._batches.get(key, (None, 0))[0]

    def drop(self, keys: Iterable[BatchKey]) -> None:
        """Let batches go; those that are not here already have."""
        with self._changed:
            for key in keys:
                self._bytes -= self._batches.pop(key, (None, 0))[1]
            self._changed.notify_all()
