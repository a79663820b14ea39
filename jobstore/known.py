"""Which versions are known to be stored, and which known not to be: memory in front of the look-up that a batch would need otherwise."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable

from rbloom import Bloom

from jobstore.sightings import VersionKey

FILTER_CAPACITY = 1_000_000  # versions, of which the filter finds all, and one of 200 others by chance; 1.3 MiB


class KnownVersions:
    """The versions of one table seen lately, least recently seen dropped first; at most `limit` of them. Thread-safe.

    Complete: every stored version is noted here, so that what was never noted is not stored and nobody need ask. Only for the one
    writer of a table who read it whole. Beyond `limit` a filter takes over, which asks for a few in vain.
    """

    def __init__(self, limit: int, *, is_complete: bool = False) -> None:
        self._limit = limit
        self._is_complete = is_complete
        self._filter: Bloom | None = None
        self._seen: OrderedDict[VersionKey, None] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._seen)

    def find_unknown(self, keys: Iterable[VersionKey]) -> list[VersionKey]:
        """The keys that are not remembered; the remembered ones count as seen now."""
        unknown = []
        with self._lock:
            for key in keys:
                if key in self._seen:
                    self._seen.move_to_end(key)
                else:
                    unknown.append(key)
        return unknown

    def find_possible(self, unknown: list[VersionKey]) -> list[VersionKey]:
        """Those of the unknown keys that may be stored all the same."""
        if not self._is_complete:
            return unknown
        with self._lock:
            return [] if self._filter is None else [key for key in unknown if key in self._filter]

    def remember(self, keys: Collection[VersionKey]) -> None:
        """Note that these versions are stored."""
        with self._lock:
            for key in keys:
                self._seen[key] = None
                self._seen.move_to_end(key)
            if self._filter is not None or len(self._seen) > self._limit:
                self._note_possible(keys)
            while len(self._seen) > self._limit:
                self._seen.popitem(last=False)

    def doubt(self, keys: Collection[VersionKey]) -> None:
        """Note that these versions may be stored."""
        with self._lock:
            self._note_possible(keys)

    def _note_possible(self, keys: Collection[VersionKey]) -> None:
        if not self._is_complete:
            return
        if self._filter is None:
            self._filter = Bloom(FILTER_CAPACITY, 0.005)
            self._filter.update(self._seen)
        self._filter.update(keys)
