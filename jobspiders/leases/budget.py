"""Fleet-wide manners: how many requests all nodes together may send to a platform, and through one exit, per second.

Between the choice of a tunnel and the network: `await budget.take(tunnel)` returns when this request may go.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from redis.asyncio import Redis

from jobschema.keys import PlatformKeys
from jobspiders.leases.outage import RedisPatience
from jobspiders.leases.scripts import REDIS_CLOCK, RedisTransport, Transport, build_script

SECOND = 1_000_000
MOST_PER_SECOND = 100_000


@dataclass(frozen=True, slots=True)
class BudgetLimits:
    """Requests per second, 0 for no limit; `burst_seconds` of an unused budget may be caught up at once."""

    platform_rate: float = 0.0
    egress_rate: float = 0.0
    burst_seconds: float = 1.0


class RequestBudget:
    """Token buckets in Redis that every node draws from, one for the platform and one per exit. Limits set in Redis beat `limits`."""

    horizon_seconds = 2.0  # how far ahead a request may reserve its place

    def __init__(
        self,
        transport: Transport,
        keys: PlatformKeys,
        limits: BudgetLimits,
        *,
        clock: str = REDIS_CLOCK,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.keys = keys
        self.limits = limits
        self.patience = RedisPatience()
        self._transport = transport
        self._take = build_script("budget", clock=clock)
        self._pause = build_script("pause", clock=clock)
        self._sleep = sleep
        self._draw = draw

    @classmethod
    def over(cls, client: Redis, keys: PlatformKeys, limits: BudgetLimits) -> RequestBudget:
        return cls(RedisTransport(client), keys, limits)

    async def take(self, egress: str) -> float:
        """Wait for this request's turn through an exit. Returns the seconds waited."""
        waited = 0.0
        while True:
            answer = await self._reserve(egress)
            seconds = (-1 - answer if answer < 0 else answer) / SECOND
            if answer < 0:  # too far ahead to reserve: nodes come back at different times, or they would all find the same place
                seconds = max(0.05, seconds - self.horizon_seconds * self._draw())
            if seconds > 0:
                await self._sleep(seconds)
                waited += seconds
            if answer >= 0:
                return waited

    async def pause(self, egress: str, seconds: float) -> None:
        """No node asks through this exit for a while: the platform said so. An empty name means every exit."""
        keys = [self.keys.budget(egress)]
        await self.patience(lambda: self._transport(self._pause, keys, [_micros(seconds)]))

    async def _reserve(self, egress: str) -> int:
        keys = [self.keys.budget(), self.keys.budget(egress), self.keys.limits]
        limits = self.limits
        arguments = [
            _micros(self.horizon_seconds),
            _interval(limits.platform_rate),
            _interval(limits.egress_rate),
            _micros(limits.burst_seconds),
        ]
        return int(await self.patience(lambda: self._transport(self._take, keys, arguments)))


async def set_limits(client: Redis, keys: PlatformKeys, platform_rate: float | None = None, egress_rate: float | None = None) -> None:
    """One operator's limits for every node, from its next request on. None: back to the nodes' own settings. Raises ValueError."""
    for rate in (platform_rate, egress_rate):
        if rate is not None and not 0 <= rate < MOST_PER_SECOND:
            raise ValueError(f"a limit of {rate:g} requests/s is out of range; valid are 0 (no limit) to {MOST_PER_SECOND:,}")
    for name, rate in (("platform", platform_rate), ("egress", egress_rate)):
        if rate is None:
            await client.hdel(keys.limits, name)
        else:
            await client.hset(keys.limits, name, _interval(rate))


def _interval(rate: float) -> str:
    return str(int(SECOND / rate)) if rate > 0 else "0"


def _micros(seconds: float) -> str:
    return str(int(seconds * SECOND))
