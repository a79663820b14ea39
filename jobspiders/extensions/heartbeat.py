"""Beside the flow: tells the control plane that this node lives and how it fares, hears whether to drain, says its last words."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import platform
import re
from typing import TYPE_CHECKING, Any, Self

from scrapy import signals
from scrapy.exceptions import NotConfigured

from jobspiders.control_client import ControlAwayError, ControlClient, ControlRefusedError, is_control_configured
from jobspiders.feeds.control import ControlFeed
from jobspiders.platforms.base import CallKind
from jobspiders.pools.control_tokens import ControlTokenPool
from jobspiders.session import session_of

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

    from jobspiders.session import PlatformSession

logger = logging.getLogger(__name__)
PREFIX = "/api/v1/node"
VITALS = 50
LAST_SECONDS = 5.0
_NAME = re.compile(r"[a-z][a-z0-9_/.]{0,39}")
_REASONS = {"finished": "finished", "drained": "drained", "banned": "banned", "spot_interrupted": "spot_interrupted", "shutdown": "stopped"}


class NodeHeartbeat:
    """One heartbeat a crawl, as often as the control plane wants. Off without CONTROL_API_URL."""

    def __init__(self, crawler: Crawler, session: PlatformSession, client: ControlClient) -> None:
        self.crawler = crawler
        self.session = session
        self.client = client
        self.beating: asyncio.Task[None] | None = None
        self.reason = "stopped"
        crawler.signals.connect(self.begin, signals.spider_opened)
        crawler.signals.connect(self.count_answer, signals.response_received)
        crawler.signals.connect(self.note_end, signals.spider_closed)
        crawler.signals.connect(self.take_leave, signals.engine_stopped)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        if not is_control_configured(crawler.settings):
            raise NotConfigured
        session = session_of(crawler)
        assert session.control is not None, "open_session makes it where CONTROL_API_URL is set"
        return cls(crawler, session, session.control)

    def begin(self) -> None:
        self.beating = asyncio.get_running_loop().create_task(self.beat())

    async def beat(self) -> None:
        about = {"host": platform.node()[:100], "version": "0.1.0", "platforms": [self.session.platform.name.value]}
        try:
            wanted = await self.client.insist("POST", f"{PREFIX}/register", about)
            while True:
                self.obey(wanted)
                await asyncio.sleep(wanted["heartbeat_seconds"])
                try:
                    wanted = await self.client.ask("POST", f"{PREFIX}/heartbeat", {"vitals": self.read_vitals()})
                except ControlAwayError as error:
                    logger.warning("%s", error)
        except ControlRefusedError as error:
            logger.error("closing, because the control plane refuses this node: %s", error)
            self.session.stop("control_refused")

    def obey(self, wanted: dict[str, Any]) -> None:
        if wanted["is_draining"]:
            logger.warning("the control plane drains this node")
            self.session.drain(self.crawler.settings.getfloat("LEASE_GRACE"))

    def read_vitals(self) -> dict[str, float]:
        assert self.crawler.stats is not None, "a crawler that runs has stats"
        found = self.crawler.stats.get_stats().items()
        numbers = {key.lower(): value for key, value in found if isinstance(value, int | float) and _NAME.fullmatch(key.lower())}
        first = sorted(numbers.items(), key=lambda item: item[0].startswith(("downloader", "scheduler", "memusage")))
        return dict(first[:VITALS])

    def count_answer(self, request: Request) -> None:
        """What a run brings, for the report of its end."""
        feed, run, call = getattr(self.crawler.spider, "feed", None), request.meta.get("run"), request.meta.get("call")
        reading = request.meta.get("reading")
        if isinstance(feed, ControlFeed) and run is not None and call is not None and reading is not None:
            is_search = call.kind is CallKind.SEARCH
            jobs = len(reading.jobs) if is_search else 0
            feed.note(run.lease, pages=int(is_search), jobs=jobs, companies=len(reading.companies))

    def note_end(self, reason: str) -> None:
        self.reason = reason

    async def take_leave(self) -> None:
        """After every report: whatever is still held goes back at once."""
        if self.beating is not None:
            self.beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.beating
        if isinstance(self.session.tokens, ControlTokenPool):
            await self.session.tokens.close(LAST_SECONDS)
        words = {"reason": _REASONS.get(self.reason, "error"), "words": self.reason[:100], "platforms": [self.session.platform.name.value]}
        try:
            async with asyncio.timeout(LAST_SECONDS):
                await self.client.ask("POST", f"{PREFIX}/last-words", words)
        except (ControlAwayError, ControlRefusedError, TimeoutError) as error:
            logger.warning("the last words were not heard: %s", error)
        await self.client.close()
