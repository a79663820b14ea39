"""The address of a MySQL or SQLite store, read from one line of text: the first thing that happens when a store is opened."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from jobstore.errors import DsnInvalidError

DEFAULT_DSN = "sqlite:///data/jobs.db"
FORMS = "sqlite:///relative/file.db, sqlite:////absolute/file.db, mysql+pymysql://user:password@host:3306/database"
_SERVERS = frozenset({"mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql"})


def parse_address(text: str = DEFAULT_DSN) -> URL:
    """Read a DSN; relative SQLite files count from the working directory. `str()` of the answer hides the password.

    Raises DsnInvalidError, which never quotes the text: it may hold a password.
    """
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError) as error:
        raise DsnInvalidError(f"The store's address is not a URL ({error.__class__.__name__}). Valid forms: {FORMS}.") from None
    if url.drivername in {"sqlite", "sqlite+pysqlite"}:
        return _read_file(url)
    if url.drivername in _SERVERS:
        return _read_server(url)
    raise DsnInvalidError(f"The store's address has the scheme {url.drivername!r}. Valid forms: {FORMS}.")


def _read_file(url: URL) -> URL:
    if not url.database or url.database == ":memory:" or url.query or url.host:
        raise DsnInvalidError(
            "A sqlite:// address names a file on disk and nothing else, for example sqlite:///data/jobs.db (three slashes, then the path)."
        )
    return URL.create("sqlite+pysqlite", database=str(Path(url.database).expanduser().resolve()))


def _read_server(url: URL) -> URL:
    if not url.host or not url.database:
        raise DsnInvalidError(f"The store's address names no host or no database. Valid forms: {FORMS}.")
    if url.query:
        raise DsnInvalidError("The store's address has a ?query, which means nothing here. Percent-encode such characters in a password.")
    return url.set(drivername="mysql+pymysql", port=url.port or 3306)
