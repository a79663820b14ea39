"""The MySQL/SQLite store as a sink: takes closed batches from the batchers and keeps one current row per posting and company."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.exc import DBAPIError

from jobschema.rows import Company, Job, Row
from jobstore.errors import RowRefusedError
from jobstore.sql.address import parse_address
from jobstore.sql.database import SqlDatabase, Transaction
from jobstore.sql.faults import Fault, error_code, find_fault
from jobstore.sql.revisions import check_revision
from jobstore.sql.rows import Cell, RowEncoder, write_moment
from jobstore.sql.statements import UpsertWriter
from jobstore.sql.tables import COMPANY, CURRENT, JOB, CurrentTable

STATEMENT_ROWS = 500  # of one round trip; more gains nothing and holds locks longer


@dataclass(frozen=True, slots=True)
class SeenRow:
    """A current row with the times between which it was seen."""

    row: Row
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Rows of one table and their parameters, in the order they are written."""

    table: CurrentTable
    rows: list[Any]
    cells: list[tuple[Cell, ...]]


class SqlSink:
    """A database with the tables of `jobstore.sql.tables`, as a sink. Thread-safe; a write is one transaction and may be repeated.

    Open with `SqlSink.open(dsn)`. A batch's token is not needed: a row that is there already, or older than what is there, changes
    nothing, so a batch may come any number of times and in any order.
    """

    name = "mysql"

    def __init__(self, database: SqlDatabase) -> None:
        self.database = database
        self._upserts = {table.row: UpsertWriter(table, is_sqlite=database.is_sqlite).upsert_sql() for table in CURRENT.values()}
        self._mends = {table.row: UpsertWriter(table, is_sqlite=database.is_sqlite).mend_sql() for table in CURRENT.values()}
        self._encoders: dict[type, RowEncoder] = {}

    @classmethod
    def open(cls, dsn: str, *, pool_size: int = 5) -> SqlSink:
        """Open a store whose tables are of this release.

        Raises DsnInvalidError, SchemaMismatchError (run `python -m jobstore.sql upgrade`), AccessRefusedError, StoreUnavailableError.
        """
        database = SqlDatabase(parse_address(dsn), pool_size=pool_size)
        try:
            check_revision(database)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def __repr__(self) -> str:
        return f"<SqlSink {self.database.url}>"

    def close(self) -> None:
        """Give every connection back."""
        self.database.close()

    def write_rows(self, rows: Sequence[Row], token: str = "") -> Mapping[str, int]:  # noqa: ARG002 - a row is its own identity
        """Store rows; again, or older ones later, changes nothing.

        Answers counts: `rows`, `jobs`, `companies`, `skipped` (rows of classes that have no current row). Raises RowRefusedError, which
        names one row, with nothing of the batch stored; a TransientStoreError when the same call may succeed later; another
        TerminalStoreError when it will not.
        """
        batches = [self._prepare(table, rows) for table in (COMPANY, JOB)]
        try:
            self.database.write(lambda transaction: self._write(transaction, batches, self._upserts))
        except DBAPIError as error:
            raise self._find_refused(batches, error) from None
        counts = Counter(type(row) for row in rows)
        return {
            "rows": len(rows),
            "jobs": counts[Job],
            "companies": counts[Company],
            "skipped": len(rows) - counts[Job] - counts[Company],
        }

    def replace_rows(self, rows: Sequence[SeenRow]) -> None:
        """Put rows in the place of what is stored, unless that was seen later: for parity, which knows better. Raises like `write_rows`."""
        batches = []
        for table in (COMPANY, JOB):
            chosen = [seen for seen in rows if type(seen.row) is table.row]
            cells = self._encoder(table).encode([seen.row for seen in chosen]) if chosen else []
            times = [(write_moment(seen.first_seen), write_moment(seen.last_seen)) for seen in chosen]
            timed = [(*own, first, last, first) for own, (first, last) in zip(cells, times, strict=True)]
            batches.append(_sorted(table, [seen.row for seen in chosen], timed))
        try:
            self.database.write(lambda transaction: self._write(transaction, batches, self._mends))
        except DBAPIError as error:
            raise self._find_refused(batches, error) from None

    def _prepare(self, table: CurrentTable, rows: Sequence[Row]) -> _Prepared:
        chosen = [row for row in rows if type(row) is table.row]
        cells = self._encoder(table).encode(chosen) if chosen else []
        at = table.names.index("crawled_at")
        return _sorted(table, chosen, [(*own, own[at], own[at], own[at]) for own in cells])

    def _encoder(self, table: CurrentTable) -> RowEncoder:
        if table.row not in self._encoders:
            self._encoders[table.row] = RowEncoder(table, self.database.packet)
        return self._encoders[table.row]

    def _write(self, transaction: Transaction, batches: Sequence[_Prepared], statements: Mapping[type, str]) -> None:
        for batch in batches:
            for first in range(0, len(batch.cells), STATEMENT_ROWS):
                transaction.write(statements[batch.table.row], batch.cells[first : first + STATEMENT_ROWS])

    def _find_refused(self, batches: Sequence[_Prepared], error: DBAPIError) -> RowRefusedError:
        """The error for the first row that the database refuses by itself."""
        for batch in batches:
            place = find_first(len(batch.cells), lambda few, batch=batch: self._is_refused(batch, few))  # type: ignore[misc]
            if place is not None:
                said = f"other values; the database says {error_code(error) or type(error.orig).__name__}: {str(error.orig)[:200]}"
                return self._encoder(batch.table).refuse(
                    batch.rows[place], _find_column(batch.table, str(error.orig)), "no such value", said
                )
        raise error

    def _is_refused(self, batch: _Prepared, few: slice) -> bool:
        try:
            self.database.attempt(lambda transaction: transaction.write(self._upserts[batch.table.row], batch.cells[few]))
        except DBAPIError as error:
            if find_fault(error) is not Fault.ROW:
                raise
            return True
        return False


def _sorted(table: CurrentTable, rows: Sequence[Any], cells: Sequence[tuple[Cell, ...]]) -> _Prepared:
    """Rows and cells by primary key: writers that meet never wait for each other in a circle. The key is the first two cells."""
    at = table.names.index("crawled_at")
    order = sorted(range(len(rows)), key=lambda place: (cells[place][:2], cells[place][at]))
    return _Prepared(table, [rows[place] for place in order], [cells[place] for place in order])


def _find_column(table: CurrentTable, said: str) -> str:
    """The column that a database names in its error; empty when it names none."""
    words = set(re.findall(r"\w+", said))
    return next((column.name for column in table.declared if column.name in words), "")


def find_first(count: int, is_refused: Callable[[slice], bool]) -> int | None:
    """The place of the first of `count` things that is refused, by halving; None when all of them pass together."""
    if not count or not is_refused(slice(0, count)):
        return None
    low, high = 0, count  # a refused one is in [low, high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_refused(slice(low, middle)) else (middle, high)
    return low
