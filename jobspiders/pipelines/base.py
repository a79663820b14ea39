"""The shell of every sink pipeline: a subclass says which sink, the outlet does the rest. Rows are put once, whatever the sinks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from jobschema import Company, Job
from jobspiders.pipelines.outlet import Outlet, outlet_of
from jobstore.batch import ClosableSink

if TYPE_CHECKING:
    from concurrent.futures import Future

    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings


class SinkPipeline:
    """Subclasses implement `open_sink`, and `check` to raise NotConfigured where the settings leave the sink out."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.outlet: Outlet = outlet_of(crawler)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        cls.check(crawler.settings)
        return cls(crawler)

    @classmethod
    def check(cls, settings: BaseSettings) -> None:
        """Raise NotConfigured (left out) or ArgumentsInvalidError (wrong)."""

    def open_sink(self) -> ClosableSink:
        """Open the sink, its tables checked; called in a thread, may block. A StoreError ends the crawl before it begins."""
        raise NotImplementedError(f"{type(self).__name__} opens no sink")

    async def open_spider(self) -> None:
        self.outlet.add_sink(self, await asyncio.to_thread(self.open_sink))

    def process_item(self, item: Any) -> Any:
        """The item itself, or something to await when the queue is full. Items that are no rows pass."""
        if self.outlet.front is not self or not isinstance(item, Job | Company):
            return item
        waiting = self.outlet.put(item)
        return item if waiting is None else self.wait(waiting, item)

    async def wait(self, waiting: Future[None], item: Any) -> Any:
        await asyncio.wrap_future(waiting)
        return item

    async def close_spider(self) -> None:
        await self.outlet.close()
