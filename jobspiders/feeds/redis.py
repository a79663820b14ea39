"""Keywords from Redis: leased, kept alive by one heartbeat, ended once. The asyncio shell around jobspiders/leases.

LPUSH boss:keywords -> inbox -> queue -> claim -> leases() -> spider -> crawled() -> complete() | give_back()
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from redis.exceptions import RedisError

from jobschema.messages import Keyword, Lease
from jobspiders.errors import TerminalError
from jobspiders.leases.entries import MessageUnreadableError
from jobspiders.leases.holder import Beat, LeaseHolder
from jobspiders.leases.outage import RedisPatience
from jobspiders.leases.queue import KeywordQueue
from jobspiders.leases.scripts import MAX_BATCH
from jobspiders.leases.terms import UNSTARTED, judge_return

T = TypeVar("T")
ANSWER_SECONDS = 0.5  # that a healthy Redis needs to answer, at the most
logger = logging.getLogger(__name__)


class RedisRefusedError(TerminalError):
    """Redis answers, and refuses a step for good: a wrong password, a missing right, a key of another kind in the place of ours."""

    slug = "redis-refused"


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """`max_held`: keywords crawled at once. `max_leases`: those and the ones whose rows the stores have not confirmed yet.

    `max_idle`: seconds without a keyword anywhere before leases() ends; 0 = wait for ever.
    """

    max_held: int = 16
    max_leases: int = MAX_BATCH
    max_idle: float = 0.0
    law_seconds: float = 60.0  # between two looks at the conservation law, of any node


@dataclass(slots=True)
class FeedFigures:
    """What a feed did, for the stats."""

    claimed: int = 0
    complete: int = 0
    returned: int = 0
    dead: int = 0
    stale: int = 0  # ends that came too late: somebody else has the keyword
    lost: int = 0  # leases that were taken while their run was going on
    law_broken: int = 0


class RedisFeed:
    """A KeywordFeed over one LeaseHolder. `read_message` makes (keyword, run) of an inbox message or raises MessageUnreadableError;
    `on_lost` hears of leases whose runs are pointless now.
    """

    def __init__(
        self,
        holder: LeaseHolder,
        queue: KeywordQueue,
        options: FeedOptions | None = None,
        *,
        read_message: Callable[[str], tuple[Keyword, str]],
        on_lost: Callable[[list[Lease]], None] | None = None,
        patience: RedisPatience | None = None,
    ) -> None:
        self.holder = holder
        self.queue = queue
        self.options = options or FeedOptions()
        self.figures = FeedFigures()
        self.patience = patience or RedisPatience()
        self.on_lost = on_lost
        self._read_message = read_message
        self._unstarted: deque[Lease] = deque()
        self._crawled: dict[str, int] = {}  # id -> epoch of leases whose rows are on their way to the stores
        self._arrived, self._nudge = asyncio.Event(), asyncio.Event()  # for leases(); for the heartbeat
        self._turn = asyncio.Lock()  # one step of this worker at a time: the books of both sides can be compared
        self._is_hungry = self._is_draining = self._is_over = self._is_closed = False
        self._busy_at = self._law_at = time.monotonic()
        self._heart: asyncio.Task[None] | None = None

    # -- the KeywordFeed contract ---------------------------------------------------------------------------------------

    async def leases(self) -> AsyncIterator[Lease]:
        """Leases as they become available and as there is room. Waits while Redis is away. Raises RedisRefusedError."""
        if self._heart is None:
            self._heart = asyncio.get_running_loop().create_task(self._keep_beating())
        while True:
            while self._unstarted:
                yield self._unstarted.popleft()
            if self._is_draining or self._is_over:
                return
            self._is_hungry = True
            self._nudge.set()
            await self._wait_for_leases(self._heart)
            self._is_hungry = False

    def crawled(self, lease: Lease) -> None:
        """Its requests have ended: there is room for another keyword while the stores write its rows."""
        self._crawled[lease.lease_id] = lease.epoch
        self._nudge.set()

    async def complete(self, lease: Lease) -> None:
        """The lease's rows are stored everywhere. Refused, and counted, when the lease is stale."""
        is_current = (await self._step(lambda: self.holder.complete([lease])))[0]
        self.figures.complete += is_current
        if not is_current:
            self._note_stale(lease, "completed")
        self._nudge.set()

    async def give_back(self, lease: Lease, causes: Mapping[str, int]) -> None:
        """To be run again, by whoever has room, on the terms that the causes deserve."""
        terms = judge_return(causes)
        state = (await self._step(lambda: self.holder.give_back([lease], terms, causes)))[0]
        self.figures.returned += state == "q"
        self.figures.dead += state == "d"
        said = ", ".join(f"{cause} x{count}" for cause, count in causes.items())
        if state == "d":
            logger.error(
                "keyword %r in %s is given up after attempt %d: %s", lease.keyword.text, lease.keyword.city_code, lease.attempt, said
            )
        elif state == "q":
            logger.warning("keyword %r in %s goes back to the queue: %s", lease.keyword.text, lease.keyword.city_code, said)
        else:
            self._note_stale(lease, "gave back")
        self._nudge.set()

    async def is_current(self, lease: Lease) -> bool:
        """Does this worker hold the lease now, on Redis' word?"""
        return (await self._step(lambda: self.holder.check([lease])))[0]

    # -- the end --------------------------------------------------------------------------------------------------------

    async def drain(self) -> None:
        """No further claim from now on; what was claimed and not started goes back at once. Runs that go on keep their leases."""
        self._is_draining = True
        self._arrived.set()
        unstarted = list(self._unstarted)
        self._unstarted.clear()
        if unstarted:
            await self._step(lambda: self.holder.give_back(unstarted, UNSTARTED))
            self.figures.returned += len(unstarted)

    async def close(self, grace: float = 5.0) -> None:
        """Off duty: stop the heartbeat and give back what is still held. When Redis stays away for `grace` seconds, its reaper does it."""
        self._is_draining = True
        try:
            async with asyncio.timeout(grace):
                await self._stop_beating()
                if self.holder.worker:
                    await self._step(self.holder.leave)
        except TimeoutError:
            logger.warning("Redis did not answer for %.0f s; the leases go back when they expire", grace)
        except RedisError as error:
            logger.warning("Redis refuses to take the leases back (%s); they go back when they expire", error)

    # -- inside ---------------------------------------------------------------------------------------------------------

    async def _stop_beating(self) -> None:
        heart = self._heart
        self._is_closed = True
        self._nudge.set()
        if heart is not None:
            await asyncio.wait({heart}, timeout=ANSWER_SECONDS)  # what an answer on its way gives us is ours to give back
        while heart is not None and not heart.done():
            heart.cancel()  # again and again: a library under it may swallow one
            await asyncio.wait({heart}, timeout=ANSWER_SECONDS)
        if heart is not None and not heart.cancelled():
            heart.exception()  # leases() has told it, or nobody waits for a lease any more

    async def _step(self, step: Callable[[], Awaitable[T]]) -> T:
        async def take_turn() -> T:
            async with self._turn:
                return await step()

        return await self.patience(take_turn)

    async def _wait_for_leases(self, heart: asyncio.Task[None]) -> None:
        arrived = asyncio.get_running_loop().create_task(self._arrived.wait())
        await asyncio.wait({arrived, heart}, return_when=asyncio.FIRST_COMPLETED)
        arrived.cancel()
        self._arrived.clear()
        if heart.done() and not self._is_draining:  # by an error only: let the crawl end with it, not go on without leases
            try:
                heart.result()
            except RedisError as error:
                said = f"{type(error).__name__}: {error}"
                raise RedisRefusedError(f"Redis refuses what the leases need ({said}). Check REDIS_URL, and who else uses it") from error

    async def _keep_beating(self) -> None:
        await self._step(self.holder.enlist)
        while not self._is_closed:
            self._nudge.clear()
            beat = await self._step(lambda: self.holder.keep(self._count_room()))
            await self._digest(beat)
            await self._watch_law()
            if beat.inbox and not self._is_draining:
                await self._step(self._take_in)
                continue
            pause = min(self.holder.policy.beat_seconds, beat.next_deadline + 0.01)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):  # wait_for() of Python 3.11 may swallow the cancellation of close()
                    await self._nudge.wait()

    def _count_room(self) -> int:
        if not self._is_hungry or self._is_draining or self._unstarted:
            return 0
        held = self.holder.held
        self._crawled = {name: epoch for name, epoch in self._crawled.items() if name in held and held[name].epoch == epoch}
        return max(0, min(self.options.max_held - len(held) + len(self._crawled), self.options.max_leases - len(held)))

    async def _digest(self, beat: Beat) -> None:
        self.figures.claimed += len(beat.claimed)
        self._note_lost(beat.lost)
        self._unstarted.extend(beat.claimed)
        now = time.monotonic()
        if beat.open_keywords or beat.inbox or self.holder.held or not beat.is_enlisted:
            self._busy_at = now
        elif self.options.max_idle and now - self._busy_at >= self.options.max_idle:
            self._is_over = True
        if self._is_draining and self._unstarted:
            await self.drain()  # the claim was under way when the drain began
        if self._unstarted or self._is_over:
            self._arrived.set()

    async def _take_in(self) -> None:
        accepted, refused = [], []
        for message in await self.queue.peek():
            try:
                accepted.append((message, *self._read_message(message)))
            except MessageUnreadableError as error:
                logger.error("a message of the keyword list %s. It is put aside: %.200r", error, message)
                refused.append((message, str(error)))
        await self.queue.take_in(accepted, refused)

    async def _watch_law(self) -> None:
        if time.monotonic() - self._law_at < self.options.law_seconds:
            return
        self._law_at = time.monotonic()
        status = await self._step(lambda: self.queue.watch(0.9 * self.options.law_seconds))  # nodes' clocks and beats are not Redis' own
        if status is not None and not status.is_conserved:
            self.figures.law_broken += 1
            logger.error(
                "the conservation law is broken by %d keywords: %s. Run `scrapy keywords status --audit`", status.imbalance, status
            )

    def _note_lost(self, lost: list[Lease]) -> None:
        if not lost:
            return
        gone = {(lease.lease_id, lease.epoch) for lease in lost}
        unstarted = [lease for lease in self._unstarted if (lease.lease_id, lease.epoch) not in gone]
        self._unstarted.clear()
        self._unstarted.extend(unstarted)
        self.figures.lost += len(lost)
        logger.warning(
            "%d leases were lost (this worker was silent too long, or Redis forgot them); their runs are not reported", len(lost)
        )
        if self.on_lost is not None:
            self.on_lost(lost)

    def _note_stale(self, lease: Lease, verb: str) -> None:
        self.figures.stale += 1
        logger.warning(
            "keyword %r in %s was %s too late: its lease %d is stale", lease.keyword.text, lease.keyword.city_code, verb, lease.epoch
        )
