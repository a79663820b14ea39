"""Which versions are known to be stored: a bounded memory in front of the look-up that every batch would make otherwise."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from jobstore.sightings import VersionKey


class KnownVersions:
    """The versions of one table seen lately, least recently seen dropped first; at most `limit` of them.

    Complete: every stored version is remembered, so that what is unknown is not stored and nobody need ask. Only for the one writer
    of a table that was read whole.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.is_complete = False
        self._seen: OrderedDict[VersionKey, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def find_unknown(self, keys: Iterable[VersionKey]) -> list[VersionKey]:
        """The keys that are not remembered; the remembered ones count as seen now."""
        unknown = []
        for key in keys:
            if key in self._seen:
                self._seen.move_to_end(key)
            else:
                unknown.append(key)
        return unknown

    def remember(self, keys: Iterable[VersionKey]) -> None:
        """Note that these versions are stored."""
        for key in keys:
            self._seen[key] = None
            self._seen.move_to_end(key)
        while len(self._seen) > self._limit:
            self._seen.popitem(last=False)
            self.is_complete = False
