"""The control plane on a real database: SQLite, and MariaDB where `mariadbd` is on PATH. Loopback only, a private server."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pymysql
import pytest
from cryptography.fernet import Fernet
from fastapi.testclient import TestClient
from pydantic import SecretStr

from benchmarks.redis_server import PrivateRedis
from control_api import migrations
from control_api.config import Settings
from control_api.db import Database, open_database
from control_api.deps import Control
from control_api.main import create_app
from control_api.models import Node, User, UserRole
from control_api.models.base import METADATA
from control_api.principal import Actor, Principal
from control_api.rights import USER_SCOPES
from control_api.row_store import StoreOpeners
from control_api.security import hash_password
from control_api.services import credentials, ingest, logins, roles
from jobstore.clickhouse import ClickHouseStore

PASSWORD = "correct-horse-battery-9"
SECRET_KEY = "kS8-planted-signing-key-0Zx7Qw2Vb9Lm4Tn6Rj1"
TOKEN_KEY = Fernet.generate_key().decode()
CLI = Actor(Principal("cli", 0, "test", frozenset(USER_SCOPES)))
Headers = dict[str, str]
Login = Callable[..., Headers]


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DSN of a private MariaDB server with an empty database."""
    if shutil.which("mariadbd") is None or shutil.which("mariadb-install-db") is None:
        pytest.skip("mariadbd is not on PATH: apt-get install mariadb-server to run this suite on MariaDB too")
    folder = tmp_path_factory.mktemp("mariadb")
    options = ["--no-defaults", "--user=root", f"--datadir={folder}/data"]
    subprocess.run(["mariadb-install-db", *options, "--auth-root-authentication-method=normal"], check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            ["mariadbd", *options, f"--socket={folder}/s", f"--port={port}", "--bind-address=127.0.0.1", f"--pid-file={folder}/pid"],
            stdout=log,
            stderr=log,
        )
    try:
        _make_database(port, server, folder / "log")
        yield f"mysql+pymysql://root@127.0.0.1:{port}/control"
    finally:
        server.terminate()
        server.wait(30)


def _make_database(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with pymysql.connect(host="127.0.0.1", port=port, user="root") as connection, connection.cursor() as cursor:
                cursor.execute("CREATE DATABASE control CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
                return
        except pymysql.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text()) from None
            time.sleep(0.05)


@pytest.fixture(scope="session", params=["sqlite", "mariadb"])
def dsn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The DSN of a migrated database, one of each kind for the whole session."""
    is_sqlite = request.param == "sqlite"
    dsn: str = f"sqlite:///{tmp_path_factory.mktemp('sqlite')}/control.db" if is_sqlite else request.getfixturevalue("mariadb")
    database = open_database(dsn, 1)
    migrations.upgrade(database.engine)
    database.close()
    return dsn


def empty_tables(database: Database) -> None:
    """Remove every row but the route table."""
    is_mysql = database.engine.dialect.name != "sqlite"
    with database.engine.begin() as connection:
        if is_mysql:
            connection.exec_driver_sql("SET FOREIGN_KEY_CHECKS = 0")  # InnoDB checks trees row by row
        for table in reversed(METADATA.sorted_tables):
            if table.name != "api":
                connection.execute(table.delete())
        if is_mysql:
            connection.exec_driver_sql("SET FOREIGN_KEY_CHECKS = 1")


def make_settings(dsn: str, **more: object) -> Settings:
    """Settings of a production-like control plane, whatever the environment of the test says."""
    given: dict[str, object] = {
        "environment": "production",
        "database_url": SecretStr(dsn),
        "secret_key": SecretStr(SECRET_KEY),
        "token_keys": SecretStr(TOKEN_KEY),
        "session_cache_seconds": 60.0,
        "database_pool": 20,
        "mysql_dsn": SecretStr("none"),
        "clickhouse_dsn": SecretStr("clickhouse://rows.invalid/jobs"),  # never opened: tests give a store of their own
    }
    return Settings(_env_file=None, **(given | more))  # type: ignore[arg-type, call-arg]


@pytest.fixture(scope="session")
def make_control_settings() -> Callable[..., Settings]:
    return make_settings


@pytest.fixture(scope="session")
def settings(dsn: str) -> Settings:
    return make_settings(dsn)


class MadeRows:
    """Made-up rows as they travel."""

    MOMENT = "2026-11-24T08:00:00+00:00"

    def job(self, number: int = 1, **more: Any) -> dict[str, Any]:
        """A posting as JSON."""
        return {
            "platform": "boss",
            "job_id": f"j{number}",
            "title": f"数据分析 {number}",
            "company_id": f"c{number % 7}",
            "company_name": "某某科技",
            "city": "北京" if number % 2 else "上海",
            "salary_text": "20-40K",
            "month_low": 20_000 + number,
            "month_high": 40_000.0,
            "education": "bachelor",
            "skills": ["SQL", "Python"],
            "keyword": "数据",
            "crawled_at": self.MOMENT,
            "content_hash": f"{number:032x}",
            "raw": "{}",
            **more,
        }

    def company(self, number: int = 1, **more: Any) -> dict[str, Any]:
        """A company as JSON."""
        fields = {"platform": "qcwy", "company_id": f"c{number}", "name": "某某科技", "founded_on": "2011-03-01"}
        return {**fields, "crawled_at": self.MOMENT, "content_hash": f"{number:032x}", "raw": "{}", **more}

    def batch(self, rows: list[Any], batch_id: str = "run-1:api:0", **more: Any) -> dict[str, Any]:
        """The body of an upload."""
        return {"data_list": rows, "data_type": "job", "platform": "boss", "batch_id": batch_id, "schema_version": 1, **more}


@pytest.fixture(scope="session")
def made() -> MadeRows:
    return MadeRows()


@pytest.fixture(scope="session")
def wait_for() -> Callable[[Callable[[], Any]], Any]:
    """Call with a condition; what it answers once that is true, after a minute at most."""

    def wait(condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 60
        while not (found := condition()):
            assert time.monotonic() < deadline, "it did not happen within a minute"
            time.sleep(0.01)
        return found

    return wait


class ListStore:
    """A store of rows in memory: what was written under which token, and faults to order. Answers every question with nothing."""

    def __init__(self) -> None:
        self.written: dict[str, list[Any]] = {}
        self.faults: list[Exception] = []  # the next writes fail with these, in order

    name = "list"

    def ensure_schema(self) -> list[str]:
        return []

    def write_rows(self, rows: Sequence[Any], token: str) -> Mapping[str, int]:
        if self.faults:
            raise self.faults.pop(0)
        assert self.written.setdefault(token, list(rows)) == list(rows), "the same token came with other rows"
        return {"rows": len(rows)}

    def read(self, query: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        return []

    def stream(self, query: str, parameters: Mapping[str, Any] | None = None, *, form: str) -> Iterator[bytes]:
        return iter([b"job_id\n"])

    def close(self) -> None:
        pass


@pytest.fixture(scope="session")
def new_list_store() -> type[ListStore]:
    """Makes stores of rows in memory."""
    return ListStore


@pytest.fixture(scope="session")
def list_store() -> ListStore:
    """The store behind `application`; ask for `store` instead."""
    return ListStore()


@pytest.fixture(scope="session")
def application(settings: Settings, list_store: ListStore) -> Iterator[TestClient]:
    """One running application for the whole session; ask for `client` instead."""
    app = create_app(settings, StoreOpeners(clickhouse=lambda _dsn: cast("ClickHouseStore", list_store)))
    # Unexpected errors are answers, as for a real client.
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def store(client: TestClient, list_store: ListStore) -> ListStore:
    """The store of rows behind `client`, empty."""
    return list_store


def _let_the_writer_finish(database: Database) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with database.read() as unit:
            if "waiting" not in ingest.count_states(unit):
                return
        time.sleep(0.01)
    raise AssertionError("a batch of the test before is still not stored")


@pytest.fixture
def client(application: TestClient, list_store: ListStore) -> TestClient:
    """An HTTP client of an application with built-in roles and nothing else."""
    control: Control = application.app.state.control  # type: ignore[attr-defined]
    list_store.faults.clear()
    _let_the_writer_finish(control.database)
    list_store.written.clear()
    empty_tables(control.database)
    with control.database.write() as unit:
        roles.seed(unit, control.routes)
    return application


@pytest.fixture
def control(client: TestClient) -> Control:
    """The parts of the application behind `client`."""
    return client.app.state.control  # type: ignore[attr-defined, no-any-return]


@pytest.fixture
def database(control: Control) -> Database:
    return control.database


@pytest.fixture(scope="session")
def _redis_server(redis_installed: None) -> Iterator[PrivateRedis]:
    with PrivateRedis() as server:
        yield server


@pytest.fixture
def redis_server(_redis_server: PrivateRedis) -> PrivateRedis:
    """A Redis with nothing in it."""
    with _redis_server.client() as client:
        client.flushall()
    return _redis_server


@pytest.fixture(scope="session")
def password_hash() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
def add_user(control: Control, password_hash: str) -> Callable[..., int]:
    """Adds a user with roles and PASSWORD; returns the id."""

    def add(username: str, *role_names: str) -> int:
        with control.database.write() as unit:
            user = User(username=username, password_hash=password_hash)
            unit.add(user)
            unit.flush()
            ids = {role.name: role.id for role, _ in roles.list_all(unit)}
            unit.add_all(UserRole(user_id=user.id or 0, role_id=ids[name] or 0) for name in role_names)
            return user.id or 0

    return add


@pytest.fixture
def log_in(control: Control, add_user: Callable[..., int], password_hash: str) -> Login:
    """Adds a user with roles and returns the headers of his session."""

    def enter(username: str, *role_names: str) -> Headers:
        user_id = add_user(username, *role_names)
        with control.database.write() as unit:
            attempt_id = logins.note_attempt(unit, username, "127.0.0.1")
            candidate = logins.Candidate(attempt_id, user_id, password_hash)
            token = logins.start_session(unit, candidate, CLI, control.signer, timedelta(days=7))
        return {"Authorization": f"Bearer {token}"}

    return enter


@pytest.fixture
def admin(log_in: Login) -> Headers:
    return log_in("root.admin", "admin")


@pytest.fixture
def operator(log_in: Login) -> Headers:
    return log_in("olga", "operator")


@pytest.fixture
def viewer(log_in: Login) -> Headers:
    return log_in("victor", "viewer")


@pytest.fixture
def add_node(control: Control) -> Callable[..., Headers]:
    """Adds a node with a credential; returns its headers."""

    def add(name: str, *scopes: str) -> Headers:
        with control.database.write() as unit:
            node = Node(name=name)
            unit.add(node)
            unit.flush()
            wanted = list(scopes or ("ingest", "keyword", "token"))
            _, secret = credentials.issue(unit, CLI, node.id or 0, wanted, timedelta(days=1))
        return {"token": secret}

    return add


@pytest.fixture
def node(add_node: Callable[..., Headers]) -> Headers:
    return add_node("node-1")
