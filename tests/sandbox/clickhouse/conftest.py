"""A running front, and the real client in front of it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from sandbox.clickhouse.process import ClickHouseProcess

PASSWORD = "front: secret/"


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    with ClickHouseProcess(tmp_path_factory.mktemp("front") / "data", password=PASSWORD) as process:
        yield process


@pytest.fixture
def connect(front: ClickHouseProcess) -> Iterator[Callable[..., Client]]:
    """Opens clients of the front that close with the test."""
    opened: list[Client] = []

    def open_client(**options: Any) -> Client:
        chosen = {"autogenerate_session_id": False, "password": PASSWORD} | options
        opened.append(clickhouse_connect.get_client(host="127.0.0.1", port=front.port, username="default", **chosen))
        return opened[-1]

    yield open_client
    for client in opened:
        client.close()


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    """A client and an empty table `t` with a deduplication window."""
    opened = connect()
    opened.command("DROP TABLE IF EXISTS t")
    opened.command(
        "CREATE TABLE t (a UInt64, b Nullable(String)) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100"
    )
    return opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"
