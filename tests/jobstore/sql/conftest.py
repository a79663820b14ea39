"""The SQL store twice: SQLite in a temporary file, and a real server: MYSQL_TEST_DSN, or a MariaDB that the tests start and stop."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from benchmarks.mariadb_server import PrivateMariaDb, fresh_database, is_installed
from jobstore.sql import SqlDatabase, SqlSink, parse_address
from jobstore.sql.revisions import upgrade
from jobstore.sql.tables import METADATA

HOW = "install mariadb-server (tests/install-packages does), or set MYSQL_TEST_DSN=mysql+pymysql://user:password@host/database"


@pytest.fixture(scope="session")
def server_dsn() -> Iterator[str]:
    """The address of a server; its database is not used."""
    if given := os.environ.get("MYSQL_TEST_DSN", ""):
        yield given
    elif is_installed():
        with PrivateMariaDb() as server:
            yield server.dsn
    else:
        pytest.skip(HOW)


@pytest.fixture(scope="session")
def mysql_dsn(server_dsn: str) -> Iterator[str]:
    """A database that one upgrade serves for all tests."""
    with fresh_database(server_dsn) as dsn:
        yield dsn


@pytest.fixture
def empty_dsn(server_dsn: str) -> Iterator[str]:
    """A database without tables."""
    with fresh_database(server_dsn) as dsn:
        yield dsn


@pytest.fixture(params=["sqlite", "server"], scope="session")
def migrated_dsn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with its tables."""
    file = tmp_path_factory.mktemp("sqlite") / "jobs.db"
    dsn = f"sqlite:///{file}" if request.param == "sqlite" else request.getfixturevalue("mysql_dsn")
    database = SqlDatabase(parse_address(dsn))
    upgrade(database)
    database.close()
    return dsn


@pytest.fixture
def sink(migrated_dsn: str) -> Iterator[SqlSink]:
    """An empty store."""
    opened = SqlSink.open(migrated_dsn)
    for table in METADATA.sorted_tables:
        opened.database.write(lambda transaction, table=table: transaction.connection.execute(table.delete()))
    yield opened
    opened.close()
