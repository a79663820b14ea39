"""What every table shares: names of constraints, key type, UTC moments to the microsecond, JSON kept as text."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, MetaData, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import registry
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import SQLModel

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
# utf8mb4_bin: `Java` and `java` are two texts on both databases, not one on MySQL and two on SQLite.
TABLE: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
TABLE |= {key.replace("mysql_", "mariadb_"): value for key, value in TABLE.items()}

BigKey = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only in an INTEGER key
_MOMENT = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")

METADATA = MetaData(naming_convention=NAMES)
_REGISTRY = registry(metadata=METADATA)  # our own: other users of SQLModel in the process keep theirs


class Moment(TypeDecorator[datetime]):
    """A moment, kept in UTC with microseconds; naive values are refused."""

    impl = _MOMENT
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone; use datetime.now(UTC)")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.replace(tzinfo=UTC)


class JsonText(TypeDecorator[Any]):
    """A small JSON document kept as text, so that both databases keep it alike."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else json.loads(value)


class LongJsonText(JsonText):
    """The same for a document that may be larger than 64 KB, MySQL's plain text."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        is_mysql = dialect.name in {"mysql", "mariadb"}
        return dialect.type_descriptor(mysql.MEDIUMTEXT() if is_mysql else Text())


class Row(SQLModel, registry=_REGISTRY):
    """Base of all tables. `secret_fields` never leave the process by an audit row or an answer."""

    metadata = METADATA
    secret_fields: ClassVar[frozenset[str]] = frozenset()


def now_utc() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)
