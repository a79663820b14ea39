"""Beside the flow: tries the operator's signing script before anything is asked, counts what it did, and lets its engine go."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

from scrapy import signals
from scrapy.exceptions import NotConfigured

from jobspiders import statkeys
from jobspiders.session import PlatformSession, session_of
from jobspiders.signers.errors import SigningError

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from jobspiders.signers.script import ScriptSigner

logger = logging.getLogger(__name__)


class SigningWatch:
    """A script that does not work ends the crawl before its first request, with one line that says why."""

    def __init__(self, crawler: Crawler, session: PlatformSession, script: ScriptSigner) -> None:
        self.crawler = crawler
        self.session = session
        self.script = script
        crawler.signals.connect(self.open, signals.spider_opened)
        crawler.signals.connect(self.close, signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        session = session_of(crawler)
        if session.script is None:
            raise NotConfigured
        return cls(crawler, session, session.script)

    async def open(self) -> None:
        try:
            engine = await self.script.open()
        except SigningError as error:
            logger.error("not started, because requests cannot be signed: %s", error)
            self.session.stop("signing_failed")
            return
        logger.debug("signing with %s", engine)

    async def close(self) -> None:
        state, stats = self.script.state(), self.crawler.stats
        stats.set_value(statkeys.SIGNING_ENGINE, state.engine)
        stats.set_value(statkeys.SIGNING_CALLS, state.calls)
        stats.set_value(statkeys.SIGNING_RECYCLED, state.recycled)
        stats.set_value(statkeys.SIGNING_HANGS, state.hangs)
        await self.script.close()
