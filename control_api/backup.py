"""A backup of the database as JSON lines: its revision, then every row of every table, those that others refer to first, then how many.

The same lines fill a database of either kind: this is also the way from SQLite to MySQL. Hashes and encrypted tokens are in there; the keys
that they need are not.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from itertools import groupby, islice
from typing import Any

from sqlalchemy import BigInteger, Column, String, Table, exists, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError, StatementError
from sqlalchemy.types import TypeDecorator

from control_api.errors import Invalid
from control_api.models.base import METADATA, JsonText

_STEP = 200  # rows of one statement: the body of a batch may be megabytes
_READERS: dict[type, Callable[[str], Any]] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    bytes: lambda text: b64decode(text, validate=True),
}


# -- out ---------------------------------------------------------------------------------------------------------------


def write_backup(connection: Connection, revision: str) -> Iterator[str]:
    """The lines, read within the connection's transaction: every row is of one moment where that is repeatable."""
    yield _write({"revision": revision})
    count = 0
    for table in METADATA.sorted_tables:
        for row in connection.execute(select(table).execution_options(yield_per=_STEP)).mappings():
            yield _write({"table": table.name, "row": dict(row)})
            count += 1
    yield _write({"rows": count})


def _write(line: dict[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False, default=_write_value) + "\n"


def _write_value(value: date | bytes) -> str:
    return b64encode(value).decode() if isinstance(value, bytes) else value.isoformat()


# -- back in -----------------------------------------------------------------------------------------------------------


def read_backup(connection: Connection, revision: str, lines: Iterable[bytes]) -> int:
    """Fill an empty database of the same revision; returns how many rows. Raises Invalid, and then the caller rolls back."""
    for table in METADATA.sorted_tables:
        if connection.execute(select(table).limit(1)).first() is not None:
            raise Invalid(f"The database is not empty: {table.name} has rows. Load into a new one, after `db upgrade` alone.")
    documents = (_read(line, number) for number, line in enumerate(lines, 1))
    written_at = next(documents, {}).get("revision")
    if written_at != revision:
        found = f"a backup of revision {written_at[:12]!r}" if isinstance(written_at, str) else "no backup"
        raise Invalid(f"Line 1: this is {found}, and the database is at revision {revision!r}: load it with the release that wrote it.")
    rows, count = _read_rows(documents), 0
    with _rows_may_precede(connection):
        for table, of_table in groupby(rows, key=lambda found: found[0]):
            while part := [row for _, row in islice(of_table, _STEP)]:
                count += len(part)
                _insert(connection, table, part, count + 1)
    _check_references(connection)
    return count


def _read_rows(documents: Iterator[dict[str, Any]]) -> Iterator[tuple[Table, dict[str, Any]]]:
    for number, document in enumerate(documents, 2):
        if document == {"rows": number - 2}:
            if next(documents, None) is not None:
                raise Invalid(f"Line {number} says that it is the last, and others follow.")
            return
        if document.keys() == {"rows"}:
            raise Invalid(f"Line {number} says how many rows came before it, and that is not {number - 2}: some are missing or too many.")
        table, row = METADATA.tables.get(str(document.get("table"))), document.get("row")
        if table is None or not isinstance(row, dict) or row.keys() != set(table.columns.keys()):
            raise Invalid(f"Line {number} is no row of a table of this revision.")
        try:
            yield table, {name: _read_value(table.columns[name], value) for name, value in row.items()}
        except ValueError:
            raise Invalid(f"Line {number}: a value does not fit its column of {table.name}.") from None
    raise Invalid("The last line, which says how many rows there are, is missing: the file is cut off.")


def _read_value(column: Column[Any], value: Any) -> Any:
    """What the column holds. Raises ValueError for what it cannot: SQLite would take it, and whoever reads it would fail."""
    if (value is None and column.nullable) or isinstance(column.type, JsonText):
        return value
    stored = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    kind = stored.python_type
    if type(value) is not (str if kind in _READERS else kind):
        raise ValueError("of another type")
    if kind is int and not -(largest := 2 ** (63 if isinstance(stored, BigInteger) else 31)) <= value < largest:
        raise ValueError("too large")
    if isinstance(stored, String) and stored.length is not None and len(value) > stored.length:
        raise ValueError("too long")
    return _READERS[kind](value) if kind in _READERS else value


def _read(line: bytes, number: int) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Invalid(f"Line {number} is no JSON object: the file is no backup, or cut off.")
    return document


@contextmanager
def _rows_may_precede(connection: Connection) -> Iterator[None]:
    """A department may stand below a younger one: `_check_references` looks when all are there."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        yield
        return
    connection.exec_driver_sql("SET foreign_key_checks = 0")
    try:
        yield
    finally:
        connection.exec_driver_sql("SET foreign_key_checks = 1")


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]], last_line: int) -> None:
    try:
        connection.execute(table.insert(), rows)
    except OperationalError:
        raise
    except (StatementError, ValueError):  # the second for half characters; their texts would quote rows
        first = last_line - len(rows) + 1
        raise Invalid(f"Lines {first} to {last_line}: {table.name} does not take one of them.") from None


def _check_references(connection: Connection) -> None:
    for table in METADATA.sorted_tables:
        for key in table.foreign_keys:
            other = key.column.table.alias()
            found = select(key.parent).where(key.parent.is_not(None), ~exists().where(other.c[key.column.name] == key.parent))
            if connection.execute(found.limit(1)).first() is not None:
                raise Invalid(f"A row of {table.name} refers to a row of {key.column.table.name} that no line has.")
