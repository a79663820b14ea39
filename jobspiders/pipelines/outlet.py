"""The outlet of one crawl: one batcher, one spool, every sink. The sink pipelines open it together; rows go through it once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrapy import signals

from jobschema import Company, Job, PendingCompany
from jobspiders import statkeys
from jobstore.batch import ClosableSink
from jobstore.batcher import Batcher
from jobstore.errors import BatchNotStoredError, SpoolUnusableError, StoreClosedError, StoreError
from jobstore.outbox import Outbox, OutboxPolicy

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)
OnStored = Callable[[int], None]


def spool_folder(data_dir: str) -> Path:
    """Where batches and dead letters wait."""
    return Path(data_dir).resolve() / "spool"


class Outlet:
    """Opened when every sink pipeline has given its sink; `put` takes rows from then on."""

    batcher: Batcher
    outbox: Outbox

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.sinks: list[ClosableSink] = []
        self.front: object = None  # the pipeline that puts the rows: the first
        self.taken = 0  # rows put so far
        self.companies_noted: set[str] = set()
        self.is_open = False
        crawler.signals.connect(self.open, signals.spider_opened)

    @property
    def spider(self) -> Any:
        """The spider: `stop` and `ledger` where it is one of ours."""
        return self.crawler.spider

    def add_sink(self, pipeline: object, sink: ClosableSink) -> None:
        """Before the spider opens: one more place where every row has to be."""
        self.front = self.front or pipeline
        self.sinks.append(sink)

    async def open(self) -> None:
        """Replay what is left in the spool, and take rows."""
        settings = self.crawler.settings
        self.loop = asyncio.get_running_loop()
        folder = spool_folder(settings["DATA_DIR"])
        policy = OutboxPolicy(max_bytes=settings.getint("SPOOL_MAX_BYTES"))
        try:
            self.outbox = await asyncio.to_thread(
                Outbox, folder, self.sinks, policy=policy, on_stored=self.note_stored, on_failed=self.note_failed
            )
        except SpoolUnusableError as error:
            self.stop(error)
            return
        self.batcher = Batcher(
            self.outbox,
            run_id=self.spider.name,
            max_rows=settings.getint("BATCH_MAX_ROWS"),
            max_bytes=settings.getint("BATCH_MAX_BYTES"),
            max_seconds=settings.getfloat("BATCH_MAX_SECONDS"),
        )
        self.is_open = True
        ledger = getattr(self.spider, "ledger", None)
        if ledger is not None:
            ledger.count_rows_by(lambda: self.taken)
        self.outbox.start()

    def put(self, row: Job | Company) -> Future[None] | None:
        """Take a row; a future means: wait for it before the next one."""
        if not self.is_open:
            raise StoreClosedError("A row came while the spool is not open; the log says why. The crawl closes.")
        try:
            waiting = self.batcher.put(row)
            self.taken += 1
            if row.company_id and row.company_id not in self.companies_noted:
                self.companies_noted.add(row.company_id)
                if isinstance(row, Job):  # its company was not stored before it, so it may still have to be fetched
                    waiting = self.batcher.put(pending_company(row)) or waiting
                    self.taken += 1
        except StoreError as error:
            self.stop(error)
            raise
        return waiting

    def note_stored(self, count: int) -> None:
        """From a carrier's thread: the first `count` rows are in every sink."""
        self.loop.call_soon_threadsafe(self.tell_ledger, count)

    def note_failed(self, error: StoreError) -> None:
        """From a carrier's thread: a sink takes nothing more."""
        self.loop.call_soon_threadsafe(self.stop, error)

    def tell_ledger(self, count: int) -> None:
        ledger = getattr(self.spider, "ledger", None)
        if ledger is not None:
            ledger.stored(count)

    def stop(self, error: StoreError) -> None:
        """A store fails for good: crawling on would burn tokens for rows that wait on the disk, or that cannot be kept."""
        is_spool = isinstance(error, SpoolUnusableError) or isinstance(error.__cause__, SpoolUnusableError)
        logger.error("closing, because rows cannot be stored: %s", error)
        self.spider.stop("spool_failed" if is_spool else "sink_failed")

    async def close(self) -> None:
        """Every row to the disk, then to every sink as long as that goes on; then the sinks close. What is left waits on disk."""
        if self.is_open:
            self.is_open = False
            await self.empty()
        while self.sinks:
            await asyncio.to_thread(self.sinks.pop().close)

    async def empty(self) -> None:
        self.outbox.hurry()
        try:
            await self.batcher.close()
        except BatchNotStoredError:
            logger.exception("the last rows are not stored: their keywords go back")
        left = await asyncio.to_thread(self.outbox.stop, self.crawler.settings.getfloat("STORE_GRACE"))
        if left:
            logger.error("%d deliveries wait in the spool; the next crawl on this machine makes them", left)
        await asyncio.sleep(0)  # what the carriers told the loop is heard before the runs are judged
        self.count(self.batcher.stats())

    def count(self, batched: dict[str, Any]) -> None:
        for name, figures in self.outbox.stats().items():
            shared = {} if name == self.outbox.name else {key: batched.get(key, 0) for key in ("bytes", "rows_lost", "queued")}
            for figure, value in {**shared, **figures}.items():
                self.crawler.stats.set_value(f"{statkeys.SINK}/{name}/{figure}", value)


def outlet_of(crawler: Crawler) -> Outlet:
    """The outlet of this crawl, made at the first call."""
    outlet: Outlet | None = vars(crawler).get("outlet")
    if outlet is None:
        outlet = vars(crawler)["outlet"] = Outlet(crawler)
    return outlet


def pending_company(job: Job) -> PendingCompany:
    """The company that a posting shows, as one whose page may still have to be fetched."""
    return PendingCompany(
        platform=job.platform, company_id=job.company_id, name=job.company_name, job_id=job.job_id, seen_at=datetime.now(UTC)
    )
