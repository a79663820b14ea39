"""The stores of rows, as one process of the control plane has them: opened when first needed, by the code that the pipelines use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from control_api.errors import Unavailable
from jobstore.batch import Sink
from jobstore.clickhouse import ClickHouseStore
from jobstore.errors import StoreError
from jobstore.lifecycle import PASSES_TO_DELIST
from jobstore.lifecycle_book import LifecycleBook
from jobstore.sql import SqlDatabase, SqlSink, parse_address
from jobstore.sql.revisions import upgrade

NO_STORE = "none"


def open_sql_sink(dsn: str) -> SqlSink:
    """The store of current rows; its tables are made when it is a file, which nobody else would make. Raises StoreError."""
    address = parse_address(dsn)
    if address.get_backend_name() == "sqlite":
        database = SqlDatabase(address)
        try:
            upgrade(database)
        finally:
            database.close()
    return SqlSink.open(dsn)


@dataclass(frozen=True, slots=True)
class StoreOpeners:
    """How stores are opened from their addresses; tests give others."""

    clickhouse: Callable[[str], ClickHouseStore] = ClickHouseStore.open
    sql: Callable[[str], SqlSink] = open_sql_sink
    book: Callable[[str, int], LifecycleBook] = LifecycleBook.open


class RowStore:
    """ClickHouse for every version of a row, and beside it, where `sql_dsn` names one, MySQL or SQLite for what is true now.

    `dsn` none: no rows are kept, and everything that needs them answers 503.
    """

    def __init__(
        self, dsn: str, sql_dsn: str = NO_STORE, openers: StoreOpeners | None = None, *, passes_to_delist: int = PASSES_TO_DELIST
    ) -> None:
        self.dsn = dsn
        self.sql_dsn = sql_dsn
        self._openers = openers or StoreOpeners()
        self._lock = threading.Lock()
        self._store: ClickHouseStore | None = None
        self._sql_sink: SqlSink | None = None
        self._passes_to_delist = passes_to_delist
        self._book: LifecycleBook | None = None
        self.fault = ""  # why the last attempt to open or write failed; empty when it did not

    @property
    def is_configured(self) -> bool:
        """Whether rows are kept at all."""
        return self.dsn != NO_STORE

    def get(self) -> ClickHouseStore:
        """The open store with its schema, to ask questions of. Raises StoreError; Unavailable when there is none."""
        if not self.is_configured:
            raise Unavailable("This control plane keeps no rows: CONTROL_CLICKHOUSE_DSN is none.", retry_after=3600)
        with self._lock:
            if self._store is None:
                self._store = self._open()
            return self._store

    def _open(self) -> ClickHouseStore:
        store = self._openers.clickhouse(self.dsn)
        try:
            store.ensure_schema()
        except StoreError:
            store.close()
            raise
        return store

    def sinks(self) -> Sequence[Sink]:
        """Every place that rows go to. Raises StoreError, Unavailable."""
        store = self.get()
        if self.sql_dsn == NO_STORE:
            return (store,)
        with self._lock:
            if self._sql_sink is None:
                self._sql_sink = self._openers.sql(self.sql_dsn)
            return store, self._sql_sink

    def book(self) -> LifecycleBook | None:
        """Where passes over keywords are noted; None: no current rows are kept. Raises StoreError, Unavailable."""
        self.sinks()  # which make the tables
        if self.sql_dsn == NO_STORE:
            return None
        with self._lock:
            if self._book is None:
                self._book = self._openers.book(self.sql_dsn, self._passes_to_delist)
            return self._book

    def probe(self) -> None:
        """Raise Unavailable while the stores do not take rows."""
        if self.is_configured and self.fault:
            raise Unavailable(f"The store of rows: {self.fault}")

    def close(self) -> None:
        """Let go of the stores."""
        with self._lock:
            if self._store is not None:
                self._store.close()
            if self._sql_sink is not None:
                self._sql_sink.close()
            if self._book is not None:
                self._book.close()
            self._store = self._sql_sink = self._book = None
