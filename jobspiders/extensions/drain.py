"""Beside the flow: SIGTERM ends a node in order. Keywords under way end or go back; the process is gone in LEASE_GRACE seconds."""

from __future__ import annotations

import asyncio
import contextlib
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
LAST_WORDS_SECONDS = 1.0


class DrainOnSignal:
    """Takes SIGTERM from Scrapy, which would drop what is scheduled at once. A second signal is Scrapy's again: it forces the end."""

    def __init__(self, crawler: Crawler, session: PlatformSession, grace: float) -> None:
        self.crawler = crawler
        self.session = session
        self.grace = grace
        self.is_draining = False
        self.previous: Any = None  # the handler that was there: Scrapy's, or another spider's of this process
        self.told, self.over = threading.Event(), threading.Event()
        self.loop: asyncio.AbstractEventLoop | None = None  # the crawl's, once the signal is taken
        crawler.signals.connect(self.take_signal, signals.spider_opened)
        crawler.signals.connect(self.end, signals.engine_stopped)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        drain = cls(crawler, session_of(crawler), crawler.settings.getfloat("LEASE_GRACE"))
        with contextlib.suppress(RuntimeError):  # no loop runs yet
            asyncio.get_running_loop()
            drain.take_signal()  # before the stores open: one that does not answer must not keep a node that is told to go
        return drain

    def take_signal(self) -> None:
        if threading.current_thread() is not threading.main_thread() or self.loop is not None:
            return  # only the main thread hears signals; whoever runs spiders elsewhere stops them himself
        self.loop = asyncio.get_running_loop()
        threading.Thread(target=self.watch, name="drain", daemon=True).start()
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
        assert self.loop is not None, "who takes the signal has a loop"
        self.is_draining = True
        self.told.set()  # the time counts from here: a loop that stands cannot start a clock
        self.loop.call_soon_threadsafe(self.drain)

    def drain(self) -> None:
        logger.warning("told to go: no further keyword is claimed; what is open ends or goes back within %.0f s", self.grace)
        self.session.drain(self.grace)

    def watch(self) -> None:
        """A thread of its own: nothing that happens on the loop keeps the process longer than the grace."""
        self.told.wait()
        if not self.over.wait(self.grace):
            self.give_up()

    def give_up(self) -> None:
        """The time is over. What the stores have not confirmed was not acknowledged: leases that expire bring it again."""
        words = threading.Thread(target=self.say_why, daemon=True)
        words.start()
        words.join(LAST_WORDS_SECONDS)  # a log that nobody reads must not keep the process
        os._exit(ExitCode.PARTIAL)

    def say_why(self) -> None:
        logger.critical("not done %.0f s after SIGTERM: leaving now. The leases still held expire and go to others", self.grace)
        logging.shutdown()

    def end(self) -> None:
        """Scrapy says so at a second signal too, while the spider still closes: then the time goes on counting."""
        if self.crawler.engine.spider is None:
            self.over.set()
            self.told.set()
