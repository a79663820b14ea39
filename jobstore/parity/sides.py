"""The two sides of a comparison, asked the same questions: where a slice of ids ends, digests by bucket, digests by id, whole rows."""

# ruff: noqa: S608 - the names put into SQL are ours; values travel as parameters
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from jobschema.columns import Column, Kind, columns
from jobschema.enums import Platform
from jobschema.rows import Row
from jobstore.clickhouse import ClickHouseStore
from jobstore.sql.digests import UNSIGNED, bucket_sql, row_digest_sql, scale_of
from jobstore.sql.rows import decode_row, read_moment
from jobstore.sql.sink import SeenRow, SqlSink
from jobstore.sql.tables import CURRENT
from jobstore.tables import id_name

# Not compared: the key, what says how a version came to be (ClickHouse keeps its first fetch, MySQL the last change), and dates from
# before 1900, which ClickHouse does not hold; the text that they were read from is compared.
_NOT_COMPARED = frozenset({"raw", "recruiter", "crawled_at", "keyword", "problems", "founded_on"})
_AT_ONCE = 500  # ids of one query
Slice = tuple[str, str | None]  # ids above the first, up to the second; None: to the end


@dataclass(frozen=True, slots=True)
class Topic:
    """What is compared: one row class on one platform."""

    row: type
    platform: Platform

    @property
    def noun(self) -> str:
        return CURRENT[self.row].name

    @property
    def id_name(self) -> str:
        return id_name(self.row)

    @property
    def compared(self) -> tuple[Column, ...]:
        """The columns that both stores must agree on."""
        return tuple(column for column in columns(self.row) if not column.key and column.name not in _NOT_COMPARED)

    @property
    def digested(self) -> tuple[Column, ...]:
        """What a digest is over: the id too, or two rows that say the same would cancel each other out in a bucket."""
        return (*(column for column in columns(self.row) if column.name == self.id_name), *self.compared)


@dataclass(frozen=True, slots=True)
class Digest:
    """Of a bucket: how many rows, and their digests combined."""

    rows: int
    digest: int


class Side(Protocol):
    """One store."""

    def find_end(self, topic: Topic, low: str, size: int) -> str | None:
        """The id that is `size` rows above `low`; None when there are fewer."""

    def digest_buckets(self, topic: Topic, ids: Slice, buckets: int) -> dict[int, Digest]:
        """The digest of every bucket of a slice that holds rows."""

    def digest_rows(self, topic: Topic, ids: Slice, buckets: int, chosen: Sequence[int]) -> dict[str, int]:
        """Id -> digest of the rows in the chosen buckets of a slice."""

    def read_rows(self, topic: Topic, ids: Sequence[str]) -> dict[str, SeenRow]:
        """Id -> row, of those that are there."""

    def write_rows(self, rows: Sequence[SeenRow], token: str) -> None:
        """Make these what the store says, unless it knows something later."""


class ClickHouseSide:
    """The `_latest` views."""

    def __init__(self, store: ClickHouseStore) -> None:
        self._store = store

    def find_end(self, topic: Topic, low: str, size: int) -> str | None:
        key = topic.id_name
        query = (
            f"SELECT {key} AS id FROM {topic.platform}_{topic.noun} WHERE {key} > {{low:String}} ORDER BY {key} LIMIT 1 OFFSET {size - 1}"
        )
        found = self._store.read(query, {"low": low})
        return found[0]["id"] if found else None

    def digest_buckets(self, topic: Topic, ids: Slice, buckets: int) -> dict[int, Digest]:
        select = f"SELECT {_bucket('id', buckets)} AS bucket, count() AS row_count, groupBitXor(digest) AS xored"
        digests = self._digests_sql(topic, ids, _of_slice(topic, ids))
        found = self._store.read(f"{select} FROM ({digests}) GROUP BY bucket {_SETTINGS}", _parameters(ids))
        return {row["bucket"]: Digest(row["row_count"], row["xored"]) for row in found}

    def digest_rows(self, topic: Topic, ids: Slice, buckets: int, chosen: Sequence[int]) -> dict[str, int]:
        where = f"{_of_slice(topic, ids)} AND {_bucket(topic.id_name, buckets)} IN {{chosen:Array(UInt16)}}"
        digests = self._digests_sql(topic, ids, where)
        found = self._store.read(f"{digests} {_SETTINGS}", {**_parameters(ids), "chosen": list(chosen)})
        return {row["id"]: row["digest"] for row in found}

    def _digests_sql(self, topic: Topic, ids: Slice, where: str) -> str:
        """A query for id and digest. Rows with one version say it themselves; the view, which is costly, is asked for the others."""
        single = _single_sql(topic, where)
        several = _several_sql(topic, _of_slice(topic, ids))
        if not self._store.read(f"{several} LIMIT 1", _parameters(ids)):
            return single  # one that gets a second version this moment is missing here, so it is looked at
        key = topic.id_name
        latest = f"{topic.platform}_{topic.noun}_latest"
        return f"{single} UNION ALL SELECT {key} AS id, {_digest(topic)} AS digest FROM {latest} WHERE {where} AND {key} IN ({several})"

    def read_rows(self, topic: Topic, ids: Sequence[str]) -> dict[str, SeenRow]:
        found = {}
        table, key = f"{topic.platform}_{topic.noun}", topic.id_name
        hidden = [column.name for column in columns(topic.row) if column.name in {"raw", "recruiter"}]
        for few in split(ids):
            parameters = {"ids": few}
            latest = self._store.read(f"SELECT * FROM {table}_latest WHERE {key} IN {{ids:Array(String)}}", parameters)
            picked = ", ".join(f"any(tuple({name})).1 AS {name}_" for name in hidden)
            query = f"SELECT {key}, content_hash, {picked} FROM {table} WHERE {key} IN {{ids:Array(String)}} GROUP BY {key}, content_hash"
            documents = {(row[key], row["content_hash"]): row for row in self._store.read(query, parameters)}
            for row in latest:
                document = documents[row[key], row["content_hash"]]
                found[row[key]] = _seen_row(topic, row | {name: document[f"{name}_"] for name in hidden})
        return found

    def write_rows(self, rows: Sequence[SeenRow], token: str) -> None:
        # As if each had been crawled when it was first and last seen.
        crawled = [_crawled(seen.row, seen.first_seen) for seen in rows if seen.first_seen < seen.last_seen]
        crawled += [_crawled(seen.row, seen.last_seen) for seen in rows]
        self._store.write_rows(crawled, token)


class SqlSide:
    """The `job` and `company` tables."""

    def __init__(self, sink: SqlSink) -> None:
        self._sink = sink

    def find_end(self, topic: Topic, low: str, size: int) -> str | None:
        key = topic.id_name
        query = f"SELECT {key} FROM {topic.noun} WHERE platform = ? AND {key} > ? ORDER BY {key} LIMIT 1 OFFSET {size - 1}"
        found = self._read(query, (str(topic.platform), low))
        return found[0][0] if found else None

    def digest_buckets(self, topic: Topic, ids: Slice, buckets: int) -> dict[int, Digest]:
        is_sqlite = self._sink.database.is_sqlite
        bucket = bucket_sql(topic.id_name, buckets, is_sqlite=is_sqlite)
        digest = row_digest_sql(topic.digested, is_sqlite=is_sqlite)
        where, parameters = _where(topic, ids)
        query = f"SELECT {bucket} AS bucket, COUNT(*), BIT_XOR({digest}) FROM {topic.noun} WHERE {where} GROUP BY bucket"
        return {int(place): Digest(count, int(found) & UNSIGNED) for place, count, found in self._read(query, parameters)}

    def digest_rows(self, topic: Topic, ids: Slice, buckets: int, chosen: Sequence[int]) -> dict[str, int]:
        is_sqlite = self._sink.database.is_sqlite
        digest = row_digest_sql(topic.digested, is_sqlite=is_sqlite)
        where, parameters = _where(topic, ids)
        # Numbers of ours, written out: SQLite takes few parameters.
        where += f" AND {bucket_sql(topic.id_name, buckets, is_sqlite=is_sqlite)} IN ({', '.join(map(str, chosen))})"
        query = f"SELECT {topic.id_name}, {digest} FROM {topic.noun} WHERE {where}"
        return {row_id: int(found) & UNSIGNED for row_id, found in self._read(query, parameters)}

    def read_rows(self, topic: Topic, ids: Sequence[str]) -> dict[str, SeenRow]:
        table, found = CURRENT[topic.row], {}
        names = ", ".join(f"`{column.name}`" for column in table.declared)
        for few in split(ids):
            where = f"platform = ? AND {topic.id_name} IN ({', '.join('?' * len(few))})"
            query = f"SELECT first_seen, last_seen, {names} FROM {topic.noun} WHERE {where}"
            for first, last, *cells in self._read(query, (str(topic.platform), *few)):
                values = decode_row(table, cells)
                seen = {"first_seen": read_moment(first), "last_seen": read_moment(last)}
                found[values[topic.id_name]] = _seen_row(topic, values | seen)
        return found

    def write_rows(self, rows: Sequence[SeenRow], token: str) -> None:  # noqa: ARG002 - a row is its own identity
        self._sink.replace_rows(rows)

    def _read(self, query: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        return self._sink.database.read(lambda transaction: transaction.read(query, parameters))


def find_differences(topic: Topic, one: SeenRow, other: SeenRow) -> list[str]:
    """The columns in which two rows differ, as far as both stores can hold them."""
    return [column.name for column in topic.compared if _plain(column, one.row) != _plain(column, other.row)]


def split(ids: Sequence[str]) -> Iterator[list[str]]:
    """The ids in portions of one query."""
    for first in range(0, len(ids), _AT_ONCE):
        yield list(ids[first : first + _AT_ONCE])


def _crawled(row: Any, at: datetime) -> Row:
    crawled: Row = replace(row, crawled_at=at)
    return crawled


def _plain(column: Column, row: Any) -> object:
    value = getattr(row, column.name)
    if column.kind is Kind.NUMBER and value is not None:
        return round(value * scale_of(column))
    return list(value) if column.kind is Kind.TEXTS else value


def _seen_row(topic: Topic, values: Mapping[str, Any]) -> SeenRow:
    row = topic.row(**{column.name: values[column.name] for column in columns(topic.row)})
    first, last = values["first_seen"], values["last_seen"]
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    return SeenRow(row, first, last)


def _where(topic: Topic, ids: Slice) -> tuple[str, tuple[str, ...]]:
    low, high = ids
    where = f"platform = ? AND {topic.id_name} > ?"
    if high is None:
        return where, (str(topic.platform), low)
    return f"{where} AND {topic.id_name} <= ?", (str(topic.platform), low, high)


def _of_slice(topic: Topic, ids: Slice) -> str:
    upper = "" if ids[1] is None else f" AND {topic.id_name} <= {{high:String}}"
    return f"{topic.id_name} > {{low:String}}{upper}"


def _single_sql(topic: Topic, where: str) -> str:
    key, table = topic.id_name, f"{topic.platform}_{topic.noun}"
    rows = f"SELECT {key}, content_hash, {_digest(topic)} AS row_digest FROM {table} WHERE {where}"
    return f"SELECT {key} AS id, any(row_digest) AS digest FROM ({rows}) GROUP BY {key} HAVING min(content_hash) = max(content_hash)"


def _several_sql(topic: Topic, where: str) -> str:
    key = topic.id_name
    return f"SELECT {key} FROM {topic.platform}_{topic.noun} WHERE {where} GROUP BY {key} HAVING min(content_hash) <> max(content_hash)"


def _parameters(ids: Slice) -> dict[str, str]:
    return {"low": ids[0]} if ids[1] is None else {"low": ids[0], "high": ids[1]}


_SETTINGS = "SETTINGS output_format_json_escape_forward_slashes = 0"


def _bucket(name: str, buckets: int) -> str:
    return f"reinterpretAsUInt16(reverse(substring(MD5({name}), 1, 2))) % {buckets}"


def _digest(topic: Topic) -> str:
    parts = ", char(31), ".join(_canonical(column) for column in topic.digested)
    return f"reinterpretAsUInt64(reverse(substring(MD5(concat({parts})), 1, 8)))"


def _canonical(column: Column) -> str:
    if column.kind is Kind.NUMBER:
        text = f"toString(toInt64(floor({column.name} * {scale_of(column)} + 0.5)))"
    elif column.kind is Kind.TEXTS:
        text = f"toJSONString({column.name})"
    elif column.kind is Kind.BOOLEAN:
        text = f"toString(toUInt8({column.name}))"
    else:
        text = f"toString({column.name})"
    return f"ifNull({text}, char(30))" if column.nullable else text
