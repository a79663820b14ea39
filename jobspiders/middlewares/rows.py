"""After the callback (spider middleware): a page's rows go through our pipelines together, without Scrapy's ceremony for each.

Scrapy makes a task, a signal and a log record of every item; for a page of 50 postings that costs more than parsing and normalising
them. Where nobody but Scrapy's own counter listens and every pipeline is ours, the rows are handed over here and counted as
items; as soon as there is a feed, an extension that listens to items or somebody's pipeline, each row is an ordinary item again.
"""

from __future__ import annotations

from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Self

from pydispatch.dispatcher import getAllReceivers, liveReceivers
from scrapy import signals
from scrapy.extensions.corestats import CoreStats

from jobspiders.platforms.base import RawCompany, RawJob

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from scrapy.crawler import Crawler
    from scrapy.http import Response

OURS = "jobspiders.pipelines."


class RowsMiddleware:
    """Takes raw jobs and companies out of a callback's output when that is safe; passes everything else."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.processes: list[Callable[[Any], Any]] | None = None
        crawler.signals.connect(self.choose_way, signals.spider_opened)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def choose_way(self) -> None:
        """Decide once, when every component has connected what it listens to."""
        receivers = liveReceivers(getAllReceivers(self.crawler, signals.item_scraped))
        listeners = [receiver for receiver in receivers if not isinstance(getattr(receiver, "__self__", None), CoreStats)]
        processes = [process for process in self.crawler.engine.scraper.itemproc.methods["process_item"] if process]
        if not listeners and all(_is_ours(process) for process in processes):
            self.processes = processes

    async def process_spider_output(self, response: Response, result: AsyncIterator[Any]) -> AsyncIterator[Any]:  # noqa: ARG002
        if self.processes is None:
            async for output in result:
                yield output
            return
        rows = []
        async for output in result:
            if isinstance(output, RawJob | RawCompany):
                rows.append(output)
            else:
                yield output
        await self.process(rows, self.processes)

    async def process(self, rows: list[Any], processes: list[Callable[[Any], Any]]) -> None:
        for row in rows:
            item = row
            for process_item in processes:
                item = process_item(item)
                if isawaitable(item):
                    item = await item
        if rows:
            self.crawler.stats.inc_value("item_scraped_count", len(rows))


def _is_ours(process: Callable[..., Any]) -> bool:
    return type(getattr(process, "__self__", None)).__module__.startswith(OURS)
