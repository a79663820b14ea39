"""After the callback (spider middleware): a page's rows go through our pipelines together, without Scrapy's ceremony for each.

Scrapy makes a task, a signal and a log record of every item; for a page of 50 postings that costs more than parsing and normalising
them. Where nobody but Scrapy's own counter listens and every pipeline is ours, the rows are handed over here and counted as
items; as soon as there is a feed, an extension that listens to items or somebody's pipeline, each row is an ordinary item again.
"""

from __future__ import annotations

import logging
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Self

from pydispatch.dispatcher import getAllReceivers, liveReceivers
from scrapy import signals
from scrapy.exceptions import DropItem
from scrapy.extensions.corestats import CoreStats

from jobschema import Company, Job
from jobspiders.platforms.base import RawCompany, RawJob
from jobstore.failpoints import reach

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from scrapy.crawler import Crawler
    from scrapy.http import Response

logger = logging.getLogger(__name__)
OURS = "jobspiders.pipelines."
ROWS_NOT_TAKEN = "rows_not_taken"  # the cause of a run whose rows a pipeline refused or failed to take


class RowsMiddleware:
    """Takes raw jobs and companies out of a callback's output when that is safe; passes everything else."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.processes: list[Callable[[Any], Any]] | None = None
        crawler.signals.connect(self.choose_way, signals.spider_opened)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    @property
    def ledger(self) -> Any:
        """The books of our spiders; only they put a run into a request."""
        return self.crawler.spider.ledger  # type: ignore[union-attr]

    def choose_way(self) -> None:
        """Decide once, when every component has connected what it listens to."""
        receivers = liveReceivers(getAllReceivers(self.crawler, signals.item_scraped))
        listeners = [receiver for receiver in receivers if not isinstance(getattr(receiver, "__self__", None), CoreStats)]
        processes = [process for process in self.crawler.engine.scraper.itemproc.methods["process_item"] if process]
        if not listeners and all(_is_ours(process) for process in processes):
            self.processes = processes
        else:
            self.crawler.signals.connect(self.note_handed, signals.item_scraped)
            self.crawler.signals.connect(self.note_dropped, signals.item_dropped)
            self.crawler.signals.connect(self.note_lost, signals.item_error)

    async def process_spider_output(self, response: Response, result: AsyncIterator[Any]) -> AsyncIterator[Any]:
        if self.processes is None:
            async for output in result:
                self.note_item(output, response)
                yield output
            return
        rows: list[Any] = []
        async for output in result:
            if not isinstance(output, RawJob | RawCompany):
                yield output
                continue
            if not rows:
                self.note_item(output, response)  # before the callback ends and its request counts as closed
            rows.append(output)
        if rows:
            await self.hand_over(rows, response)

    async def hand_over(self, rows: list[Any], response: Response) -> None:
        """A page's rows to the pipelines, and to the books of its run."""
        assert self.processes is not None, "only called where the rows go our way"
        taken = 0
        cause: str | None = ROWS_NOT_TAKEN
        reach("page_read")
        try:
            await self.process(rows, self.processes)
            taken, cause = len(rows), None
        finally:
            if (run := response.meta.get("run")) is not None:
                self.ledger.handed(run, taken, cause)
        reach("page_handed")

    def note_item(self, output: Any, response: Response) -> None:
        """Rows of a run are on their way to the pipelines: it does not end before they are handed over."""
        if isinstance(output, RawJob | RawCompany) and (run := response.meta.get("run")) is not None:
            self.ledger.awaits(run)

    def note_handed(self, item: Any, response: Response | None) -> None:
        """An item of a page has passed every pipeline."""
        if response is not None and isinstance(item, Job | Company | RawJob | RawCompany):
            self.note_end(response, 1, None)

    def note_dropped(self, item: Any, response: Response | None) -> None:
        """A pipeline left an item out on purpose: nothing is missing."""
        if response is not None and isinstance(item, Job | Company | RawJob | RawCompany):
            self.note_end(response, 0, None)

    def note_lost(self, item: Any, response: Response | None) -> None:
        """A pipeline failed on an item."""
        if response is not None and isinstance(item, Job | Company | RawJob | RawCompany):
            self.note_end(response, 0, ROWS_NOT_TAKEN)

    def note_end(self, response: Response, taken: int, cause: str | None) -> None:
        if (run := response.meta.get("run")) is not None:
            self.ledger.handed(run, taken, cause)

    async def process(self, rows: list[Any], processes: list[Callable[[Any], Any]]) -> None:
        dropped = 0
        for row in rows:
            item = row
            try:
                for process_item in processes:
                    item = process_item(item)
                    if isawaitable(item):
                        item = await item
            except DropItem as error:
                dropped += 1
                logger.debug("a row is left out: %s", error)
        self.crawler.stats.inc_value("item_scraped_count", len(rows) - dropped)
        if dropped:
            self.crawler.stats.inc_value("item_dropped_count", dropped)


def _is_ours(process: Callable[..., Any]) -> bool:
    return type(getattr(process, "__self__", None)).__module__.startswith(OURS)
