"""The way to the database: one engine, short reads, and units of work that commit as a whole or not at all.

Routers open a unit, services work in it and never commit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from sqlalchemy import event, text
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import ORMExecuteState
from sqlmodel import Session, create_engine

from control_api.errors import Unavailable

T = TypeVar("T")
BUSY_MILLISECONDS = 10_000
TRIES = 8
_SQLITE_PRAGMAS = (
    "page_size=8192",  # of a new file: a batch of rows is megabytes, and costs half of what it does in the usual 4096
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    f"busy_timeout={BUSY_MILLISECONDS}",
)
_LOCK_ERRORS = frozenset({1205, 1213, 1020})  # InnoDB: lock wait timeout, deadlock, record changed since last read
_GONE_ERRORS = frozenset({2002, 2003, 2006, 2013})
ACCESS_CHANGED = "access_changed"  # session.info key: set by services that change rights, sessions or credentials
APPEND_ONLY = "append_only"  # table.info key: rows are added, never changed or removed


class Database:
    """The engine and the two ways to use it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.access_listeners: list[Callable[[], None]] = []  # called after a commit that changed who may do what
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._writer = engine.execution_options(sqlite_begin="IMMEDIATE") if self._is_sqlite else engine
        # SQLite has one writer at a time and lets the others look again after a sleep: a queue of our own wakes the next at once.
        self._turn = threading.Lock()

    def read(self) -> AbstractContextManager[Session]:
        """A session to read with; nothing it changes is kept."""
        return self._open(self.engine, keep=False)

    def write(self) -> AbstractContextManager[Session]:
        """A unit of work: committed at the end of the block, rolled back when the block raises. Raises Unavailable while others write."""
        return self._take_turn() if self._is_sqlite else self._open(self._writer, keep=True)

    @contextmanager
    def _take_turn(self) -> Iterator[Session]:
        if not self._turn.acquire(timeout=BUSY_MILLISECONDS / 1000):
            raise Unavailable(f"Others wrote to the database for {BUSY_MILLISECONDS // 1000} seconds; nothing was changed.", retry_after=2)
        try:
            with self._open(self._writer, keep=True) as unit:
                yield unit
        finally:
            self._turn.release()

    def retry(self, work: Callable[[Session], T]) -> T:
        """`work` in a unit of work, again when the database says that it collided with another. Raises Unavailable after TRIES."""
        for attempt in range(TRIES):
            try:
                with self.write() as unit:
                    return work(unit)
            except DBAPIError as error:
                if not is_collision(error):
                    raise
                time.sleep(0.005 * 2**attempt)
        raise Unavailable(f"The database was busy {TRIES} times in a row; nothing was changed.", retry_after=2)

    @contextmanager
    def _open(self, engine: Engine, *, keep: bool) -> Iterator[Session]:
        with Session(engine, expire_on_commit=False, autoflush=keep) as session:
            yield session
            if keep:
                session.commit()
                if session.info.pop(ACCESS_CHANGED, False):
                    for forget in self.access_listeners:
                        forget()

    def ping(self) -> None:
        """Raise when the database does not answer."""
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


def open_database(dsn: str, pool_size: int = 40) -> Database:
    """The database at SQLAlchemy's address `dsn`; nothing is connected yet. `pool_size` is the connections of one process."""
    url = make_url(dsn)
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"check_same_thread": False}, pool_size=pool_size, max_overflow=8)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=8,
            pool_pre_ping=True,
            pool_recycle=1800,
            isolation_level="READ COMMITTED",
            connect_args={"charset": "utf8mb4", "init_command": "SET time_zone = '+00:00'"},
        )
    return Database(engine)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: `_begin_sqlite` does
    cursor = connection.cursor()
    for pragma in _SQLITE_PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once: a lock taken half-way would fail instead of wait.
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('sqlite_begin', 'DEFERRED')}")


def is_collision(error: DBAPIError) -> bool:
    """Whether the database refused because of another transaction, so that the same work may pass the next time."""
    code = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return code in _LOCK_ERRORS or (isinstance(error, OperationalError) and "database is locked" in str(error.orig))


def is_absence(error: DBAPIError) -> bool:
    """Whether nobody answers at the database's address."""
    code = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return code in _GONE_ERRORS or error.connection_invalidated


@event.listens_for(Session, "do_orm_execute")
def _keep_append_only(state: ORMExecuteState) -> None:
    if not (state.is_update or state.is_delete):
        return
    table = getattr(state.statement, "table", None)
    if table is not None and table.info.get(APPEND_ONLY):
        raise PermissionError(f"rows of {table.name} are never changed or removed")


@event.listens_for(Session, "before_flush")
def _keep_append_only_objects(session: Session, _context: object, _instances: object) -> None:
    for row in (*session.dirty, *session.deleted):
        if row.__table__.info.get(APPEND_ONLY) and (row in session.deleted or session.is_modified(row)):
            raise PermissionError(f"rows of {row.__table__.name} are never changed or removed")
