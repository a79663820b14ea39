"""Postings that go away, seen by real crawls into SQLite: delisted by complete passes or the platform's word, by nothing else."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jobspiders.demo.control import ControlPlane
from jobstore.sql import SqlDatabase, parse_address
from jobstore.sql.revisions import upgrade

KEYWORD = {"keywords": "工程师", "city": "北京"}


@dataclass
class Lifecycle:
    """An operator who crawls one keyword again and again, and asks the store what is gone."""

    operator: Any
    path: Path

    def crawl(self, code: int = 0, *options: str, **arguments: str) -> dict[str, int]:
        """One pass; what it proved."""
        ran = self.operator.crawl("boss", *options, **KEYWORD, **arguments)
        assert ran.code == code, ran.err[-3000:]
        return self.lifecycle(ran)

    def lifecycle(self, ran: Any) -> dict[str, int]:
        prefix = "lifecycle/"
        return {key.removeprefix(prefix): value for key, value in ran.stats.items() if key.startswith(prefix)}

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(query).fetchall()

    def delisted(self) -> dict[str, str]:
        return dict(self.ask("SELECT job_id, delisted_by FROM job WHERE delisted_at IS NOT NULL"))

    def switch(self, **values: Any) -> None:
        self.operator.sandbox.switch("boss", **values)


@pytest.fixture
def lifecycle(operator: Any, tmp_path: Path) -> Lifecycle:
    path = tmp_path / "jobs.db"
    database = SqlDatabase(parse_address(f"sqlite:///{path}"))
    upgrade(database)
    database.close()
    operator.extra = {"MYSQL_DSN": f"sqlite:///{path}", "CLICKHOUSE_DSN": "none"}
    return Lifecycle(operator, path)


def test_posting_that_disappears_is_delisted_by_complete_passes_alone(lifecycle: Lifecycle) -> None:
    shown = lifecycle.operator.truth("boss", ["工程师"], ["北京"])[0]["jobs"]
    assert len(shown) > 15, "one page: a depth of 1 would prove nothing"
    lost = shown[-1]
    assert lifecycle.crawl(details="0") == {"passes/complete": 1}

    lifecycle.switch(gone=[lost])
    assert lifecycle.crawl(details="0", pages="1") == {"passes/truncated": 1}
    lifecycle.switch(ban="ip_banned", ban_trigger="after:1")
    assert lifecycle.crawl(3, details="0") == {"passes/banned": 1}
    lifecycle.switch(ban="", server_error=1.0)
    assert lifecycle.crawl(4, "-s", "VERDICT_RETRY_TIMES=0", details="0") == {"passes/partial": 1}
    lifecycle.switch(server_error=0.0)
    assert lifecycle.crawl(details="0") == {"passes/complete": 1}
    assert lifecycle.delisted() == {}

    assert lifecycle.crawl(details="0") == {"passes/complete": 1, "delisted/absence": 1}
    assert lifecycle.delisted() == {lost: "absence"}

    lifecycle.switch(gone=[])
    assert lifecycle.crawl(details="0") == {"passes/complete": 1}
    assert lifecycle.delisted() == {}
    assert lifecycle.ask("SELECT job_id FROM job WHERE reposts = 1") == [(lost,)]


def test_posting_whose_page_says_gone_is_delisted_at_once(lifecycle: Lifecycle) -> None:
    lost = lifecycle.operator.truth("boss", ["工程师"], ["北京"])[0]["jobs"][0]
    lifecycle.switch(gone=[lost], gone_shown=True)
    assert lifecycle.crawl() == {"passes/complete": 1, "delisted/platform": 1}
    assert lifecycle.crawl() == {"passes/complete": 1, "delisted/platform": 1}
    assert lifecycle.delisted() == {lost: "platform"}
    assert lifecycle.ask("SELECT MAX(reposts) FROM job") == [(0,)], "a search that still shows it does not bring it back"


def test_nodes_behind_the_ingest_door_are_heard_like_those_that_write_themselves(operator: Any, tmp_path: Path) -> None:
    with ControlPlane(tmp_path / "control") as plane:
        credential = plane.command("nodes", "add", "node-1", "--days", "1").strip().splitlines()[-1]
        door = {"CONTROL_API_URL": plane.url, "CONTROL_API_TOKEN": credential, "INGEST_ENABLED": "1", "CLICKHOUSE_DSN": "none"}
        operator.extra = door
        lifecycle = Lifecycle(operator, tmp_path / "control" / "jobs.db")
        lost, called_gone, *_ = lifecycle.operator.truth("boss", ["工程师"], ["北京"])[0]["jobs"]
        assert lifecycle.crawl(details="0") == {"passes/sent": 1}
        lifecycle.switch(gone=[lost])
        assert lifecycle.crawl(details="0") == {"passes/sent": 1}
        assert lifecycle.crawl(details="0") == {"passes/sent": 1}
        plane.catch_up()
        assert lifecycle.delisted() == {lost: "absence"}
        lifecycle.switch(gone=[called_gone], gone_shown=True)
        assert lifecycle.crawl() == {"passes/sent": 1}
        plane.catch_up()
        assert lifecycle.delisted() == {called_gone: "platform"}
        assert lifecycle.ask("SELECT outcome, COUNT(*) FROM keyword_pass GROUP BY outcome") == [("complete", 4)]


def test_run_that_is_killed_is_no_pass(lifecycle: Lifecycle) -> None:
    lifecycle.switch(slow_ms=200)
    served = lambda: lifecycle.operator.sandbox.answers("boss")["jobs_served"] > 0  # noqa: E731
    lifecycle.operator.interrupt(("crawl", "boss", "-a", "keywords=工程师", "-a", "city=北京", "-a", "details=0"), signal.SIGKILL, served)
    assert lifecycle.ask("SELECT COUNT(*) FROM keyword_pass") == [(0,)]
