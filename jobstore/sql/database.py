"""The way to MySQL or SQLite: one engine, transactions that are repeated as a whole, errors in the storehouse's own words."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from pymysql.constants import FIELD_TYPE
from pymysql.converters import conversions
from pymysql.cursors import Cursor
from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError

from jobstore.sql.digests import register_digests
from jobstore.sql.faults import Fault, find_fault, translate

Answer = TypeVar("Answer")
TRIES = 8  # of one transaction that collides with others
BUSY_SECONDS = 10  # how long a statement waits for a lock
STATEMENT_BYTES = 4 * 1024 * 1024  # of one multi-row statement; at most a quarter of the server's max_allowed_packet
_ANY_SIZE = 1 << 30
_MODE = "STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
# Times stay text, as they came over the wire and as SQLite has them: parsing four of them a row would cost more than the query.
_AS_SENT = {FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP, FIELD_TYPE.DATE}


class Transaction:
    """An open transaction: Core statements through `connection`, bulk statements through `read` and `write`."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def read(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement written with `?` for every parameter."""
        return self.connection.exec_driver_sql(self._spell(statement), tuple(parameters)).fetchall()  # type: ignore[return-value]

    def write(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement written with `?` for all rows, in as few round trips as the limits allow."""
        if rows:
            self.connection.exec_driver_sql(self._spell(statement), [tuple(row) for row in rows])

    def _spell(self, statement: str) -> str:
        return statement if self.connection.dialect.paramstyle == "qmark" else statement.replace("?", "%s")


class SqlDatabase:
    """One database. Thread-safe; a forked child gets connections of its own."""

    def __init__(self, url: URL, *, pool_size: int = 5, sleep: Callable[[float], None] = time.sleep) -> None:
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.engine = _make_engine(url, pool_size)
        self._writer = self.engine.execution_options(sqlite_begin="IMMEDIATE")
        self._sleep = sleep
        self._pid = os.getpid()
        self._packet: int | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<SqlDatabase {self.url}>"

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()

    @property
    def packet(self) -> int:
        """Bytes that one statement may hold; asked of the server once. Raises a StoreError when it does not answer."""
        with self._lock:
            if self._packet is None:
                self._packet = _ANY_SIZE if self.is_sqlite else self.read(_ask_packet)
            return self._packet

    def read(self, work: Callable[[Transaction], Answer]) -> Answer:
        """`work` that only reads; it sees one moment of the database and blocks no writer. Raises like `write`."""
        return self._run(self.engine, work, keep=False)

    def attempt(self, work: Callable[[Transaction], Answer]) -> Answer:
        """`work` as `write` does it, but nothing of it is kept. Raises like `write`."""
        return self._run(self._writer, work, keep=False)

    def write(self, work: Callable[[Transaction], Answer]) -> Answer:
        """`work` in a transaction, committed when it returns, and again as a whole when it collided with another.

        Raises StoreBusyError after TRIES collisions, StoreUnavailableError when a new connection is refused too, and what `translate` says.
        A refused row comes out as the driver's DBAPIError: the caller knows the rows.
        """
        return self._run(self._writer, work, keep=True)

    def _run(self, engine: Engine, work: Callable[[Transaction], Answer], *, keep: bool) -> Answer:
        was_gone = False
        for attempt in range(1, TRIES + 1):
            try:
                with self._begin(engine, keep) as transaction:
                    return work(transaction)
            except DBAPIError as error:
                fault = find_fault(error)
                if fault is Fault.ROW:
                    raise
                is_first_loss = fault is Fault.GONE and not was_gone
                if attempt == TRIES or not (fault is Fault.COLLISION or is_first_loss):
                    raise translate(error, self.url) from None
                was_gone = was_gone or is_first_loss
            if not was_gone:
                self._sleep(random.uniform(0.5, 1) * 0.01 * 2**attempt)  # noqa: S311 - spreads the retries, keeps no secret
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def _begin(self, engine: Engine, keep: bool) -> Iterator[Transaction]:
        if self._pid != os.getpid():
            self.engine.dispose(close=False)
            self._pid = os.getpid()
        with engine.connect() as connection, connection.begin() as transaction:
            yield Transaction(connection)
            if not keep:
                transaction.rollback()


def _ask_packet(transaction: Transaction) -> int:
    return int(transaction.read("SELECT @@max_allowed_packet")[0][0])


def _prepare_server(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@max_allowed_packet")
        packet = int(cursor.fetchone()[0])
    # Multi-row statements longer than the driver's 1 MB, where the server takes them: fewer round trips.
    connection.cursorclass = type("BulkCursor", (Cursor,), {"max_stmt_length": min(STATEMENT_BYTES, packet // 4)})


def _make_engine(url: URL, pool_size: int) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS}, pool_size=pool_size)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = create_engine(
        url,
        pool_size=pool_size,
        pool_recycle=1800,
        isolation_level="READ COMMITTED",  # no gap locks: two writers of new rows never wait for each other's absence
        connect_args={
            "charset": "utf8mb4",
            "sql_mode": _MODE,
            "init_command": f"SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = {BUSY_SECONDS}",
            "conv": {code: convert for code, convert in conversions.items() if code not in _AS_SENT},
            "connect_timeout": 10,
            "read_timeout": 120,
            "write_timeout": 120,
        },
    )
    event.listen(engine, "connect", _prepare_server)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: `_begin_sqlite` does
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    register_digests(connection)


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once: one taken half-way would fail instead of wait.
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('sqlite_begin', 'DEFERRED')}")
