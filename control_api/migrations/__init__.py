"""The database's history: one revision a file under versions/, run by `db upgrade`, never made at start."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, Engine

from control_api import models  # noqa: F401  # fills METADATA
from control_api.errors import DatabaseNotReadyError
from control_api.models.base import METADATA

FOLDER = Path(__file__).parent


def make_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration; revisions run on `connection`."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the schema to `revision`; doing it twice changes nothing."""
    with engine.begin() as connection:
        command.upgrade(make_config(connection), revision)


def read_head() -> str:
    """The newest revision."""
    head = ScriptDirectory.from_config(make_config()).get_current_head()
    assert head is not None, "there are revisions"
    return head


def check_revision(engine: Engine) -> None:
    """Raise DatabaseNotReadyError unless the schema is at the newest revision."""
    head = read_head()
    with engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    if present != head:
        raise DatabaseNotReadyError(
            f"The database is at revision {present or '(none)'} and this program needs {head}: run `python -m control_api db upgrade`"
        )


def is_ours(_thing: object, name: str | None, kind: str, is_reflected: bool, _other: object) -> bool:
    """Whether a table is the control plane's: the rows' own tables may be in the same database."""
    return not (kind == "table" and is_reflected and name not in METADATA.tables)


def find_differences(engine: Engine) -> list[str]:
    """What the tables of a database and the models disagree on; empty when nothing."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": is_ours})
        return [str(difference) for difference in compare_metadata(context, METADATA)]
