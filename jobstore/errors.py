"""What can go wrong between a closed batch and the store that keeps it.

    StoreError
    ├── TransientStoreError             try the same batch again with the same token: the writer thread does
    │   ├── StoreUnavailableError       nobody answers (refused, reset, timed out, 502-504)
    │   └── StoreBusyError              the engine answers that it cannot now (memory, too many parts, disk full, ...)
    └── TerminalStoreError              trying again changes nothing: surfaces to whoever adds rows, flushes or opens
        ├── DsnInvalidError             the address of the store cannot be read
        ├── FolderInUseError            another process owns the chDB folder
        ├── OtherFolderOpenError        this process already has another chDB folder open
        ├── FolderUnusableError         the chDB folder cannot be made or written
        ├── StoreForkedError            the store was opened before a fork and is used in the child
        ├── StoreClosedError            the store or the batcher is closed
        ├── AccessRefusedError          the server refuses the user, the password or the right
        ├── SchemaMismatchError         a table has columns that the contract cannot be reconciled with
        ├── DeduplicationOffError       a table would take a batch twice when it is sent twice
        ├── RowRefusedError             a row holds a value that its column cannot hold
        ├── RowsRefusedError            some rows of a batch were refused; the others are stored
        ├── SpoolUnusableError          the spool's disk is full or fails
        ├── StatementRefusedError       the engine refuses a statement, for any other reason
        └── BatchNotStoredError         a batch was given up; its rows are not in the store

Every class has a `slug`: the anchor of its paragraph in docs/stores.md. No message holds a password.
"""

from __future__ import annotations


class StoreError(Exception):
    """Base of all errors of the storehouse; `str()` ends with the place that explains it."""

    slug = "store-error"

    def __str__(self) -> str:
        return f"{super().__str__()} [docs/stores.md#{self.slug}]"


class TransientStoreError(StoreError):
    """May pass by itself: send the same batch again, with the same token."""

    slug = "store-transient"


class TerminalStoreError(StoreError):
    """Will not pass by itself: an operator, or the sender of the row, has to change something."""

    slug = "store-terminal"


class StoreUnavailableError(TransientStoreError):
    """Nobody answers at the store's address."""

    slug = "store-unavailable"


class StoreBusyError(TransientStoreError):
    """The engine answers, but cannot do it now."""

    slug = "store-busy"


class RetryAfterError(StoreBusyError):
    """The door says to come back, after `retry_after` seconds where it says when."""

    slug = "retry-after"

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DsnInvalidError(TerminalStoreError):
    """The address of the store cannot be read."""

    slug = "dsn-invalid"


class FolderInUseError(TerminalStoreError):
    """Another process owns the chDB folder; `pid` is its process id when known."""

    slug = "folder-in-use"

    def __init__(self, message: str, pid: int | None = None) -> None:
        super().__init__(message)
        self.pid = pid


class OtherFolderOpenError(TerminalStoreError):
    """The engine of this process is bound to another chDB folder."""

    slug = "other-folder-open"


class FolderUnusableError(TerminalStoreError):
    """The chDB folder cannot be made or written."""

    slug = "folder-unusable"


class StoreForkedError(TerminalStoreError):
    """The store was opened in a parent process; its engine would hang in this one."""

    slug = "store-forked"


class StoreClosedError(TerminalStoreError):
    """The store or the batcher was closed."""

    slug = "store-closed"


class AccessRefusedError(TerminalStoreError):
    """The server refuses the user, the password or the right."""

    slug = "access-refused"


class SchemaMismatchError(TerminalStoreError):
    """A table cannot be reconciled with the contract without changing rows."""

    slug = "schema-mismatch"


class DeduplicationOffError(TerminalStoreError):
    """A table has no deduplication window: a batch sent twice would be stored twice."""

    slug = "deduplication-off"


class RowRefusedError(TerminalStoreError):
    """A value that its column cannot hold; `row` is the row itself, `column` the column. Nothing of its batch was stored."""

    slug = "row-refused"

    def __init__(self, message: str, *, row: object, column: str) -> None:
        super().__init__(message)
        self.row = row
        self.column = column


class RowsRefusedError(TerminalStoreError):
    """Some rows of a batch were refused while the others are stored: `refused` is (place in the batch, column, reason) of each."""

    slug = "rows-refused"

    def __init__(self, message: str, refused: list[tuple[int, str, str]]) -> None:
        super().__init__(message)
        self.refused = refused


class SpoolUnusableError(TerminalStoreError):
    """The spool's folder or file cannot be written or read: a full disk, missing rights, a broken disk."""

    slug = "spool-unusable"


class StatementRefusedError(TerminalStoreError):
    """The engine refuses a statement; `code` is ClickHouse's error code when known."""

    slug = "statement-refused"

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class BatchNotStoredError(TerminalStoreError):
    """A batch was given up; `rows` is how many rows were not stored. The cause is chained."""

    slug = "batch-not-stored"

    def __init__(self, message: str, rows: int) -> None:
        super().__init__(message)
        self.rows = rows
