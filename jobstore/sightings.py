"""Sightings: the rows of one batch counted by version (and keyword), which is all that an unchanged posting costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import repeat
from typing import Any

from jobstore.blocks import Block, encode_block, mend
from jobstore.tables import Table

VersionKey = tuple[str, str]  # id, content hash


class SightingCount:
    """Counts the rows of one batch for one sighting table: how often each of its keys was seen, and when first and last."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._has_keyword = "keyword" in table.names
        self._first: dict[tuple[str, ...], datetime] = {}
        self._last: dict[tuple[str, ...], datetime] = {}
        self._times: Counter[tuple[str, ...]] = Counter()

    def __len__(self) -> int:
        return len(self._times)

    def add(self, platform: str, keys: Sequence[VersionKey], rows: Sequence[Any]) -> None:
        """Count rows, given with their version keys."""
        seen = self._read_keys(platform, keys, rows)
        self._times.update(seen)
        first, last = self._first, self._last
        for key, row in zip(seen, rows, strict=True):
            at = row.crawled_at
            if at < first.setdefault(key, at):
                first[key] = at
            if at > last.setdefault(key, at):
                last[key] = at

    def _read_keys(self, platform: str, keys: Sequence[VersionKey], rows: Iterable[Any]) -> list[tuple[str, ...]]:
        """The sorting key of the table for each row."""
        parts: list[Iterable[str]] = [repeat(platform), *zip(*keys, strict=True)]
        if self._has_keyword:
            keywords = [row.keyword for row in rows]
            mended = {keyword: mend(keyword) for keyword in set(keywords)}
            parts.append(map(mended.__getitem__, keywords))
        return list(zip(*parts, strict=False))

    def make_block(self) -> Block:
        """What was counted (something was), as the rows of the table."""
        measures = (tuple(one.values()) for one in (self._first, self._last, self._times))
        return encode_block(self.table, [*zip(*self._times, strict=True), *measures])
