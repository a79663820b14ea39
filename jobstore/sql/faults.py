"""What a driver's error means: try again, connect again, or tell the caller. Codes of MySQL 8 and MariaDB, words of SQLite."""

from __future__ import annotations

from enum import Enum

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from jobstore.errors import (
    AccessRefusedError,
    SchemaMismatchError,
    StatementRefusedError,
    StoreBusyError,
    StoreError,
    StoreUnavailableError,
)


class Fault(Enum):
    """What to do about an error."""

    COLLISION = "another transaction was in the way: the same one passes a moment later"
    GONE = "the connection is no more: a new one may serve"
    ABSENT = "nobody answers"
    BUSY = "the server cannot now"
    ACCESS = "the server refuses the user"
    SCHEMA = "a table or column is missing"
    ROW = "a row does not fit"
    OTHER = "anything else"


_CODES = {
    Fault.COLLISION: {1205, 1213, 1020, 1062},  # lock wait timeout, deadlock, changed since read, somebody else inserted it first
    Fault.GONE: {0, 2006, 2013, 2055, 1053, 1079, 1927, 4031},
    Fault.ABSENT: {2002, 2003, 2005},
    Fault.BUSY: {1021, 1040, 1041, 1037, 1038, 1114, 1203, 1226, 1290, 1317, 1792, 1836, 1969, 3024},
    Fault.ACCESS: {1044, 1045, 1049, 1142, 1143, 1227, 1698},
    Fault.SCHEMA: {1054, 1146, 1364},
    Fault.ROW: {1048, 1118, 1153, 1264, 1265, 1292, 1366, 1367, 1406, 3140},
}
_FAULT_OF_CODE = {code: fault for fault, codes in _CODES.items() for code in codes}
_WORDS = (
    ("database is locked", Fault.COLLISION),
    ("unique constraint failed", Fault.COLLISION),
    ("no such table", Fault.SCHEMA),
    ("no column named", Fault.SCHEMA),
    ("no such column", Fault.SCHEMA),
    ("database or disk is full", Fault.BUSY),
    ("disk i/o error", Fault.BUSY),
    ("unable to open database file", Fault.ABSENT),
    ("readonly database", Fault.ACCESS),
    ("string or blob too big", Fault.ROW),
    ("not null constraint failed", Fault.ROW),
    ("too large to convert", Fault.ROW),
)


def find_fault(error: DBAPIError) -> Fault:
    """What kind of error it is."""
    code = error_code(error)
    if code in _FAULT_OF_CODE:
        return _FAULT_OF_CODE[code]
    if error.connection_invalidated:
        return Fault.GONE
    words = str(error.orig).lower()
    return next((fault for word, fault in _WORDS if word in words), Fault.OTHER)


def error_code(error: DBAPIError) -> int | None:
    """The server's number for an error; None from SQLite."""
    args = getattr(error.orig, "args", ())
    return args[0] if args and isinstance(args[0], int) else None


def translate(error: DBAPIError, url: URL) -> StoreError:
    """The error of the storehouse for a driver's error; its text holds neither rows nor a password."""
    fault, said = find_fault(error), _words(error, url)
    if fault in {Fault.GONE, Fault.ABSENT}:
        return StoreUnavailableError(f"The store {url} does not answer: {said}. Check that the server runs and that MYSQL_DSN names it.")
    if fault in {Fault.BUSY, Fault.COLLISION}:
        return StoreBusyError(f"The store {url} cannot do it now: {said}")
    if fault is Fault.ACCESS:
        return AccessRefusedError(f"The store {url} refuses access: {said}. Check user, password, database and rights in MYSQL_DSN.")
    if fault is Fault.SCHEMA:
        return SchemaMismatchError(f"The store {url} lacks a table or column: {said}. Run: python -m jobstore.sql upgrade DSN")
    return StatementRefusedError(f"The store {url} refuses a statement: {said}", error_code(error))


def _words(error: DBAPIError, url: URL) -> str:
    said = str(error.orig)
    if url.password:
        said = said.replace(str(url.password), "***")
    return said if len(said) <= 400 else said[:400] + "..."
