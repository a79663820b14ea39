"""A crawl killed at every named point between fetch and acknowledgement: each row is in both stores once, each keyword acknowledged."""

from __future__ import annotations

from pathlib import Path

from benchmarks.store_crawler import POINTS
from benchmarks.store_faults import prepare, run_kills
from sandbox.clickhouse.process import ClickHouseProcess


def test_crawl_killed_at_every_point_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with ClickHouseProcess(tmp_path / "clickhouse") as server:
        found = run_kills(prepare(tmp_path, server.dsn), times=1)
    assert found.kills == dict.fromkeys(POINTS, 1)
    assert found.lost == found.doubled == {"clickhouse": 0, "mysql": 0}
    assert found.acked == 2 * len(POINTS)
    assert not list((tmp_path / "spool").glob("*.sqlite"))
