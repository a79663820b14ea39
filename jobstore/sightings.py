"""Sightings: the rows of one batch counted by version (and keyword), which is all that an unchanged posting costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import repeat

from jobstore.blocks import Block, encode_block, mend
from jobstore.tables import Table

VersionKey = tuple[str, str]  # id, content hash


class SightingCount:
    """Counts the rows of one batch for one sighting table: how often each of its keys was seen, and when first and last."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.key_names = table.names[:-3]  # of what is counted; the id is the second
        self._first: dict[tuple[str, ...], datetime] = {}
        self.last: dict[tuple[str, ...], datetime] = {}
        self._times: Counter[tuple[str, ...]] = Counter()

    def __len__(self) -> int:
        return len(self._times)

    def add(self, platform: str, keys: Sequence[VersionKey], keywords: Sequence[str] | None, moments: Iterable[datetime]) -> None:
        """Count rows by their version keys, keywords (None where the table has none) and `crawled_at`, in the order of the rows."""
        parts: list[Iterable[str]] = [repeat(platform), *zip(*keys, strict=True)]
        if keywords is not None:
            mended = {keyword: mend(keyword) for keyword in set(keywords)}
            parts.append(map(mended.__getitem__, keywords))
        seen = list(zip(*parts, strict=False))
        self._times.update(seen)
        first, last = self._first, self.last
        for key, at in zip(seen, moments, strict=True):
            if at < first.setdefault(key, at):
                first[key] = at
            if at > last.setdefault(key, at):
                last[key] = at

    def make_block(self) -> Block:
        """What was counted (something was), as the rows of the table."""
        measures = (tuple(one.values()) for one in (self._first, self.last, self._times))
        return encode_block(self.table, [*zip(*self._times, strict=True), *measures])
