"""Sightings: the rows of one batch counted by version (and keyword), which is all that an unchanged posting costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobstore.blocks import mend
from jobstore.tables import Table

VersionKey = tuple[str, str]  # id, content hash


@dataclass(slots=True)
class Sighting:
    """How often a version was seen within one batch."""

    platform: str
    id: str
    content_hash: str
    keyword: str
    first_seen: datetime
    last_seen: datetime
    times: int = 1


class SightingCount:
    """Counts the rows of one batch for one sighting table."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._has_keyword = "keyword" in table.names
        self._seen: dict[tuple[str, str, str, str], Sighting] = {}

    @staticmethod
    def attributes(table: Table) -> tuple[str, ...]:
        """The attributes of a sighting in the order of its table's columns."""
        return tuple("id" if name.endswith("_id") else name for name in table.names)

    @property
    def sightings(self) -> list[Sighting]:
        """What was counted, one for each row of the table."""
        return list(self._seen.values())

    def add(self, platform: str, keys: Iterable[VersionKey], rows: Iterable[Any]) -> None:
        """Count rows, given with their version keys."""
        for (row_id, content_hash), row in zip(keys, rows, strict=True):
            keyword = mend(row.keyword) if self._has_keyword else ""
            at = row.crawled_at
            one = self._seen.get((platform, row_id, content_hash, keyword))
            if one is None:
                self._seen[platform, row_id, content_hash, keyword] = Sighting(platform, row_id, content_hash, keyword, at, at)
            else:
                one.first_seen, one.last_seen, one.times = min(one.first_seen, at), max(one.last_seen, at), one.times + 1
