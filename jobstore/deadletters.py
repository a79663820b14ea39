"""Dead letters: rows that a sink refuses, each with the reason, as JSON lines on disk. Behind the outbox, before an operator.

A letter's key is made of its batch, its place and its sink, so that a row refused again after a crash is still one letter.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jobschema.rows import Company, Job, PendingCompany, Row
from jobstore.errors import SpoolUnusableError
from jobstore.spool_rows import read_json, read_row, write_json

_ROWS: dict[str, type] = {row.__name__: row for row in (Job, Company, PendingCompany)}


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A row that did not go in. `row` holds its columns; it is empty, and `reason` says so, where only bytes are left."""

    key: str  # batch token : place : sink
    sink: str
    reason: str
    column: str
    at: str  # ISO 8601, UTC
    kind: str  # Job, Company, PendingCompany
    row: dict[str, Any]

    @classmethod
    def of(cls, row: Row, *, key: str, sink: str, reason: str, column: str) -> DeadLetter:
        """The letter of a refused row."""
        return cls(key, sink, reason, column, datetime.now(UTC).isoformat(timespec="seconds"), type(row).__name__, asdict(row))

    def to_row(self) -> Row | None:
        """The row, to be sent again; None where there is none."""
        return read_row(_ROWS[self.kind], self.row) if self.kind in _ROWS else None


class DeadLetters:
    """The file `dead-letters.jsonl` of a folder. Thread-safe, and safe with other processes on this machine."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "dead-letters.jsonl"

    def add(self, letters: Sequence[DeadLetter]) -> None:
        """Write letters down; they are on the disk when this returns. Raises SpoolUnusableError."""
        lines = b"".join(write_json(asdict(letter)) + b"\n" for letter in letters)
        with self._locked():
            is_torn = self.path.exists() and self.path.stat().st_size and not _ends_whole(self.path)
            self._write(self.path, os.O_APPEND, (b"\n" if is_torn else b"") + lines)

    def read(self) -> list[DeadLetter]:
        """Every letter once, oldest first. A line that a power cut left unfinished is skipped: its batch is sent again."""
        with self._locked():
            return self._read()

    def take(self, is_wanted: Callable[[DeadLetter], bool], use: Callable[[list[DeadLetter]], None]) -> list[DeadLetter]:
        """Give the wanted letters to `use`, and remove them when it returns. Returns them."""
        with self._locked():
            letters = self._read()
            wanted = [letter for letter in letters if is_wanted(letter)]
            use(wanted)
            kept = [letter for letter in letters if letter not in wanted]
            rewritten = self.path.with_suffix(".new")
            self._write(rewritten, os.O_TRUNC, b"".join(write_json(asdict(letter)) + b"\n" for letter in kept))
            os.replace(rewritten, self.path)
        return wanted

    def _read(self) -> list[DeadLetter]:
        if not self.path.exists():
            return []
        found: dict[str, DeadLetter] = {}
        for line in self.path.read_bytes().splitlines():
            try:
                letter = DeadLetter(**read_json(line))
            except (ValueError, TypeError):
                continue
            found.setdefault(letter.key, letter)
        return list(found.values())

    def _write(self, path: Path, how: int, lines: bytes) -> None:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600)
        try:
            while lines:
                lines = lines[os.write(file, lines) :]
            os.fsync(file)
        finally:
            os.close(file)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
            finally:
                os.close(lock)
        except OSError as error:
            raise SpoolUnusableError(f"The dead letters {self.path} cannot be written or read: {error.strerror}. Free the disk.") from error


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"
