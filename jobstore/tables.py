"""The tables of the ClickHouse store, derived from the contract: what migrations create and what the writer fills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from types import MappingProxyType

from jobschema.columns import Column, Kind, columns
from jobschema.enums import Platform
from jobschema.rows import Company, Job, PendingCompany
from jobstore.kinds import TIME, clickhouse_codec, clickhouse_type, quote

# How many inserts back a table knows the token of a batch that is sent again.
DEDUPLICATION_WINDOW = 10_000
PENDING_TABLE = "pending_company"


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column of a table: its ClickHouse type, and what the contract says of it."""

    name: str
    type: str
    kind: Kind
    doc: str
    nullable: bool = False
    choices: tuple[str, ...] = ()
    codec: str = ""
    default: str = ""

    @property
    def ddl(self) -> str:
        """The column as it stands in CREATE TABLE and ALTER TABLE."""
        default = f" DEFAULT {self.default}" if self.default else ""
        codec = f" CODEC({self.codec})" if self.codec else ""
        return f"`{self.name}` {self.type}{default}{codec}"


@dataclass(frozen=True, slots=True)
class Table:
    """One table; `order_by` is its sorting key, `doc` what one row of it is."""

    name: str
    engine: str
    order_by: tuple[str, ...]
    columns: tuple[TableColumn, ...]
    doc: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    def create_sql(self) -> str:
        """CREATE TABLE, harmless when the table is there."""
        lines = ",\n  ".join(column.ddl for column in self.columns)
        key = ", ".join(self.order_by)
        window = f"non_replicated_deduplication_window = {DEDUPLICATION_WINDOW}"
        return f"CREATE TABLE IF NOT EXISTS {self.name} (\n  {lines}\n) ENGINE = {self.engine} ORDER BY ({key}) SETTINGS {window}"


@dataclass(frozen=True, slots=True)
class Versions:
    """The version table of one row class on one platform, and the table that records when its versions were seen."""

    platform: str
    row: type
    id_name: str
    table: Table
    sighting: Table


@dataclass(frozen=True, slots=True)
class Schema:
    """Every table of the store, found by row class and platform."""

    versions: Mapping[tuple[type, str], Versions]
    pending_row: type
    pending: Table

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables, each once, in the order they are created."""
        found = {family.table.name: family.table for family in self.versions.values()}
        found |= {family.sighting.name: family.sighting for family in self.versions.values()}
        return (*found.values(), self.pending)


def build_schema(job: type = Job, company: type = Company, pending: type = PendingCompany) -> Schema:
    """The schema of the store for these row classes."""
    versions = {}
    for row, noun in ((job, "job"), (company, "company")):
        sighting = _sighting_table(row, noun)
        for platform in Platform:
            table = _version_table(row, f"{platform}_{noun}", platform)
            versions[row, str(platform)] = Versions(str(platform), row, id_name(row), table, sighting)
    return Schema(MappingProxyType(versions), pending, _pending_table(pending))


def id_name(row: type) -> str:
    """The column that, with the platform, identifies a row: `job_id` or `company_id`."""
    return next(column.name for column in columns(row) if column.key and column.name != "platform")


def table_columns(row: type) -> tuple[TableColumn, ...]:
    """The columns of a row class as ClickHouse columns, in declaration order."""
    defaults = {declared.name: _default_literal(declared.default) for declared in fields(row)}
    return tuple(_table_column(column, defaults[column.name]) for column in columns(row))


def _table_column(column: Column, default: str) -> TableColumn:
    return TableColumn(
        name=column.name,
        type=clickhouse_type(column),
        kind=column.kind,
        doc=column.doc,
        nullable=column.nullable,
        choices=column.choices,
        codec=clickhouse_codec(column),
        default=default,
    )


def _default_literal(value: object) -> str:
    # Only what differs from the type's own empty value, so that a column added to a table with rows means the same in old rows.
    if value is MISSING or value is None or not value:
        return ""
    if isinstance(value, str):
        return quote(str(value))
    return repr(value).lower() if isinstance(value, bool | int | float) else ""


def _version_table(row: type, name: str, platform: Platform) -> Table:
    what = name.partition("_")[2]
    return Table(
        name=name,
        engine="ReplacingMergeTree",
        order_by=(id_name(row), "content_hash"),
        columns=table_columns(row),
        doc=f"versions: one row per {what} of {platform} and content hash",
    )


def _pending_table(row: type) -> Table:
    return Table(
        name=PENDING_TABLE,
        engine="ReplacingMergeTree(seen_at)",
        order_by=("platform", id_name(row)),
        columns=table_columns(row),
        doc="companies seen in postings; `pending_company_open` shows those not fetched yet",
    )


def _sighting_table(row: type, noun: str) -> Table:
    by_name = {column.name: column for column in table_columns(row)}
    key = [by_name["platform"], by_name[id_name(row)], by_name["content_hash"]]
    if "keyword" in by_name:
        key.append(by_name["keyword"])
    return Table(
        name=f"{noun}_sighting",
        engine="AggregatingMergeTree",
        order_by=tuple(column.name for column in key),
        columns=(*key, *_SIGHTING_MEASURES),
        doc=f"when each version of a {noun} was seen{', by keyword' if 'keyword' in by_name else ''}; merged later: ask min, max and sum",
    )


_SIGHTING_MEASURES = (
    TableColumn("first_seen", f"SimpleAggregateFunction(min, {TIME})", Kind.DATETIME, "first time it was seen"),
    TableColumn("last_seen", f"SimpleAggregateFunction(max, {TIME})", Kind.DATETIME, "last time it was seen"),
    TableColumn("times", "SimpleAggregateFunction(sum, UInt64)", Kind.INTEGER, "how many times it was seen"),
)
SCHEMA = build_schema()
