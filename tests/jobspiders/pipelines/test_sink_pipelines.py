"""The sink pipelines of one crawl: rows are put once and reach every sink; a store that fails closes the spider with a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy.exceptions import NotConfigured
from scrapy.utils.test import get_crawler

from jobschema import Job, PendingCompany, Platform
from jobspiders.errors import ArgumentsInvalidError
from jobspiders.pipelines.base import SinkPipeline
from jobspiders.pipelines.clickhouse import ClickHousePipeline
from jobspiders.pipelines.enrichment import EnrichmentPipeline
from jobspiders.pipelines.ingest import IngestPipeline
from jobstore.errors import StatementRefusedError, StoreBusyError, StoreError


class MemorySink:
    """Keeps rows; fails as told."""

    def __init__(self, name: str, failure: StoreError | None = None) -> None:
        self.name = name
        self.failure = failure
        self.rows: list[Any] = []
        self.is_closed = False

    def write_rows(self, rows: tuple[Any, ...], token: str) -> dict[str, int]:
        if self.failure is not None:
            raise self.failure
        self.rows += rows
        return {"rows": len(rows)}

    def close(self) -> None:
        self.is_closed = True


class Spider:
    """What the outlet needs of a spider."""

    name = "boss"

    def __init__(self) -> None:
        self.stored: list[int] = []
        self.reasons: list[str] = []
        self.ledger = SimpleNamespace(count_rows_by=lambda count: None, stored=self.stored.append)
        self.stop = self.reasons.append


def make_job(number: int) -> Job:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    values = {"job_id": f"{number}", "title": "t", "company_id": f"c{number % 2}", "content_hash": f"{number:032x}", "raw": "{}"}
    return Job(platform=Platform.BOSS, crawled_at=at, **values)


async def crawl(tmp_path: Path, sinks: list[MemorySink], act: Callable[[list[SinkPipeline], Spider], Any], **settings: Any) -> Any:
    crawler = get_crawler(settings_dict={"DATA_DIR": str(tmp_path), "STORE_GRACE": 0.1, **settings})
    crawler.spider = spider = Spider()  # type: ignore[assignment]
    pipelines = []
    for sink in sinks:
        kind = type("OnePipeline", (SinkPipeline,), {"open_sink": lambda self, sink=sink: sink})
        pipelines.append(kind.from_crawler(crawler))
    for pipeline in pipelines:
        await pipeline.open_spider()
    await pipelines[0].outlet.open()
    done = act(pipelines, spider)
    if done is not None:
        await done
    for pipeline in pipelines:
        await pipeline.close_spider()
    await asyncio.sleep(0)
    return crawler, spider


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"BATCH_MAX_ROWS": 3, "BATCH_MAX_BYTES": 10**6, "BATCH_MAX_SECONDS": 60, "SPOOL_MAX_BYTES": 10**6}


def put_all(pipelines: list[SinkPipeline], _spider: Spider) -> None:
    for number in range(4):
        for pipeline in pipelines:
            pipeline.process_item(make_job(number))
    for pipeline in pipelines:
        assert pipeline.process_item({"no": "row"}) == {"no": "row"}


def test_rows_and_their_companies_reach_every_sink_once(tmp_path: Path, settings: dict[str, Any]) -> None:
    sinks = [MemorySink("one"), MemorySink("two")]
    crawler, spider = asyncio.run(crawl(tmp_path, sinks, put_all, **settings))
    for sink in sinks:
        assert [row.job_id for row in sink.rows if isinstance(row, Job)] == ["0", "1", "2", "3"]
        assert [row.company_id for row in sink.rows if isinstance(row, PendingCompany)] == ["c0", "c1"]
        assert sink.is_closed
        assert crawler.stats.get_value(f"sink/{sink.name}/rows") == 6
    assert (spider.stored[-1], spider.reasons) == (6, [])
    assert not list((tmp_path / "spool").iterdir())


def test_sink_away_at_the_end_leaves_its_rows_to_the_next_crawl(tmp_path: Path, settings: dict[str, Any]) -> None:
    away, there = MemorySink("one", StoreBusyError("not now")), MemorySink("two")
    _, spider = asyncio.run(crawl(tmp_path, [away, there], put_all, **settings))
    assert (len(there.rows), away.rows, spider.stored) == (6, [], [])
    again = MemorySink("one")
    crawler, _ = asyncio.run(crawl(tmp_path, [again, MemorySink("two")], lambda *_: None, **settings))
    assert len(again.rows) == 6
    assert crawler.stats.get_value("sink/spool/replayed") == 2


def test_sink_that_fails_for_good_closes_the_spider(tmp_path: Path, settings: dict[str, Any]) -> None:
    sink = MemorySink("one", StatementRefusedError("no such table"))
    _, spider = asyncio.run(crawl(tmp_path, [sink], put_all, **settings))
    assert spider.reasons == ["sink_failed"]


def test_spool_that_cannot_be_made_closes_the_spider(tmp_path: Path, settings: dict[str, Any]) -> None:
    (tmp_path / "spool").write_text("a file where the folder should be")
    _, spider = asyncio.run(crawl(tmp_path, [MemorySink("one")], lambda *_: None, **settings))
    assert spider.reasons == ["spool_failed"]


@pytest.mark.parametrize(
    ("pipeline", "given"),
    [
        (ClickHousePipeline, {"CLICKHOUSE_DSN": "none", "DATA_DIR": "data"}),
        (IngestPipeline, {"INGEST_ENABLED": False}),
        (EnrichmentPipeline, {"ENRICHMENT_URL": ""}),
    ],
)
def test_pipeline_that_the_settings_leave_out_is_not_configured(pipeline: type[SinkPipeline], given: dict[str, Any]) -> None:
    with pytest.raises(NotConfigured):
        pipeline.from_crawler(get_crawler(settings_dict=given))


@pytest.mark.parametrize(
    ("pipeline", "given", "named"),
    [
        (IngestPipeline, {"INGEST_ENABLED": True, "CONTROL_API_URL": "", "CONTROL_API_TOKEN": "t"}, "CONTROL_API_URL"),
        (IngestPipeline, {"INGEST_ENABLED": True, "CONTROL_API_URL": "http://127.0.0.1:1", "CONTROL_API_TOKEN": ""}, "CONTROL_API_TOKEN"),
        (EnrichmentPipeline, {"ENRICHMENT_URL": "http://127.0.0.1:1", "ENRICHMENT_SALT": ""}, "ENRICHMENT_SALT"),
    ],
)
def test_pipeline_whose_settings_lack_something_names_it(pipeline: type[SinkPipeline], given: dict[str, Any], named: str) -> None:
    with pytest.raises(ArgumentsInvalidError, match=named):
        pipeline.from_crawler(get_crawler(settings_dict=given))
