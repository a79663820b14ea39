"""`scrapy parity` and `scrapy clean`, and the normalise step with rules, on stores in temporary files."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy.exceptions import NotConfigured, UsageError
from scrapy.settings import Settings
from scrapy.statscollectors import MemoryStatsCollector

from jobschema import Job, Platform
from jobschema.content import content_hash
from jobspiders import statkeys
from jobspiders.commands import clean, parity
from jobspiders.pipelines.mysql import MySqlPipeline, sql_dsn
from jobspiders.pipelines.normalise import NormalisePipeline, RowRejected
from jobspiders.platforms.base import RawJob
from jobstore.sql import SqlDatabase, SqlSink, parse_address
from jobstore.sql.revisions import upgrade
from jobstore.sql.rules import add_rule

AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[SqlSink]:
    database = SqlDatabase(parse_address(f"sqlite:///{tmp_path}/jobs.db"))
    upgrade(database)
    yield SqlSink(database)
    database.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        {"MYSQL_DSN": f"sqlite:///{tmp_path}/jobs.db", "CLICKHOUSE_DSN": f"chdb://{tmp_path}/clickhouse", "DATA_DIR": str(tmp_path)}
    )


def make_job(title: str) -> Job:
    values: dict[str, Any] = {"platform": Platform.BOSS, "job_id": title, "title": title}
    return Job(**values, crawled_at=AT, content_hash=content_hash(Job, values), raw="{}")


def run(command: Any, settings: Settings, **options: Any) -> int:
    command.settings = settings
    command.run([], SimpleNamespace(**options))
    return int(command.exitcode)


def test_parity_command_tells_and_mends(sink: SqlSink, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    sink.write_rows([make_job("a"), make_job("b")], "t")
    assert run(parity.Command(), settings, repair=False, settle=15) == 1
    said = capsys.readouterr().out
    assert "boss job a: in MySQL only" in said
    assert "2 differences, 0 mended" in said
    assert run(parity.Command(), settings, repair=True, settle=15) == 0
    assert run(parity.Command(), settings, repair=False, settle=15) == 0
    assert "0 differences, 0 mended" in capsys.readouterr().out


def test_parity_command_without_two_stores_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="MYSQL_DSN"):
        run(parity.Command(), Settings({"CLICKHOUSE_DSN": "chdb://x", "DATA_DIR": "."}), repair=False, settle=15)


def test_clean_command_shows_what_would_change(sink: SqlSink, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    add_rule(sink.database, {"kind": "job", "field": "title", "pattern": "急聘", "action": "replace"}, AT)
    sink.write_rows([make_job("急聘a"), make_job("b")], "t")
    assert run(clean.Command(), settings, dry_run=True, limit=None, samples=20) == 0
    said = capsys.readouterr().out
    assert "title: '急聘a' -> 'a'" in said
    assert "2 rows: 1 would change, 0 would be rejected" in said
    assert sink.database.read(lambda transaction: transaction.read("SELECT COUNT(*) FROM job WHERE title = '急聘a'")) == [(1,)]


def test_clean_command_without_dry_run_says_why_not(settings: Settings) -> None:
    with pytest.raises(UsageError, match="--dry-run"):
        run(clean.Command(), settings, dry_run=False, limit=None, samples=20)


def test_clean_command_names_a_bad_rule(sink: SqlSink, settings: Settings) -> None:
    add_rule(sink.database, {"kind": "job", "field": "title", "pattern": "(", "action": "replace"}, AT)
    with pytest.raises(UsageError, match="cleaning_rule 1 has pattern"):
        run(clean.Command(), settings, dry_run=True, limit=None, samples=20)


def make_pipeline(settings: Settings) -> NormalisePipeline:
    crawler: Any = SimpleNamespace(settings=settings)
    crawler.stats = MemoryStatsCollector(SimpleNamespace(settings=Settings()))  # type: ignore[arg-type]
    pipeline = NormalisePipeline(crawler, Platform.BOSS, mask=True)
    asyncio.run(pipeline.open_spider())
    return pipeline


def test_rules_apply_in_the_normalise_step_and_leave_their_mark(sink: SqlSink, settings: Settings) -> None:
    add_rule(sink.database, {"kind": "job", "field": "salary_text", "pattern": "起薪:", "action": "replace"}, AT)
    add_rule(sink.database, {"kind": "job", "field": "title", "pattern": "骗", "action": "reject"}, AT)
    pipeline = make_pipeline(settings)
    row = pipeline.process_item(RawJob(job_id="j1", title="a", salary_text="起薪:1-2万"))
    assert (row.salary_low, row.problems) == (10000, ["salary_text:rule_1v1"])
    assert pipeline.process_item(RawJob(job_id="j2", title="a", salary_text="1-2万")).problems == []
    with pytest.raises(RowRejected, match="cleaning_rule 2"):
        pipeline.process_item(RawJob(job_id="j3", title="骗"))
    stats = pipeline.crawler.stats.get_stats()
    assert (stats[f"{statkeys.CLEANING_CHANGED}/1"], stats[f"{statkeys.CLEANING_REJECTED}/2"]) == (1, 1)
    assert len(stats[statkeys.CLEANING_VERSION]) == 8


def test_without_a_store_there_are_no_rules(tmp_path: Path) -> None:
    pipeline = make_pipeline(Settings({"DATA_DIR": str(tmp_path)}))
    assert pipeline.process_item(RawJob(job_id="j1", title="急聘")).title == "急聘"


@pytest.mark.parametrize("dsn", [None, "", "none"])
def test_mysql_pipeline_is_left_out_unless_an_address_is_set(dsn: str | None) -> None:
    settings = Settings({"MYSQL_DSN": dsn})
    assert sql_dsn(settings) == ""
    with pytest.raises(NotConfigured):
        MySqlPipeline.check(settings)
