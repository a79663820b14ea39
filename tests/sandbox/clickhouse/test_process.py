"""The front as a process: one owner of its folder, killed and started again."""

from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import OperationalError

from sandbox.clickhouse.process import ClickHouseProcess
from sandbox.process import SandboxError

WINDOW = "ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100"


def test_killed_and_started_again_keeps_rows_tokens_and_port(folder: Path) -> None:
    with ClickHouseProcess(folder) as front:
        port = front.port
        client = clickhouse_connect.get_client(host="127.0.0.1", port=port, autogenerate_session_id=False)
        client.command(f"CREATE TABLE t (a UInt64) {WINDOW}")
        settings = {"insert_deduplication_token": "one", "async_insert": 0}
        client.insert("t", [[1], [2]], column_names=["a"], settings=settings)
        front.kill()
        with pytest.raises(OperationalError):
            client.query("SELECT 1")
        front.start()
        assert front.port == port
        client.insert("t", [[1], [2]], column_names=["a"], settings=settings)
        assert client.query("SELECT a FROM t ORDER BY a").result_rows == [(1,), (2,)]
        client.close()


def test_second_process_on_a_folder_is_refused_with_a_reason(folder: Path) -> None:
    with ClickHouseProcess(folder), pytest.raises(SandboxError, match="One process owns a chDB folder"):
        ClickHouseProcess(folder).start()
