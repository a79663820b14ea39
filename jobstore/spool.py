"""The spool: closed batches on disk before they are sent, each until every sink that it is for has it. Between batcher and sinks.

One SQLite file (WAL, synchronous=FULL: a batch is on the disk when `put` returns) belongs to one process, by a lock that dies
with it. A file whose owner is gone is adopted by the next process that opens the folder, and its batches go first.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import uuid4

from jobstore.errors import SpoolUnusableError
from jobstore.failpoints import reach

_SCHEMA = """
CREATE TABLE IF NOT EXISTS batch (
    id INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT UNIQUE NOT NULL, checksum BLOB NOT NULL, body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS due (sink TEXT NOT NULL, batch INTEGER NOT NULL, PRIMARY KEY (sink, batch)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS due_batch ON due (batch);
"""
_SETTINGS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=67108864; PRAGMA busy_timeout=5000;"
_SUFFIX, _LOCK = ".sqlite", ".lock"


@dataclass(frozen=True, slots=True)
class Spooled:
    """A batch in a spool. Not sound: the bytes on the disk are not those that were written."""

    id: int
    token: str
    body: bytes
    is_sound: bool


class Spool:
    """One file of batches, owned by this process. Thread-safe. Every method raises SpoolUnusableError when the disk fails it."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock: int | None = lock
        self._using = threading.Lock()
        with self._explained():
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._connection.executescript(_SETTINGS + _SCHEMA)
            self._size = int(self._connection.execute("SELECT coalesce(sum(length(body)), 0) FROM batch").fetchone()[0])

    @classmethod
    def create(cls, folder: Path) -> Self:
        """A new file of this process in `folder`, which is made."""
        path = folder / f"{uuid4().hex}{_SUFFIX}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = _take_lock(path, os.O_CREAT)
        except OSError as error:
            raise SpoolUnusableError(
                f"The spool folder {folder} cannot be made or written: {error.strerror}. Set SPOOL_DIR, or mend its rights."
            ) from error
        assert lock is not None, "nobody else knows the name"
        return cls(path, lock)

    @classmethod
    def adopt(cls, folder: Path) -> list[Self]:
        """The files in `folder` whose owners are gone, oldest first; they are this process's from now on."""
        found = sorted(folder.glob(f"*{_SUFFIX}"), key=lambda path: path.stat().st_mtime)
        taken = [(path, _take_lock(path, 0)) for path in found]
        return [cls(path, lock) for path, lock in taken if lock is not None]

    @property
    def size(self) -> int:
        """Bytes of the batches that wait."""
        return self._size

    def put(self, token: str, body: bytes, sinks: Sequence[str]) -> int:
        """Write a batch down for these sinks; it is on the disk when this returns. Returns its number."""
        with self._transaction() as connection:
            checksum = _sum(token, body)
            made = connection.execute("INSERT INTO batch (token, checksum, body) VALUES (?, ?, ?)", (token, checksum, body)).lastrowid
            assert made is not None, "an insert makes a row"
            connection.executemany("INSERT INTO due (sink, batch) VALUES (?, ?)", [(sink, made) for sink in sinks])
            reach("spool_before_commit")
        self._size += len(body)
        return made

    def next_due(self, sink: str) -> Spooled | None:
        """The oldest batch that this sink does not have."""
        query = "SELECT id, token, checksum, body FROM batch WHERE id = (SELECT min(batch) FROM due WHERE sink = ?)"
        with self._using, self._explained():
            found = self._connection.execute(query, (sink,)).fetchone()
        if found is None:
            return None
        number, token, checksum, body = found
        return Spooled(number, token, body, checksum == _sum(token, body))

    def next_number(self, sink: str) -> int | None:
        """The number of that batch, without reading it."""
        with self._using, self._explained():
            (number,) = self._connection.execute("SELECT min(batch) FROM due WHERE sink = ?", (sink,)).fetchone()
        return None if number is None else int(number)

    def mark(self, number: int, sink: str) -> bool:
        """The sink has the batch. True when it was the last one: the batch is gone then."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM due WHERE sink = ? AND batch = ?", (sink, number))
            is_last = connection.execute("SELECT 1 FROM due WHERE batch = ? LIMIT 1", (number,)).fetchone() is None
            if is_last:
                gone = connection.execute("DELETE FROM batch WHERE id = ? RETURNING length(body)", (number,)).fetchall()
            reach(f"mark_before_commit:{sink}")
        if is_last:
            self._size -= sum(size for (size,) in gone)
        return is_last

    def count_due(self) -> dict[str, int]:
        """Batches that wait, by sink."""
        with self._using, self._explained():
            return dict(self._connection.execute("SELECT sink, count(*) FROM due GROUP BY sink").fetchall())

    def close(self) -> None:
        """Let go of the file; an empty one is removed."""
        with self._using:
            if self._lock is None:
                return
            with self._explained():
                (count,) = self._connection.execute("SELECT count(*) FROM batch").fetchone()
                self._connection.close()
            if not count:
                for suffix in ("", "-wal", "-shm"):
                    Path(f"{self.path}{suffix}").unlink(missing_ok=True)
                self.path.with_suffix(_LOCK).unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._using, self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise SpoolUnusableError(
                f"The spool {self.path} cannot be read or written: {error}. Free the disk or mend the file, then start again: "
                "what is in it is sent then, and keywords whose rows are not in it are crawled again."
            ) from error


def _sum(token: str, body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16, key=token.encode()[:64]).digest()


def _take_lock(path: Path, flags: int) -> int | None:
    """The lock of a spool file, held as long as this process lives; None when another holds it or has just removed it."""
    lock_path = path.with_suffix(_LOCK)
    try:
        lock = os.open(lock_path, os.O_RDWR | flags, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if flags or (path.exists() and os.fstat(lock).st_nlink):
            return lock
    except BlockingIOError:
        pass
    os.close(lock)
    return None
