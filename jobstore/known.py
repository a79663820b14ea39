"""Which versions are known to be stored, and which known not to be: memory in front of the look-up that a batch would need otherwise."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable

from jobstore.sightings import VersionKey

_PLACES = 2**24
_MASK = _PLACES - 1


class VersionFilter:
    """A Bloom filter: what is not in it was never added, for certain; a few others are in it by chance.

    2 MiB. With `CAPACITY` versions added, one of 200 others is in it.
    """

    CAPACITY = 1_000_000

    def __init__(self) -> None:
        self._bits = bytearray(_PLACES // 8)

    def add(self, keys: Iterable[VersionKey]) -> None:
        """Versions that may be stored from now on."""
        bits = self._bits
        for key in keys:
            first = hash(key)
            second, third = first >> 20 & _MASK, first >> 40 & _MASK
            first &= _MASK
            bits[first >> 3] |= 1 << (first & 7)
            bits[second >> 3] |= 1 << (second & 7)
            bits[third >> 3] |= 1 << (third & 7)

    def __contains__(self, key: VersionKey) -> bool:
        bits, first = self._bits, hash(key)
        second, third = first >> 20 & _MASK, first >> 40 & _MASK
        first &= _MASK
        return bool(bits[first >> 3] >> (first & 7) & bits[second >> 3] >> (second & 7) & bits[third >> 3] >> (third & 7) & 1)


class KnownVersions:
    """The versions of one table seen lately, least recently seen dropped first; at most `limit` of them.

    Complete: every stored version is noted here, so that what was never noted is not stored and nobody need ask. Only for the one
    writer of a table who read it whole. Beyond `limit` a filter takes over, which asks for a few in vain.
    """

    def __init__(self, limit: int, *, is_complete: bool = False) -> None:
        self._limit = limit
        self._is_complete = is_complete
        self._filter: VersionFilter | None = None
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

    def find_possible(self, unknown: list[VersionKey]) -> list[VersionKey]:
        """Those of the unknown keys that may be stored all the same."""
        if not self._is_complete:
            return unknown
        return [] if self._filter is None else [key for key in unknown if key in self._filter]

    def remember(self, keys: Collection[VersionKey]) -> None:
        """Note that these versions are stored."""
        for key in keys:
            self._seen[key] = None
            self._seen.move_to_end(key)
        if self._filter is not None or len(self._seen) > self._limit:
            self.doubt(keys)
        while len(self._seen) > self._limit:
            self._seen.popitem(last=False)

    def doubt(self, keys: Collection[VersionKey]) -> None:
        """Note that these versions may be stored."""
        if not self._is_complete:
            return
        if self._filter is None:
            self._filter = VersionFilter()
            self._filter.add(self._seen)
        self._filter.add(keys)
