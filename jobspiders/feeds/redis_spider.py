"""scrapy-redis's door: a spider with this mixin is a RedisMixin whose keywords are leased, without a blocking call in the reactor.

class KeywordSpider(RedisKeywordMixin, ...): from_crawler -> open_redis(crawler) -> setup_redis(crawler) -> self.feed
"""

from __future__ import annotations

import os
import socket
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from scrapy_redis.spiders import RedisMixin

from jobschema.keys import REDIS_KEY, PlatformKeys
from jobschema.messages import Keyword, Lease
from jobspiders import statkeys
from jobspiders.errors import ArgumentsInvalidError
from jobspiders.feeds.redis import FeedOptions, RedisFeed
from jobspiders.feeds.redis_settings import connect, is_redis_configured, read_limits, read_max_leases, read_policy
from jobspiders.leases.budget import RequestBudget
from jobspiders.leases.entries import MessageUnreadableError, entry_id, read_message
from jobspiders.leases.holder import LeaseHolder
from jobspiders.leases.queue import KeywordQueue
from jobspiders.leases.scripts import LeaseScripts, RedisTransport

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class RedisKeywordMixin(RedisMixin):  # type: ignore[misc]  # scrapy-redis has no types
    """`redis_key`, `redis_batch_size` and `max_idle_time` mean what scrapy-redis says; the batch is how many keywords run at once."""

    redis_key: str | None = None
    redis_batch_size: int | None = None
    max_idle_time: int | None = None
    server: Any = None  # the asyncio client; None where no Redis is named
    feed: Any

    def open_redis(self, crawler: Crawler) -> RequestBudget | None:
        """The connection, and on it the budget that this platform's nodes share; None where no Redis is named. Nothing connects yet."""
        settings = crawler.settings
        if self.server is None and is_redis_configured(settings):
            self.server = connect(settings)
        if self.server is None:
            return None
        keys = PlatformKeys(self.platform_name, settings.get("REDIS_START_URLS_KEY") or REDIS_KEY)
        return RequestBudget.over(self.server, keys, read_limits(settings))

    def setup_redis(self, crawler: Crawler | None = None) -> None:
        """Build the feed from settings; nothing connects before `start()`. Raises ArgumentsInvalidError or ValueError."""
        if type(self).make_request_from_data is not RedisKeywordMixin.make_request_from_data:
            raise ArgumentsInvalidError(
                f"{type(self).__name__} overrides make_request_from_data, which leases replace: override make_keyword_from_data"
            )
        settings = (crawler or self.crawler).settings
        self.redis_key = self.redis_key or settings.get("REDIS_START_URLS_KEY") or REDIS_KEY
        self.redis_batch_size = int(self.redis_batch_size or settings.getint("CONCURRENT_REQUESTS"))
        self.max_idle_time = int(settings.getint("MAX_IDLE_TIME_BEFORE_CLOSE") if self.max_idle_time is None else self.max_idle_time)
        self.server = self.server or connect(settings)
        keys = PlatformKeys(self.platform_name, self.redis_key)
        self.redis_key = keys.inbox
        scripts = LeaseScripts(RedisTransport(self.server), keys)
        node = {"node": settings.get("NODE_NAME") or socket.gethostname(), "pid": os.getpid(), "spider": self.name}
        self.feed = RedisFeed(
            LeaseHolder(scripts, self.platform_name, read_policy(settings), node=node),
            KeywordQueue(scripts, self.platform_name),
            FeedOptions(self.redis_batch_size, read_max_leases(settings), float(self.max_idle_time)),
            read_message=self.make_keyword_from_data,
            on_lost=self.on_leases_lost,
        )
        self.logger.info("Reading keywords from redis key %r (%d at once)", self.redis_key, self.redis_batch_size)

    async def close_redis(self) -> None:
        """After the last report to the feed: its figures become stats, the connection ends."""
        if self.server is None:
            return
        if isinstance(self.feed, RedisFeed):
            figures = {**asdict(self.feed.figures), "outages": self.feed.patience.outages, "away_seconds": self.feed.patience.away_seconds}
            for name, value in figures.items():
                self.crawler.stats.set_value(f"{statkeys.LEASE}/{name}", value)
        await self.server.aclose()

    def make_keyword_from_data(self, data: str) -> tuple[Keyword, str]:
        """An operator's message as (keyword, run), its city as a code. Raises MessageUnreadableError: then it is put aside."""
        keyword, run = read_message(data, self.platform_name)
        try:
            city_code = self.platform.city_code(keyword.city_code or "全国")
            entry_id(keyword, run)
        except ValueError as error:
            raise MessageUnreadableError(f"cannot be searched: {error}") from None
        return Keyword(self.platform_name, keyword.text, city_code, keyword.depth, keyword.keyword_id, keyword.priority), run

    def make_request_from_data(self, data: Any) -> Any:
        """Not used: a message becomes a keyword (`make_keyword_from_data`), which is leased before its requests are made."""
        raise NotImplementedError(str(self.make_request_from_data.__doc__))

    def on_leases_lost(self, leases: list[Lease]) -> None:
        """Their runs are pointless: another node has the keywords. Override to stop them."""
