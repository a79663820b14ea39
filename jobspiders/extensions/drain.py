"""Beside the flow: SIGTERM ends a node in order. Keywords under way end or go back; the process is gone in LEASE_GRACE seconds."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING, Any, Self

from scrapy import signals

from jobspiders.outcome import ExitCode
from jobspiders.session import session_of

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from jobspiders.session import PlatformSession

logger = logging.getLogger(__name__)


class DrainOnSignal:
    """Takes SIGTERM from Scrapy, which would drop what is scheduled at once. A second signal is Scrapy's again: it forces the end."""

    def __init__(self, crawler: Crawler, session: PlatformSession, grace: float) -> None:
        self.session = session
        self.grace = grace
        self.is_draining = False
        self.previous: Any = None  # the handler that was there: Scrapy's, or another spider's of this process
        self.deadline = threading.Timer(grace, self.give_up)
        self.deadline.daemon = True
        crawler.signals.connect(self.take_signal, signals.spider_opened)
        crawler.signals.connect(self.end, signals.engine_stopped)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler, session_of(crawler), crawler.settings.getfloat("LEASE_GRACE"))

    def take_signal(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # only the main thread hears signals; whoever runs spiders elsewhere stops them himself
        self.loop = asyncio.get_running_loop()
        self.previous = signal.getsignal(signal.SIGTERM)
        signal.signal(signal.SIGTERM, self.on_signal)
        if self.neighbour is not None and self.neighbour.is_draining:  # the process was told to go while this spider opened
            self.begin()

    @property
    def neighbour(self) -> DrainOnSignal | None:
        """That of the spider that opened before this one in the same process."""
        owner = getattr(self.previous, "__self__", None)
        return owner if isinstance(owner, DrainOnSignal) else None

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.is_draining or self.neighbour is not None:
            if callable(self.previous):
                self.previous(number, frame)
            if self.is_draining:
                return
        self.begin()

    def begin(self) -> None:
        self.is_draining = True
        self.loop.call_soon_threadsafe(self.drain)

    def drain(self) -> None:
        logger.warning("told to go: no further keyword is claimed; what is open ends or goes back within %.0f s", self.grace)
        self.deadline.start()
        self.session.drain(self.grace)

    def give_up(self) -> None:
        """The time is over. What the stores have not confirmed was not acknowledged: leases that expire bring it again."""
        logger.critical("not done %.0f s after SIGTERM: leaving now. The leases still held expire and go to others", self.grace)
        logging.shutdown()
        os._exit(ExitCode.PARTIAL)

    def end(self) -> None:
        self.deadline.cancel()
