"""A real Redis for the tests of the lease engine: private, on loopback, without persistence unless a test asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis.asyncio

from benchmarks.redis_server import PrivateRedis
from jobschema import Platform
from jobschema.keys import PlatformKeys
from jobschema.messages import Keyword
from jobspiders.leases.holder import LeaseHolder, LeasePolicy
from jobspiders.leases.queue import KeywordQueue
from jobspiders.leases.scripts import LeaseScripts, RedisTransport, Transport

# Time stands still and moves by `desk.pass_time`: no test waits for a lease to expire.
TEST_CLOCK = "local NOW = tonumber(redis.call('GET', KEYS[1] .. 'clock'))\n"
KEYS = PlatformKeys("boss")


@pytest.fixture(scope="session")
def redis_server(redis_installed: None) -> Iterator[PrivateRedis]:
    with PrivateRedis() as server:
        yield server


class Desk:
    """One platform's queue on a Redis whose clock the test moves."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self.client = client
        self.scripts = self.scripts_over(RedisTransport(client))
        self.queue = KeywordQueue(self.scripts, Platform.BOSS)

    def scripts_over(self, transport: Transport) -> LeaseScripts:
        return LeaseScripts(transport, KEYS, clock=TEST_CLOCK)

    async def pass_time(self, seconds: float) -> None:
        await self.client.incrby(KEYS.prefix + "clock", int(seconds * 1_000_000))

    async def worker(self, **policy: Any) -> LeaseHolder:
        holder = LeaseHolder(self.scripts, Platform.BOSS, LeasePolicy(**policy), node={"node": "n"})
        await holder.enlist()
        return holder

    async def push(self, *texts: str, run: str = "r1", priority: int = 0) -> Any:
        return await self.queue.push([Keyword(Platform.BOSS, text, "101", priority=priority) for text in texts], run)


@pytest.fixture
def desk_runs(redis_server: PrivateRedis) -> Callable[[Callable[[Desk], Any]], Any]:
    """Run an async test body with an empty Redis, and audit what it leaves."""

    async def run(body: Callable[[Desk], Any]) -> Any:
        async with redis.asyncio.Redis(port=redis_server.port, decode_responses=True) as client:
            await client.flushall()
            await client.set(KEYS.prefix + "clock", 1_800_000_000_000_000)
            desk = Desk(client)
            result = await body(desk)
            assert await desk.queue.audit() == []
            assert (await desk.queue.status()).is_conserved
            return result

    return lambda body: asyncio.run(run(body))
