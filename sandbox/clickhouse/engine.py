"""The chDB engine of this process and its connections: one for each statement that runs, one for each session.

chDB serves one folder per process and has no settings of a single query: settings are set on a connection before a statement,
and only where they differ from what that connection has.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chdb import ChdbError
from chdb.state.sqlitelike import Connection

from sandbox.clickhouse.asks import Ask
from sandbox.clickhouse.errors import READONLY, SESSION_IS_LOCKED, SESSION_NOT_FOUND, EngineRefusedError
from sandbox.clickhouse.statements import Statement, read_statement

_NO_PROGRESS = "progress=off"
Settings = dict[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the engine answered; `format` is "" for a statement without a result."""

    body: bytes
    format: str
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    seconds: float = 0.0


class Desk:
    """One connection to the engine and what is set on it. Used by one thread at a time."""

    def __init__(self, address: str) -> None:
        self._connection = Connection(address)
        self._settings: Settings = {}
        self._database = "default"
        self.is_marked = False  # a client left something of its own on it

    def run(self, statement: Statement, ask: Ask) -> Answer:
        """Run a statement under the request's database and settings. Raises EngineRefusedError."""
        started = time.monotonic()
        try:
            self._prepare(self._choose_database(ask), dict(ask.settings))
            self.is_marked |= statement.is_lasting
            if statement.word == "INSERT" and statement.data is not None:
                return self._insert(statement, statement.data, started)
            return self._query(statement, ask, started)
        except (RuntimeError, ChdbError) as error:
            raise EngineRefusedError(str(error)) from error

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def _choose_database(self, ask: Ask) -> str:
        # A session stays where it is; a request of its own begins at the beginning, whoever had the connection before.
        return ask.database or (self._database if ask.session else "default")

    def _prepare(self, database: str, wanted: Settings) -> None:
        if database != self._database:
            self._connection.query(f"USE `{database.replace('`', '``')}`")
            self._database = database
        changes = {name: _quote(value) for name, value in wanted.items() if self._settings.get(name) != value}
        changes |= dict.fromkeys(self._settings.keys() - wanted.keys(), "DEFAULT")
        if changes:
            self._connection.query("SET " + ", ".join(f"{_checked(name)} = {value}" for name, value in changes.items()))
            self._settings = wanted

    def _insert(self, statement: Statement, data: bytes, started: float) -> Answer:
        if not data:
            return Answer(b"", "", seconds=time.monotonic() - started)
        inserter: Any = self._connection.send_insert(statement.text, statement.format)
        try:
            inserter.append(data)
            done = inserter.finish()
        finally:
            inserter.cancel()  # harmless after finish; without it the connection would refuse everything else
        return Answer(b"", "", written_rows=done.rows_written, written_bytes=done.bytes_written, seconds=time.monotonic() - started)

    def _query(self, statement: Statement, ask: Ask, started: float) -> Answer:
        form = statement.format or ask.format
        found = self._connection.query(statement.text, form, params=dict(ask.parameters))
        counts = {"read_rows": found.storage_rows_read(), "read_bytes": found.storage_bytes_read()}
        counts |= {"written_rows": found.rows_written(), "written_bytes": found.bytes_written()}
        body = found.bytes() or b""
        return Answer(body, form if statement.has_result else "", **counts, seconds=time.monotonic() - started)


@dataclass(slots=True)
class _Session:
    desk: Desk
    lock: threading.Lock
    ends_at: float = 0.0


class Engine:
    """The folder, opened. Thread-safe: as many statements run at once as threads call `answer`."""

    def __init__(self, folder: Path) -> None:
        """Open it. Raises RuntimeError when another process has the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self._address = f"{folder.resolve()}?{_NO_PROGRESS}"
        self._lock = threading.Lock()
        self._free: list[Desk] = [Desk(self._address)]
        self._sessions: dict[str, _Session] = {}
        self.timezone, self.version = self._ask_engine()

    def _ask_engine(self) -> tuple[str, str]:
        found = self.answer(Ask(b"SELECT serverTimezone(), version()"), may_write=False)
        timezone, version = found.body.decode().split()
        return timezone, version

    def answer(self, ask: Ask, *, may_write: bool) -> Answer:
        """Run what is asked. Raises EngineRefusedError."""
        statement = read_statement(ask.raw)
        if not may_write and not statement.reads_only:
            text = "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. You should use method POST"
            raise EngineRefusedError(f"{text} for modifying queries. (READONLY)", READONLY)
        with self._borrow_session(ask) if ask.session else self._borrow() as desk:
            return desk.run(statement, ask)

    def close(self) -> None:
        """Close every connection; the engine goes with the last one."""
        with self._lock:
            desks = [*self._free, *(session.desk for session in self._sessions.values())]
            self._free, self._sessions = [], {}
        for desk in desks:
            desk.close()

    @contextmanager
    def _borrow(self) -> Iterator[Desk]:
        with self._lock:
            desk = self._free.pop() if self._free else None
        desk = desk or Desk(self._address)
        try:
            yield desk
        finally:
            with self._lock:
                if not desk.is_marked:
                    self._free.append(desk)
            if desk.is_marked:
                desk.close()

    @contextmanager
    def _borrow_session(self, ask: Ask) -> Iterator[Desk]:
        session = self._find_session(ask)
        try:
            yield session.desk
        finally:
            session.ends_at = time.monotonic() + ask.session_seconds
            session.lock.release()

    def _find_session(self, ask: Ask) -> _Session:
        """The session, locked for the caller."""
        with self._lock:
            ended = self._take_ended()
            session = self._sessions.get(ask.session)
            if session is None:
                if ask.session_must_exist:
                    raise EngineRefusedError(f"Session {ask.session} not found. (SESSION_NOT_FOUND)", SESSION_NOT_FOUND)
                session = self._sessions[ask.session] = _Session(Desk(self._address), threading.Lock())
            is_mine = session.lock.acquire(blocking=False)
        for desk in ended:
            desk.close()
        if not is_mine:
            raise EngineRefusedError(f"Session {ask.session} is locked by a concurrent client. (SESSION_IS_LOCKED)", SESSION_IS_LOCKED)
        return session

    def _take_ended(self) -> list[Desk]:
        now = time.monotonic()
        ended = [name for name, session in self._sessions.items() if session.ends_at < now and not session.lock.locked()]
        return [self._sessions.pop(name).desk for name in ended]


def _quote(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _checked(name: str) -> str:
    if not name.replace("_", "a").isalnum():
        raise EngineRefusedError(f"Unknown setting '{name}'. (UNKNOWN_SETTING)", 115)
    return name


def describe(answer: Answer) -> Mapping[str, str]:
    """The counts of an answer as X-ClickHouse-Summary has them."""
    counts = {"read_rows": answer.read_rows, "read_bytes": answer.read_bytes}
    counts |= {"written_rows": answer.written_rows, "written_bytes": answer.written_bytes}
    return {name: str(count) for name, count in counts.items()} | {"elapsed_ns": str(int(answer.seconds * 1e9))}
