"""Last pipeline, 300: rows to ClickHouse through jobstore's batcher. A full queue slows the crawl; nothing is dropped silently."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from scrapy.exceptions import NotConfigured

from jobschema import Company, Job, PendingCompany
from jobspiders import statkeys
from jobspiders.secret import reveal
from jobstore.batcher import Batcher
from jobstore.clickhouse import ClickHouseStore
from jobstore.errors import BatchNotStoredError, StoreError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

logger = logging.getLogger(__name__)
NO_STORE = "none"


def store_dsn(settings: BaseSettings) -> str:
    """CLICKHOUSE_DSN, or the chDB folder `clickhouse` under DATA_DIR when it is empty."""
    return reveal(settings.get("CLICKHOUSE_DSN")) or f"chdb://{Path(settings['DATA_DIR']).resolve() / 'clickhouse'}"


class ClickHousePipeline:
    """Opens the store with the spider and closes it when everything is stored. CLICKHOUSE_DSN=none leaves it out."""

    def __init__(self, crawler: Crawler, dsn: str, limits: dict[str, Any]) -> None:
        self.crawler = crawler
        self.dsn = dsn
        self.limits = limits
        self.companies_noted: set[str] = set()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        settings = crawler.settings
        dsn = store_dsn(settings)
        if dsn == NO_STORE:
            raise NotConfigured("CLICKHOUSE_DSN is none: rows go to feeds only")
        limits = {
            "max_rows": settings.getint("BATCH_MAX_ROWS"),
            "max_bytes": settings.getint("BATCH_MAX_BYTES"),
            "max_seconds": settings.getfloat("BATCH_MAX_SECONDS"),
        }
        return cls(crawler, dsn, limits)

    async def open_spider(self) -> None:
        self.store = await asyncio.to_thread(ClickHouseStore.open, self.dsn)
        await asyncio.to_thread(self.store.ensure_schema)
        self.batcher = Batcher(self.store, run_id=self.crawler.spider.name, **self.limits)

    def process_item(self, item: Any) -> Any:
        """The item itself, or something to await when the queue is full. Items that are no rows pass."""
        if not isinstance(item, Job | Company):
            return item
        try:
            waiting = self.batcher.put(item)
            if isinstance(item, Job) and item.company_id and item.company_id not in self.companies_noted:
                self.companies_noted.add(item.company_id)
                waiting = self.batcher.put(pending_company(item)) or waiting
        except StoreError as error:
            self.stop(error)
            raise
        return item if waiting is None else self.wait(waiting, item)

    async def wait(self, waiting: Future[None], item: Any) -> Any:
        await asyncio.wrap_future(waiting)
        return item

    def stop(self, error: StoreError) -> None:
        """The store lost a batch: crawling on would burn tokens for rows that are not kept."""
        logger.error("closing, because rows cannot be stored: %s", error)
        self.crawler.spider.stop("sink_failed")

    async def close_spider(self) -> None:
        try:
            await self.batcher.close()
        except BatchNotStoredError:
            logger.exception("the last rows are not stored")
        finally:
            for name, value in self.batcher.stats().items():
                self.crawler.stats.set_value(f"{statkeys.SINK}/{name}", value)
            await asyncio.to_thread(self.store.close)


def pending_company(job: Job) -> PendingCompany:
    """The company that a posting shows, as one whose page may still have to be fetched."""
    return PendingCompany(
        platform=job.platform, company_id=job.company_id, name=job.company_name, job_id=job.job_id, seen_at=datetime.now(UTC)
    )
