"""A store away, or the disk full: the crawl waits, or stops with the reason; nothing is lost. `python -m benchmarks.store_away` is long."""

from __future__ import annotations

import pytest

from benchmarks.mariadb_server import is_installed
from benchmarks.store_away import run_outage

needs_mariadb = pytest.mark.skipif(not is_installed(), reason="no mariadbd here: tests/install-packages installs it")


@pytest.mark.parametrize("name", ["clickhouse", pytest.param("mysql", marks=needs_mariadb)])
def test_store_away_makes_the_crawl_wait_and_all_goes_in_when_it_is_back(name: str) -> None:
    outcome = run_outage(name, rows=6000, seconds=2, megabytes=0.2)
    assert outcome.is_exact, outcome
    assert outcome.waited > 1
    assert not outcome.stopped_by


@needs_mariadb
def test_full_disk_stops_the_crawl_and_the_next_one_delivers_what_is_on_it() -> None:
    outcome = run_outage("disk", rows=8000, seconds=0, megabytes=1)
    assert outcome.is_exact, outcome
    assert "Free the disk" in outcome.stopped_by
