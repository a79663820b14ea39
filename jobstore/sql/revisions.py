"""The SQL store's history: one revision a file under migrations/versions, run by `python -m jobstore.sql upgrade`, never made at start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from jobstore.errors import SchemaMismatchError
from jobstore.sql.database import SqlDatabase
from jobstore.sql.faults import translate
from jobstore.sql.tables import METADATA, VERSION_TABLE

FOLDER = Path(__file__).parent / "migrations"


def upgrade(database: SqlDatabase, revision: str = "head") -> None:
    """Bring the tables to `revision`; doing it twice changes nothing. Makes a SQLite file and its folder. Raises StoreError."""
    if database.is_sqlite:
        Path(str(database.url.database)).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with database.engine.begin() as connection:
            command.upgrade(_make_config(connection), revision)
    except DBAPIError as error:
        raise translate(error, database.url) from None


def check_revision(database: SqlDatabase) -> None:
    """Raise SchemaMismatchError unless the tables are at the newest revision; other StoreErrors when the store does not answer."""
    head = ScriptDirectory.from_config(_make_config()).get_current_head()
    present = read_revision(database)
    if present != head:
        raise SchemaMismatchError(
            f"The store {database.url} is at revision {present or '(none)'} and this release needs {head}. "
            "Run: python -m jobstore.sql upgrade DSN"
        )


def read_revision(database: SqlDatabase) -> str | None:
    """The revision that the tables are at; None where there are none, also when a SQLite file is not there (and is not made)."""
    if database.is_sqlite and not Path(str(database.url.database)).exists():
        return None
    return database.read(lambda transaction: _make_context(transaction.connection).get_current_revision())


def find_differences(database: SqlDatabase) -> list[str]:
    """What the tables and the contract disagree on; empty when nothing. Other tables of the database are left alone."""
    return database.read(
        lambda transaction: [str(difference) for difference in compare_metadata(_make_context(transaction.connection), METADATA)]
    )


def is_ours(_thing: object, name: str | None, kind: str, is_reflected: bool, _other: object) -> bool:
    """Whether alembic looks at a table: the control plane may keep its own in the same database."""
    return not (kind == "table" and is_reflected and name not in METADATA.tables)


def _make_context(connection: Connection) -> MigrationContext:
    options: dict[str, Any] = {"compare_type": True, "include_object": is_ours, "version_table": VERSION_TABLE, "target_metadata": METADATA}
    return MigrationContext.configure(connection, opts=options)


def _make_config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
