"""Fleet-wide manners: however many nodes ask, no window of time sees more requests than the operator allows."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
import redis.asyncio

from benchmarks.redis_server import PrivateRedis
from jobschema.keys import PlatformKeys
from jobspiders.leases.budget import BudgetLimits, RequestBudget, set_limits
from jobspiders.leases.scripts import RedisTransport

KEYS = PlatformKeys("boss")
CLOCK = "local NOW = tonumber(redis.call('GET', 'clock'))\n"
START = 1_800_000_000_000_000


class Street:
    """Virtual time over a real Redis: whoever sleeps is woken in order, one at a time."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self.client = client
        self.now = 0.0
        self.sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self.log: list[tuple[float, str]] = []

    def node(self, limits: BudgetLimits) -> RequestBudget:
        return RequestBudget(RedisTransport(self.client), KEYS, limits, clock=CLOCK, sleep=self.sleep, draw=random.Random(3).random)

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sleepers.append((self.now + seconds, len(self.log) + len(self.sleepers), future))
        await future

    async def ask(self, budget: RequestBudget, egress: str, count: int) -> None:
        for _ in range(count):
            await budget.take(egress)
            self.log.append((self.now, egress))

    async def run(self, *asking: Any) -> list[float]:
        """Let everybody ask; returns the times of all requests."""
        tasks = [asyncio.ensure_future(one) for one in asking]
        while not all(task.done() for task in tasks):
            await self.settle(tasks)
            if not self.sleepers:
                continue
            self.sleepers.sort(key=lambda sleeper: sleeper[:2])
            self.now, _, future = self.sleepers.pop(0)
            await self.client.set("clock", START + round(self.now * 1e6))
            future.set_result(None)
        for task in tasks:
            task.result()
        return [when for when, _ in self.log]

    async def settle(self, tasks: list[asyncio.Future[None]]) -> None:
        """Until every task is done or sleeps."""
        while sum(not task.done() for task in tasks) > len(self.sleepers):
            await asyncio.sleep(0)


@pytest.fixture
def on_street(redis_server: PrivateRedis) -> Callable[[Callable[[Street], Any]], Any]:
    async def run(body: Callable[[Street], Any]) -> Any:
        async with redis.asyncio.Redis(port=redis_server.port, decode_responses=True) as client:
            await client.flushall()
            await client.set("clock", START)
            return await body(Street(client))

    return lambda body: asyncio.run(run(body))


def busiest(times: list[float], seconds: float) -> int:
    """The most requests in any window of that length."""
    return max(sum(begin <= when < begin + seconds - 1e-6 for when in times) for begin in times)


def test_many_nodes_together_keep_the_platform_limit(on_street: Any) -> None:
    limits = BudgetLimits(platform_rate=5, burst_seconds=1)

    async def body(street: Street) -> list[float]:
        nodes = [street.node(limits) for _ in range(8)]
        return await street.run(*[street.ask(node, f"exit-{i}", 10) for i, node in enumerate(nodes)])

    times = on_street(body)
    assert busiest(times, 1) <= 5 + 5 + 1, "the rate and one caught-up burst"
    assert busiest(times, 10) <= 10 * 5 + 5 + 1
    assert max(times) == pytest.approx((80 - 6) / 5, abs=1.0), "and nothing of the budget is wasted"


def test_one_exit_keeps_its_own_limit_and_holds_up_no_other(on_street: Any) -> None:
    limits = BudgetLimits(platform_rate=50, egress_rate=1, burst_seconds=0.001)

    async def body(street: Street) -> Street:
        await street.run(
            *[street.ask(street.node(limits), "slow", 2) for _ in range(10)],
            *[street.ask(street.node(limits), f"e{i}", 1) for i in range(20)],
        )
        return street

    street = on_street(body)
    slow = [when for when, egress in street.log if egress == "slow"]
    assert busiest(slow, 1) <= 2
    assert max(slow) == pytest.approx(19, abs=0.1)
    assert max(when for when, egress in street.log if egress != "slow") < 3


def test_pause_that_a_platform_ordered_holds_for_every_node(on_street: Any) -> None:
    async def body(street: Street) -> list[float]:
        one, two = street.node(BudgetLimits()), street.node(BudgetLimits())
        await one.pause("exit", 30)
        return await street.run(street.ask(two, "exit", 3), street.ask(one, "other", 1))

    times = on_street(body)
    assert sorted(times)[0] == 0
    assert sorted(times)[1] == pytest.approx(30, abs=0.1)


def test_limit_set_in_redis_beats_the_nodes_settings(on_street: Any) -> None:
    async def body(street: Street) -> list[float]:
        await set_limits(street.client, KEYS, platform_rate=1)
        return await street.run(street.ask(street.node(BudgetLimits(platform_rate=1000, burst_seconds=0.0)), "exit", 5))

    assert on_street(body) == [0, 1, 2, 3, 4]


def test_no_limit_means_no_wait(on_street: Any) -> None:
    async def body(street: Street) -> list[float]:
        return await street.run(street.ask(street.node(BudgetLimits()), "exit", 100))

    assert set(on_street(body)) == {0}
