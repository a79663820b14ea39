"""What each logical column of the contract is in MySQL and SQLite: the one map from `Kind` to a column type."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, DateTime, Dialect, Double, String, Text, TextClause, text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator, TypeEngine

from jobschema.columns import Column, Kind

# Ids, hashes and closed sets compare byte by byte; what people search ignores case, and tells emoji apart, which utf8mb4_unicode_ci
# does not. Both names exist on MariaDB and MySQL 8.
EXACT = "utf8mb4_bin"
FREE = "utf8mb4_unicode_520_ci"
TABLE: dict[str, Any] = {
    f"{server}_{option}": value
    for server in ("mysql", "mariadb")
    for option, value in {"engine": "InnoDB", "charset": "utf8mb4", "collate": FREE, "row_format": "DYNAMIC"}.items()
}
_ENUM_LENGTH = 32
_EMPTY = {Kind.TEXT: "''", Kind.LONG_TEXT: "('')", Kind.JSON: "('')", Kind.TEXTS: "('[]')", Kind.ENUM: "''"}


class Moment(TypeDecorator[datetime]):
    """A moment, kept in UTC with microseconds; naive values are refused."""

    impl = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone; use datetime.now(UTC)")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        # Our MySQL connections hand out times as they came over the wire (jobstore.sql.database).
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return None if moment is None else moment.replace(tzinfo=UTC)


def exact_text(length: int) -> TypeEngine[str]:
    """A short text that compares byte by byte."""
    return String(length).with_variant(mysql.VARCHAR(length, collation=EXACT), "mysql", "mariadb")


def free_text(length: int) -> TypeEngine[str]:
    """A short text that compares as people do."""
    return String(length).with_variant(mysql.VARCHAR(length, collation=FREE), "mysql", "mariadb")


def long_text() -> TypeEngine[str]:
    """A text without a limit of its own."""
    return Text().with_variant(mysql.LONGTEXT(collation=FREE), "mysql", "mariadb")


def sql_type(column: Column) -> TypeEngine[Any]:
    """The SQLAlchemy type of a column. Documents and lists are text: MySQL's JSON would rewrite what a platform sent."""
    if column.kind is Kind.ENUM:
        return exact_text(_ENUM_LENGTH)
    if column.kind is Kind.TEXT:
        is_exact = column.key or column.name.endswith(("_id", "_code", "_hash"))
        return exact_text(column.length) if is_exact else free_text(column.length)
    made: TypeEngine[Any] = _TYPES[column.kind]()
    return made


def server_default(column: Column, default: object) -> TextClause | None:
    """What a column of an old row holds when the contract adds it later; None for keys and nullable columns."""
    if column.nullable or column.key:
        return None
    if isinstance(default, bool | int | float):
        return text(repr(float(default)) if column.kind is Kind.NUMBER else str(int(default)))
    if column.kind is Kind.DATETIME:
        return text("'1970-01-01 00:00:00.000000'")
    return text(_EMPTY[column.kind])


_TYPES: dict[Kind, Any] = {
    Kind.LONG_TEXT: long_text,
    Kind.JSON: long_text,
    Kind.TEXTS: long_text,
    Kind.INTEGER: BigInteger,
    Kind.NUMBER: Double,
    Kind.BOOLEAN: Boolean,
    Kind.DATE: Date,
    Kind.DATETIME: Moment,
}
