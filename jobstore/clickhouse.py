"""The ClickHouse store: takes closed batches of rows from the batchers and keeps each posting, company and sighting once."""

# ruff: noqa: S608 - the names put into SQL are ours; values travel as parameters
from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import orjson

from jobschema.rows import Row
from jobstore.batch import RowBatch
from jobstore.blocks import Block, BlockMaker, mend
from jobstore.connection import Connection, Parameters
from jobstore.dsn import StoreDsn, parse_dsn
from jobstore.errors import SchemaMismatchError, StoreClosedError, StoreError
from jobstore.folder import FolderClaim
from jobstore.keylock import KeyLock
from jobstore.known import FILTER_CAPACITY, KnownVersions
from jobstore.migrations import ensure_schema
from jobstore.sightings import SightingCount, VersionKey
from jobstore.tables import SCHEMA, Schema, Table, Versions

logger = logging.getLogger(__name__)
_SIGHTED = ("content_hash", "keyword", "crawled_at")  # what is noted of every row, stored before or not
# One JSON text as the parameter: the driver quotes an array of a thousand ids value by value, which costs more than the query.
_IDS = "JSONExtract({ids:String}, 'Array(String)')"
SETTLE_SECONDS = 1.0
KNOWN_VERSIONS = 100_000  # remembered for each table; about 24 MB when full


def _as_json(ids: Iterable[str]) -> str:
    return orjson.dumps(list(ids)).decode()


@dataclass(frozen=True, slots=True)
class _Group:
    """The rows of one batch that belong to one version table: all that `batch` has of their class."""

    family: Versions
    batch: RowBatch
    keys: list[VersionKey]

    def column(self, name: str) -> tuple[Any, ...]:
        """The values of an attribute of all its rows."""
        return self.batch.column(self.family.row, name)


@dataclass(frozen=True, slots=True)
class _News:
    """The versions of a group that are not stored yet: their keys, and the block of their rows."""

    keys: list[VersionKey]
    block: Block | None


class ClickHouseStore:
    """A ClickHouse database as a sink and a source of queries. Thread-safe; every write is whole and may be repeated.

    Open with `ClickHouseStore.open(dsn)`. All spiders of a process share one store of a chDB folder: opening the folder again
    answers the same store, and it closes when as many `close()` as `open()` were called.
    """

    name = "clickhouse"
    _shared: ClassVar[dict[Path, ClickHouseStore]] = {}
    _sharing: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, connection: Connection, schema: Schema, claim: FolderClaim | None = None) -> None:
        self._connection = connection
        self._schema = schema
        self._claim = claim
        self._users = 1
        self._keys = KeyLock()  # of the versions that are being written
        self._recalling = threading.Lock()  # guards `_known`
        self._is_ensured = False
        self._makers = {table.name: BlockMaker(table) for table in schema.tables}
        self._known: dict[str, KnownVersions] = {}

    @classmethod
    def open(cls, dsn: str, *, schema: Schema = SCHEMA) -> ClickHouseStore:
        """Open a store; `dsn` as in `jobstore.dsn`.

        Raises DsnInvalidError, FolderInUseError, OtherFolderOpenError, FolderUnusableError, AccessRefusedError, StoreUnavailableError.

        Never open before a fork: the engine of the child would hang (it raises StoreForkedError instead).
        """
        where = parse_dsn(dsn)
        if where.folder is None:
            return cls(Connection(where), schema)
        with cls._sharing:
            return cls._open_folder(where, where.folder, schema)

    @classmethod
    def _open_folder(cls, dsn: StoreDsn, folder: Path, schema: Schema) -> ClickHouseStore:
        shared = cls._shared.get(folder)
        if shared is not None and shared.is_usable:
            if shared._schema is not schema:
                raise SchemaMismatchError(f"The store {dsn} is open in this process with another schema. Close it first.")
            shared._users += 1
            return shared
        claim = FolderClaim.take(folder)
        try:
            store = cls(Connection(dsn), schema, claim)
        except BaseException:
            claim.release()
            raise
        cls._shared[folder] = store
        return store

    def __repr__(self) -> str:
        return f"<ClickHouseStore {self._connection.dsn}>"

    @property
    def is_usable(self) -> bool:
        """Whether this process opened it: the engine of a forked child would hang."""
        return self._claim is None or self._claim.pid == os.getpid()

    @property
    def dsn(self) -> StoreDsn:
        """Where the store is; its `str()` hides the password."""
        return self._connection.dsn

    def close(self) -> None:
        """Let go of the store; the last user closes it and frees its folder."""
        if not self.is_usable:
            return
        with ClickHouseStore._sharing:
            self._users -= 1
            if self._users != 0:
                return
            with self._keys.hold_all():
                self._connection.close()
            if self._claim is not None:
                ClickHouseStore._shared.pop(self._claim.path, None)
                self._claim.release()

    def forget_known(self) -> None:
        """Ask the database again which versions are stored: for after rows were deleted behind the store's back."""
        with self._keys.hold_all():
            self._known.clear()

    def ensure_schema(self) -> list[str]:
        """Create and change what this release needs and the database lacks; the changes made. Cheap when called again."""
        if self._is_ensured:
            return []
        with self._keys.hold_all():
            made = ensure_schema(self._connection, self._schema)
            self._is_ensured = True
            return made

    def read(self, query: str, parameters: Parameters | None = None) -> list[dict[str, Any]]:
        """The rows of a query with `{name:Type}` parameters, each as column name -> value; times are aware and in UTC."""
        return self._connection.read(query, parameters)

    def stream(self, query: str, parameters: Parameters | None = None, *, form: str) -> Iterator[bytes]:
        """The answer to a query in one of the engine's output formats, in pieces; a chDB folder makes it in memory first."""
        return self._connection.stream(query, parameters, form)

    def write_rows(self, rows: Sequence[Row], token: str) -> Mapping[str, int]:
        """Store rows; the same `token` again stores nothing twice, and must come with the same rows.

        Answers counts: `versions` (new ones stored), `unchanged` (rows whose version was there, or twice in the batch),
        `sightings` (versions seen), `pending` (companies noted), `rows`. Raises RowRefusedError with nothing of the batch stored,
        a TransientStoreError when the same call may succeed later, another TerminalStoreError when it will not.
        """
        if not self._is_ensured:
            raise StoreClosedError(
                f"The store {self.dsn} is written before its schema was ensured. Call ensure_schema() once after open()."
            )
        groups, pending = self._prepare(rows)
        with self._keys.hold([key for group in groups for key in group.keys]):
            counts = Counter(rows=len(rows), versions=0, unchanged=0, sightings=0, pending=0)
            found = [(group, self._find_news(group)) for group in groups]
            for group, news in found:
                self._write_versions(group.family, news, token)
                counts.update(versions=len(news.keys), unchanged=len(group.keys) - len(news.keys))
            counts.update(sightings=self._write_sightings(groups, token), pending=self._write_pending(pending, token))
        return counts

    def _prepare(self, rows: Sequence[Row]) -> tuple[list[_Group], Block | None]:
        """Sort rows by table; a row that cannot even be told apart or counted as seen is refused."""
        sorted_rows: dict[tuple[type, str], list[Any]] = {}
        for row in rows:
            sorted_rows.setdefault((type(row), row.platform), []).append(row)
        pending = [row for (kind, _), group in sorted_rows.items() if kind is self._schema.pending_row for row in group]
        whole = rows if isinstance(rows, RowBatch) else RowBatch(rows)
        groups = [self._make_group(*key, group, whole) for key, group in sorted_rows.items() if key[0] is not self._schema.pending_row]
        return groups, self._make_pending(pending)

    def _make_group(self, row: type, platform: str, rows: list[Any], whole: RowBatch) -> _Group:
        family = self._schema.versions.get((row, platform))
        if family is None:
            raise SchemaMismatchError(
                f"No table for a {row.__name__} of platform {platform!r}. The store keeps {', '.join(sorted(self._makers))}."
            )
        batch = whole if len(rows) == len(whole.kinds[row]) else RowBatch(rows)  # rarely rows of one class are of two platforms
        self._makers[family.table.name].check(batch, row, {family.id_name, *_SIGHTED})
        keys = zip(map(mend, batch.column(row, family.id_name)), batch.column(row, "content_hash"), strict=True)
        return _Group(family, batch, list(keys))

    def _find_news(self, group: _Group) -> _News:
        """What is to be inserted, encoded: a row that its table cannot hold is refused before anything of the batch is written."""
        known = self._recall(group.family)
        places = {key: place for place, key in reversed(list(enumerate(group.keys)))}
        unknown = known.find_unknown(places)
        stored = self._find_stored(group.family, known.find_possible(unknown))
        known.remember(stored)
        fresh = group.keys  # in a first crawl everything is new
        if len(unknown) < len(fresh) or stored:
            fresh = sorted((key for key in unknown if key not in stored), key=places.__getitem__)
        if not fresh:
            return _News([], None)
        chosen = None if len(fresh) == len(group.keys) else [places[key] for key in fresh]
        return _News(fresh, self._makers[group.family.table.name].make(group.batch, group.family.row, chosen))

    def _write_versions(self, family: Versions, news: _News, token: str) -> None:
        if news.block is None:
            return
        known = self._recall(family)
        try:
            self._insert(family.table, news.block, token, lambda: self._find_stored(family, news.keys).issuperset(news.keys))
        except StoreError:
            known.doubt(news.keys)
            raise
        known.remember(news.keys)

    def _insert(self, table: Table, block: Block, token: str, is_there: Callable[[], bool]) -> None:
        """Insert a block once, however often it is sent with its token.

        An engine that dies in the middle of an insert may have noted the token and not the rows: it would drop them for ever.
        """
        for attempt in count():
            name = f"{token}:{table.name}" + (f":{attempt}" if attempt else "")
            if not self._connection.insert(table, block, name) or is_there():
                return
            time.sleep(SETTLE_SECONDS)  # rows that another connection is just inserting show a moment later
            if is_there():
                return
            logger.warning("%s knows the token %s and lacks its rows: they are inserted under another", table.name, name)

    def _recall(self, family: Versions) -> KnownVersions:
        """What is known of a table. A folder has no other writer: read once, it need not be asked again whether it has what it lacks."""
        name = family.table.name
        with self._recalling:
            known = self._known.get(name)
            if known is None:
                known = self._known[name] = self._read_versions(family) if self._claim else KnownVersions(KNOWN_VERSIONS)
            return known

    def _read_versions(self, family: Versions) -> KnownVersions:
        stored_count = self._count(family.table.name)
        if stored_count > FILTER_CAPACITY:
            return KnownVersions(KNOWN_VERSIONS)
        known = KnownVersions(KNOWN_VERSIONS, is_complete=True)
        parts = stored_count // KNOWN_VERSIONS + 1  # so that never more of them are in memory than may be remembered
        part_of = f"cityHash64({family.id_name}) % {parts}"
        query = f"SELECT {family.id_name}, content_hash FROM {family.table.name} WHERE {part_of} = {{part:Int64}}"
        for part in range(parts):
            stored = self._connection.read_tuples(query, {"part": part})
            known.remember([(stored_id, content_hash) for stored_id, content_hash in stored])
        return known

    def _count(self, name: str) -> int:
        return int(self._connection.read_tuples(f"SELECT count() FROM {name}")[0][0])

    def _find_stored(self, family: Versions, keys: list[VersionKey]) -> set[VersionKey]:
        if not keys:
            return set()
        query = f"SELECT {family.id_name}, content_hash FROM {family.table.name} WHERE {family.id_name} IN {_IDS}"
        found = self._connection.read_tuples(query, {"ids": _as_json(key[0] for key in keys)})
        return {(found_id, content_hash) for found_id, content_hash in found}

    def _write_sightings(self, groups: Iterable[_Group], token: str) -> int:
        counts: dict[str, SightingCount] = {}
        for group in groups:
            table = group.family.sighting
            seen = counts.setdefault(table.name, SightingCount(table))
            keywords = group.column("keyword") if "keyword" in table.names else None
            seen.add(group.family.platform, group.keys, keywords, group.column("crawled_at"))
        for seen in counts.values():
            self._insert(seen.table, seen.make_block(), token, partial(self._has_sightings, seen))
        return sum(map(len, counts.values()))

    def _has_sightings(self, seen: SightingCount) -> bool:
        """Whether everything that was counted is stored, or was seen later still."""
        names = seen.key_names
        query = f"SELECT {', '.join(names)}, max(last_seen) FROM {seen.table.name} WHERE {names[1]} IN {_IDS} GROUP BY {', '.join(names)}"
        found = {tuple(key): at for *key, at in self._connection.read_tuples(query, {"ids": _as_json(key[1] for key in seen.last)})}
        return all(key in found and found[key] >= at for key, at in seen.last.items())

    def _make_pending(self, rows: list[Any]) -> Block | None:
        """One row per company: the one seen last."""
        if not rows:
            return None
        block = self._makers[self._schema.pending.name].make(RowBatch(rows), self._schema.pending_row)
        places = sorted(range(len(rows)), key=lambda place: rows[place].seen_at)
        newest = {(rows[place].platform, rows[place].company_id): place for place in places}
        return block.take(list(newest.values()))

    def _write_pending(self, block: Block | None, token: str) -> int:
        if block is None:
            return 0
        table = self._schema.pending
        self._insert(table, block, token, partial(self._has_pending, block))
        return len(block.columns[0])

    def _has_pending(self, block: Block) -> bool:
        """Whether every company of the block is stored as seen then, or later still."""
        table = self._schema.pending
        by_name = dict(zip(table.names, block.columns, strict=True))
        ids = [value.decode() for value in by_name["company_id"]]
        query = (
            f"SELECT toInt8(platform) AS number, company_id, toUnixTimestamp64Micro(max(seen_at)) FROM {table.name} "
            f"WHERE company_id IN {_IDS} GROUP BY number, company_id"
        )
        found = {(number, found_id): at for number, found_id, at in self._connection.read_tuples(query, {"ids": _as_json(ids)})}
        keys = zip(by_name["platform"], ids, strict=True)
        return all(key in found and found[key] >= at for key, at in zip(keys, by_name["seen_at"], strict=True))
