"""Walks over the current rows, in portions that fit into memory."""

# ruff: noqa: S608 - the names put into SQL are ours; values travel as parameters
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from jobstore.sql.database import SqlDatabase
from jobstore.sql.rows import decode_row
from jobstore.sql.tables import CURRENT

PORTION = 1000  # rows of one query


def read_rows(database: SqlDatabase, row: type, *, limit: int | None = None) -> Iterator[Any]:
    """The current rows of a class, by platform and id; `limit` of them at most. Each portion is of its own moment. Raises StoreError."""
    table, last, left = CURRENT[row], ("", ""), limit
    names = ", ".join(f"`{column.name}`" for column in table.declared)
    after = f"platform > ? OR (platform = ? AND {table.id_name} > ?)"
    while left is None or left > 0:
        size = PORTION if left is None else min(PORTION, left)
        query = f"SELECT {names} FROM {table.name} WHERE {after} ORDER BY platform, {table.id_name} LIMIT {size}"
        found = _ask(database, query, (last[0], *last))
        for cells in found:
            yield row(**decode_row(table, cells))
        if len(found) < size:
            return
        last = (found[-1][0], found[-1][1])
        left = None if left is None else left - size


def _ask(database: SqlDatabase, query: str, parameters: Sequence[str]) -> list[tuple[Any, ...]]:
    return database.read(lambda transaction: transaction.read(query, parameters))
