"""Brings a ClickHouse database to the schema of this release, when a store is opened: nothing to do, nothing done.

Two kinds of change, both recorded in `schema_migration`. *Numbered* migrations are written by hand for what the contract cannot
say (another engine, another sorting key, moved rows); each runs once, in order. *Derived* changes (number 0) follow from the
contract: a missing table, a column added in `jobschema.rows`, an enum with more choices at its end. Every statement is harmless
when repeated, because a process may die between doing and recording it.
"""

# ruff: noqa: S608 - the names put into SQL are ours; values travel as parameters
from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jobstore.connection import Connection
from jobstore.errors import DeduplicationOffError, SchemaMismatchError
from jobstore.tables import DEDUPLICATION_WINDOW, Schema, Table, TableColumn
from jobstore.views import build_views

MIGRATION_TABLE = "schema_migration"
_CREATE_MIGRATION_TABLE = (
    f"CREATE TABLE IF NOT EXISTS {MIGRATION_TABLE} (number UInt32, name String, applied_at DateTime64(6, 'UTC') DEFAULT now64(6)) "
    f"ENGINE = ReplacingMergeTree ORDER BY (number, name) SETTINGS non_replicated_deduplication_window = {DEDUPLICATION_WINDOW}"
)
_WRAPPED = re.compile(r"^(?:Nullable|LowCardinality)\((.*)\)$")
_ENUM_PAIR = re.compile(r"'((?:[^'\\]|\\.)*)' = (-?\d+)")


@dataclass(frozen=True, slots=True)
class Migration:
    """A numbered change: statements that are harmless when repeated."""

    number: int
    name: str
    statements: tuple[str, ...]


# Release 0.1 creates everything from the contract; the first migration here will be number 1.
MIGRATIONS: tuple[Migration, ...] = ()


def ensure_schema(connection: Connection, schema: Schema, migrations: Sequence[Migration] = MIGRATIONS) -> list[str]:
    """Create and change what is missing; the names of the changes made, in order.

    Raises SchemaMismatchError when a table cannot follow the contract, DeduplicationOffError when a table would take a batch twice.
    """
    connection.run(_CREATE_MIGRATION_TABLE)
    made = _apply_numbered(connection, migrations)
    made += _create_tables(connection, schema.tables)
    for table in schema.tables:
        made += _reconcile(connection, table)
    check_deduplication(connection, schema.tables)
    for view in build_views(schema):
        connection.run(view.create_sql())
    return made


def _apply_numbered(connection: Connection, migrations: Sequence[Migration]) -> list[str]:
    done = {number for (number,) in connection.read_tuples(f"SELECT DISTINCT number FROM {MIGRATION_TABLE}")}
    made = []
    for migration in sorted(migrations, key=lambda one: one.number):
        if migration.number in done:
            continue
        for statement in migration.statements:
            connection.run(statement)
        _record(connection, migration.number, migration.name)
        made.append(migration.name)
    return made


def _record(connection: Connection, number: int, name: str) -> None:
    # Not an insert of ours with a token: the sorting key makes a repeated record one.
    connection.run(
        f"INSERT INTO {MIGRATION_TABLE} (number, name) SELECT {{number:UInt32}}, {{name:String}}", {"number": number, "name": name}
    )


def _create_tables(connection: Connection, tables: Iterable[Table]) -> list[str]:
    present = {name for (name,) in connection.read_tuples("SELECT name FROM system.tables WHERE database = currentDatabase()")}
    made = []
    for table in tables:
        if table.name not in present:
            connection.run(table.create_sql())
            made.append(f"create {table.name}")
            _record(connection, 0, made[-1])
    return made


def _reconcile(connection: Connection, table: Table) -> list[str]:
    query = "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}"
    present = dict(connection.read_tuples(query, {"table": table.name}))
    made = []
    for column in table.columns:
        change = _find_change(table, column, present.get(column.name))
        if change:
            connection.run(f"ALTER TABLE {table.name} {change}")
            made.append(f"alter {table.name}: {change}")
            _record(connection, 0, made[-1])
    return made


def _find_change(table: Table, column: TableColumn, present: str | None) -> str:
    if present is None:
        return f"ADD COLUMN IF NOT EXISTS {column.ddl}"
    if present == column.type:
        return ""
    if is_widening(present, column.type):
        return f"MODIFY COLUMN {column.ddl}"
    raise SchemaMismatchError(
        f"{table.name}.{column.name} is {present} in the database and {column.type} in this release, and no row may be changed silently. "
        "Run the release that fits the database, or write a numbered migration in jobstore/migrations.py."
    )


def is_widening(old: str, new: str) -> bool:
    """Whether every value of the type `old` is the same value in `new`: more enum choices, NULL allowed, or another dictionary encoding."""
    if "Nullable(" in old and "Nullable(" not in new:
        return False
    old_plain, new_plain = _unwrap(old), _unwrap(new)
    if old_plain.startswith("Enum8") and new_plain.startswith("Enum8"):
        return set(_ENUM_PAIR.findall(old_plain)) <= set(_ENUM_PAIR.findall(new_plain))
    return old_plain == new_plain


def _unwrap(name: str) -> str:
    while found := _WRAPPED.match(name):
        name = found.group(1)
    return name


def check_deduplication(connection: Connection, tables: Iterable[Table]) -> None:
    """Refuse tables whose engine would not know the token of a batch sent again. Raises DeduplicationOffError naming them."""
    engines = dict(connection.read_tuples("SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()"))
    off = [table.name for table in tables if not _deduplicates(engines.get(table.name, ""))]
    if off:
        raise DeduplicationOffError(
            f"No deduplication window on {', '.join(off)} in {connection.dsn}: a batch sent again would be stored twice. "
            f"Run: ALTER TABLE {off[0]} MODIFY SETTING non_replicated_deduplication_window = {DEDUPLICATION_WINDOW}"
        )


def _deduplicates(engine: str) -> bool:
    # Replicated and shared engines keep a window unless it is set to 0; plain ones keep none unless it is set.
    keeps_by_default = engine.startswith(("Replicated", "Shared"))
    name = "replicated_deduplication_window" if keeps_by_default else "non_replicated_deduplication_window"
    found = re.search(rf"\b{name} = (\d+)", engine)
    return int(found.group(1)) > 0 if found else keeps_by_default
