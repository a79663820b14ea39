"""Beside the flow: one line per platform and interval, or a live bar where standard error is a terminal."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Sized
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from scrapy import signals
from scrapy.exceptions import NotConfigured
from tqdm import tqdm

from jobspiders.outcome import Outcome, read_outcome
from jobspiders.session import session_of

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)
BAR_SECONDS = 0.25
BAR_FORMAT = "{desc} {bar} {n_fmt}/{total_fmt} requests{postfix}"


class ProgressLine:
    """Shows pages, rows, blocks and rows/s while the spider runs."""

    def __init__(self, crawler: Crawler, interval: float, is_terminal: bool) -> None:
        self.crawler = crawler
        self.platform = session_of(crawler).platform.name
        self.interval = BAR_SECONDS if is_terminal else interval
        self.bar: tqdm | None = None
        self.is_terminal = is_terminal
        self.task: asyncio.Task[None] | None = None
        self.started = time.monotonic()
        crawler.signals.connect(self.open, signals.spider_opened)
        crawler.signals.connect(self.close, signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        interval = crawler.settings.getfloat("PROGRESS_SECONDS")
        if not interval:
            raise NotConfigured("PROGRESS_SECONDS is 0")
        return cls(crawler, interval, sys.stderr.isatty())

    def open(self) -> None:
        if self.is_terminal:
            self.bar = tqdm(desc=f"{self.platform:8}", total=0, bar_format=BAR_FORMAT, file=sys.stderr, leave=True)
        self.task = asyncio.get_running_loop().create_task(self.run())

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self.interval)
            self.show()

    def show(self) -> None:
        outcome = read_outcome(self.platform, self.crawler.stats.get_stats())
        if self.bar is None:
            logger.info("%s", self.describe(outcome))
            return
        done = self.crawler.stats.get_value("response_received_count", 0)
        self.bar.total = done + self.waiting()
        self.bar.n = done
        self.bar.set_postfix_str(self.describe(outcome).split(None, 1)[1], refresh=False)
        self.bar.refresh()

    def waiting(self) -> int:
        """Requests scheduled or on their way."""
        slot = self.crawler.engine._slot  # Scrapy has no public count
        scheduler = slot.scheduler if slot else None
        return (len(scheduler) if isinstance(scheduler, Sized) else 0) + len(self.crawler.engine.downloader.active)

    def describe(self, outcome: Outcome) -> str:
        seconds = max(time.monotonic() - self.started, 0.001)
        rate = (outcome.jobs + outcome.companies) / seconds
        return (
            f"{self.platform:8} {outcome.pages} pages  {outcome.jobs} jobs  {outcome.companies} companies  "
            f"{outcome.blocks_survived} of {outcome.blocks_met} blocks survived  {rate:.1f} rows/s"
        )

    async def close(self) -> None:
        if self.task is not None:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task
        self.show()
        if self.bar is not None:
            self.bar.close()
