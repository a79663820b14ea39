"""Made-up rows, and stores for them: chDB in this process, chDB over HTTP, and a real server where CLICKHOUSE_TEST_DSN names one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from jobschema import Company, Job, PendingCompany, Platform
from jobschema.content import content_hash
from jobstore import ClickHouseStore, parse_dsn
from jobstore.tables import SCHEMA
from sandbox.clickhouse.process import ClickHouseProcess

SERVER_DSN = "CLICKHOUSE_TEST_DSN"
START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def _job(job_id: str = "j1", *, day: int = 0, **values: Any) -> Job:
    values = {
        "platform": Platform.BOSS,
        "job_id": job_id,
        "title": "后端工程师",
        "crawled_at": START + timedelta(days=day),
        "raw": "{}",
    } | values
    return Job(**({"content_hash": content_hash(Job, values)} | values))


def _company(company_id: str = "c1", *, day: int = 0, **values: Any) -> Company:
    values = {
        "platform": Platform.BOSS,
        "company_id": company_id,
        "name": "某公司",
        "crawled_at": START + timedelta(days=day),
        "raw": "{}",
    } | values
    return Company(**({"content_hash": content_hash(Company, values)} | values))


def _pending(company_id: str = "c1", *, day: int = 0, **values: Any) -> PendingCompany:
    return PendingCompany(**({"platform": Platform.BOSS, "company_id": company_id, "seen_at": START + timedelta(days=day)} | values))


@pytest.fixture
def make_job() -> Callable[..., Job]:
    """A posting; `day` counts from 2026-03-01 08:00 UTC, the content hash follows the values unless given."""
    return _job


@pytest.fixture
def make_company() -> Callable[..., Company]:
    return _company


@pytest.fixture
def make_pending() -> Callable[..., PendingCompany]:
    return _pending


@pytest.fixture
def chdb_dsn(tmp_path: Path) -> str:
    return f"chdb://{tmp_path}/store"


ENGINES = ["chdb", "http", *(["server"] if os.environ.get(SERVER_DSN) else [])]


@pytest.fixture(params=ENGINES, scope="module")
def module_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseStore]:
    """A store for the tests of one module: one chDB folder at a time is open in a process."""
    if request.param == "chdb":
        opened = ClickHouseStore.open(f"chdb://{tmp_path_factory.mktemp('module')}/store")
    else:
        opened = ClickHouseStore.open(request.getfixturevalue(f"{request.param}_dsn"))
    opened.ensure_schema()
    yield opened
    opened.close()


@pytest.fixture(params=ENGINES)
def store_dsn(request: pytest.FixtureRequest, chdb_dsn: str) -> Iterator[str]:
    """The address of a store that does not exist yet."""
    if request.param == "chdb":
        yield chdb_dsn
    elif request.param == "http":
        yield from _lend_database(request.getfixturevalue("clickhouse_front").dsn)
    else:
        yield from _lend_database(os.environ[SERVER_DSN])


@pytest.fixture(scope="session")
def clickhouse_front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    """chDB behind ClickHouse's HTTP protocol, in a process of its own."""
    with ClickHouseProcess(tmp_path_factory.mktemp("front") / "data", password="front: secret/") as process:
        yield process


@pytest.fixture(scope="module")
def http_dsn(clickhouse_front: ClickHouseProcess) -> Iterator[str]:
    """The address of a new database of the front."""
    yield from _lend_database(clickhouse_front.dsn)


@pytest.fixture(scope="module")
def server_dsn() -> Iterator[str]:
    """The address of a new database on a real server."""
    yield from _lend_database(os.environ[SERVER_DSN])


def _lend_database(given: str) -> Iterator[str]:
    """The address of a database that is new, and gone afterwards."""
    base = given.rstrip("/").removesuffix("/" + parse_dsn(given).database)
    database = f"jobstore_test_{uuid4().hex[:12]}"
    yield f"{base}/{database}"
    dropper = ClickHouseStore.open(f"{base}/default")
    dropper.read(f"DROP DATABASE IF EXISTS {database}")
    dropper.close()


@pytest.fixture
def store(module_store: ClickHouseStore) -> ClickHouseStore:
    """An empty store."""
    for table in SCHEMA.tables:
        module_store.read(f"TRUNCATE TABLE {table.name}")
    module_store.forget_known()
    return module_store
