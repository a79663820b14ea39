"""Keywords from the control plane's API: claimed as there is room, kept by one heartbeat, ended once.

GET /keyword/available -> leases() -> spider -> complete() | give_back() -> POST /keyword/lease/{id}/...
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobschema.enums import Platform
from jobschema.messages import Keyword, Lease
from jobspiders.control_client import ControlAwayError, ControlClient, ControlRefusedError

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

logger = logging.getLogger(__name__)
PREFIX = "/api/v1/keyword"
LOST = "lease-lost"
FIGURES = ("pages", "jobs", "companies")
ANSWER_SECONDS = 2.0  # that a closing node waits for the answer to its last claim
_CAUSE = re.compile(r"[^\w/:. -]")


@dataclass(frozen=True, slots=True)
class ControlFeedOptions:
    """`max_held`: keywords open at once. `poll_seconds`: between two questions when nothing is due. `max_idle`: seconds without a keyword
    before leases() ends; 0 = wait for ever."""

    max_held: int = 8
    poll_seconds: float = 5.0
    max_idle: float = 0.0


@dataclass(slots=True)
class _Held:
    lease: Lease
    seconds: float  # how long the lease lasts from each extension
    figures: Counter[str] = field(default_factory=Counter)
    is_crawled: bool = False


class ControlFeed:
    """A KeywordFeed over the control plane. `on_lost` hears of leases whose runs are pointless now."""

    def __init__(
        self,
        client: ControlClient,
        platform: Platform,
        options: ControlFeedOptions | None = None,
        *,
        on_lost: Callable[[list[Lease]], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.client = client
        self.platform = platform
        self.options = options or ControlFeedOptions()
        self.on_lost = on_lost
        self.figures: Counter[str] = Counter(claimed=0, complete=0, returned=0, lost=0)
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._unstarted: deque[Lease] = deque()
        self._nudge = asyncio.Event()
        self._is_draining = False
        self._heart: asyncio.Task[None] | None = None
        self._claiming: asyncio.Task[None] | None = None  # not a part of leases(): who stops reading that must hear what the claim brings

    # -- the KeywordFeed contract ---------------------------------------------------------------------------------------

    async def leases(self) -> AsyncIterator[Lease]:
        """Leases as keywords become due and as there is room. Waits while the control plane is away."""
        if self._heart is None:
            self._heart = asyncio.get_running_loop().create_task(self._keep_alive())
        busy_at = self._clock()
        while not self._is_draining:
            self._nudge.clear()
            if self._count_room():
                self._claiming = asyncio.get_running_loop().create_task(self._claim())
                await asyncio.shield(self._claiming)
            while self._unstarted and not self._is_draining:
                busy_at = self._clock()
                yield self._unstarted.popleft()
            if self._held:
                busy_at = self._clock()
            elif self.options.max_idle and self._clock() - busy_at >= self.options.max_idle:
                return
            await self._wait(self._heart)

    def note(self, lease: Lease, **figures: int) -> None:
        """Count what a run brings (pages, jobs, companies), for the report of its end."""
        held = self._held.get(lease.lease_id)
        if held is not None:
            held.figures.update(figures)

    def crawled(self, lease: Lease) -> None:
        """Its last request has ended: room for another while its rows are on their way."""
        held = self._held.get(lease.lease_id)
        if held is not None:
            held.is_crawled = True
            self._nudge.set()

    async def complete(self, lease: Lease) -> None:
        """The lease's rows are stored. A lease that was lost meanwhile is not completed, and counted."""
        if await self._end(lease, "complete", {}):
            self.figures["complete"] += 1

    async def give_back(self, lease: Lease, causes: Mapping[str, int]) -> None:
        """To be run again: at once without causes, else after a rest."""
        said = ", ".join(f"{cause} x{count}" for cause, count in causes.items())
        logger.warning("keyword %r in %s goes back: %s", lease.keyword.text, lease.keyword.city_code, said or "not started")
        told = {_CAUSE.sub("_", cause)[:64]: count for cause, count in list(causes.items())[:50] if count > 0}
        if await self._end(lease, "return", {"causes": told}):
            self.figures["returned"] += 1

    async def drain(self) -> None:
        """No further claim from now on; what was claimed and not started goes back at once."""
        self._is_draining = True
        self._nudge.set()
        while self._unstarted:
            await self.give_back(self._unstarted.popleft(), {})

    async def close(self, grace: float) -> None:
        """Stop the heartbeat and give back what is still held; what the control plane does not hear of comes free by time."""
        self._is_draining = True
        self._nudge.set()
        if self._heart is not None:
            self._heart.cancel()
            with contextlib.suppress(asyncio.CancelledError, ControlRefusedError):
                await self._heart
        try:
            async with asyncio.timeout(grace):
                await self._hear_claim()
                self._unstarted.clear()
                for held in list(self._held.values()):
                    await self.give_back(held.lease, {})
        except TimeoutError:
            logger.warning("the control plane did not answer for %.0f s; the leases end by themselves", grace)
        except ControlRefusedError as error:
            logger.warning("the control plane refuses to take the leases back (%s); they end by themselves", error)

    # -- inside ---------------------------------------------------------------------------------------------------------

    async def _hear_claim(self) -> None:
        """What an answer on its way gives a node that closes is to be given back."""
        claiming = self._claiming
        if claiming is None:
            return
        await asyncio.wait({claiming}, timeout=ANSWER_SECONDS)
        claiming.cancel()
        await asyncio.wait({claiming})
        if not claiming.cancelled():
            claiming.exception()  # leases() has told it, or nobody waits for a lease any more

    def _count_room(self) -> int:
        running = sum(not held.is_crawled for held in self._held.values())
        return max(0, self.options.max_held - running)

    async def _claim(self) -> None:
        path, count = f"{PREFIX}/available", min(self._count_room(), 100)
        answer = await self.client.insist("GET", path, platform=self.platform.value, count=count)
        for told in answer["leases"]:
            lease = read_lease(told)
            self.adopt(lease, float(told["lease_seconds"]))
            self._unstarted.append(lease)
        if self._is_draining:
            await self.drain()  # the claim was under way when the drain began

    def adopt(self, lease: Lease, seconds: float) -> None:
        """Hold a lease that lasts `seconds` from each extension."""
        self._held[lease.lease_id] = _Held(lease, seconds)
        self.figures["claimed"] += 1

    async def _wait(self, heart: asyncio.Task[None]) -> None:
        nudged = asyncio.get_running_loop().create_task(self._nudge.wait())
        await asyncio.wait({nudged, heart}, timeout=self.options.poll_seconds, return_when=asyncio.FIRST_COMPLETED)
        nudged.cancel()
        if heart.done() and not self._is_draining:
            heart.result()  # it ends by an error only: let the crawl end with it, not go on without leases

    async def _end(self, lease: Lease, how: str, more: dict[str, Any]) -> bool:
        held = self._held.get(lease.lease_id)
        if held is None:
            logger.warning("keyword %r in %s: its lease was lost, its end is not reported", lease.keyword.text, lease.keyword.city_code)
            return False
        figures = {name: held.figures[name] for name in FIGURES}
        path = f"{PREFIX}/lease/{lease.lease_id}/{how}"
        try:
            await self.client.insist("POST", path, {"epoch": lease.epoch, **figures, **more})
        except ControlRefusedError as error:
            if error.kind != LOST:
                raise
            self._lose([lease])
            return False
        self._held.pop(lease.lease_id, None)
        self._nudge.set()
        return True

    async def _keep_alive(self) -> None:
        while True:
            shortest = min((held.seconds for held in self._held.values()), default=15.0)
            await asyncio.sleep(max(0.1, shortest / 3))
            lost = [held.lease for held in list(self._held.values()) if not await self._extend(held)]
            if lost:
                self._lose(lost)

    async def _extend(self, held: _Held) -> bool:
        """False when the lease is another's now. While the control plane is away the lease goes on: its end will tell."""
        try:
            await self.client.ask("POST", f"{PREFIX}/lease/{held.lease.lease_id}/extend", {"epoch": held.lease.epoch})
        except ControlAwayError as error:
            logger.warning("%s", error)
        except ControlRefusedError as error:
            if error.kind != LOST:
                raise
            return held.lease.lease_id not in self._held  # it ended while the question was on its way
        return True

    def _lose(self, leases: list[Lease]) -> None:
        for lease in leases:
            self._held.pop(lease.lease_id, None)
        gone = {lease.lease_id for lease in leases}
        self._unstarted = deque(lease for lease in self._unstarted if lease.lease_id not in gone)
        self.figures["lost"] += len(leases)
        self._nudge.set()
        logger.warning("%d leases were lost: other nodes have their keywords, their runs are not reported", len(leases))
        if self.on_lost is not None:
            self.on_lost(leases)


def open_control_feed(
    client: ControlClient, platform: Platform, settings: BaseSettings, on_lost: Callable[[list[Lease]], None]
) -> ControlFeed:
    """The feed as CONTROL_KEYWORDS, CONTROL_POLL_SECONDS and MAX_IDLE_TIME_BEFORE_CLOSE want it."""
    options = ControlFeedOptions(
        max_held=settings.getint("CONTROL_KEYWORDS"),
        poll_seconds=settings.getfloat("CONTROL_POLL_SECONDS"),
        max_idle=settings.getfloat("MAX_IDLE_TIME_BEFORE_CLOSE"),
    )
    return ControlFeed(client, platform, options, on_lost=on_lost)


def read_lease(told: Mapping[str, Any]) -> Lease:
    """A lease as the control plane writes it."""
    keyword = told["keyword"]
    return Lease(
        lease_id=told["lease_id"],
        keyword=Keyword(
            platform=Platform(keyword["platform"]),
            text=keyword["text"],
            city_code=keyword["city_code"],
            depth=keyword["depth"],
            keyword_id=keyword["keyword_id"],
            priority=keyword["priority"],
        ),
        epoch=told["epoch"],
        attempt=told["attempt"],
    )
