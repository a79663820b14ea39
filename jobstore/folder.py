"""Ownership of a chDB folder: one process per folder, one folder per process.

The engine enforces both rules itself, but with messages that name nobody. A lock file in the folder, held with flock and so
let go by the kernel however the process ends, says who the owner is.
"""

from __future__ import annotations

import fcntl
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from jobstore.errors import FolderInUseError, FolderUnusableError, OtherFolderOpenError, StoreForkedError

LOCK_NAME = "jobstore.lock"


@dataclass(frozen=True, slots=True)
class FolderClaim:
    """This process's claim on the one folder that its engine serves."""

    path: Path
    descriptor: int
    pid: int

    _current: ClassVar[FolderClaim | None] = None
    _lock: ClassVar[threading.Lock] = threading.Lock()

    @classmethod
    def take(cls, path: Path) -> FolderClaim:
        """Claim `path`. Raises FolderInUseError, OtherFolderOpenError, FolderUnusableError or StoreForkedError."""
        with cls._lock:
            if cls._current is not None:
                raise _refuse_second(cls._current, path)
            claim = FolderClaim(path, _lock_folder(path), os.getpid())
            cls._current = claim
            return claim

    def release(self) -> None:
        """Free the folder for other processes, and this process for other folders."""
        with FolderClaim._lock:
            if FolderClaim._current is self:
                os.close(self.descriptor)
                FolderClaim._current = None


def _refuse_second(held: FolderClaim, path: Path) -> OtherFolderOpenError | StoreForkedError:
    if held.pid != os.getpid():
        return StoreForkedError(
            f"Process {held.pid} had the chDB folder {held.path} open when it forked this process {os.getpid()}, and the engine would "
            f"hang here. Open {path} in a process that is spawned, not forked, or open it after the fork only."
        )
    return OtherFolderOpenError(
        f"This process has the chDB folder {held.path} open and asked for {path}. The engine serves one folder per process: "
        "close every store of the first one before, or use another process."
    )


def _lock_folder(path: Path) -> int:
    try:
        path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise FolderUnusableError(
            f"The chDB folder {path} cannot be used: {error.strerror}. Give another folder, or the rights to this one."
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
        os.close(descriptor)
        raise folder_in_use(path, owner) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()} {Path(sys.argv[0] or 'python').name}\n".encode(errors="replace"), 0)
    return descriptor


def folder_in_use(path: Path, owner: str = "") -> FolderInUseError:
    """The error for a folder that another process owns; `owner` is "pid program" when known."""
    pid, _, program = owner.partition(" ")
    who = f"process {pid} ({program or 'unknown program'})" if pid.isdigit() else "another process"
    return FolderInUseError(
        f"The chDB folder {path} is in use by {who}, and chDB allows one process per folder. Wait for it or stop it; run several "
        "spiders in one process; or give CLICKHOUSE_DSN another folder or a clickhouse:// server.",
        int(pid) if pid.isdigit() else None,
    )
