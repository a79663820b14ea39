"""Real processes really killed and stopped: no keyword is lost, none ends twice, no late worker ends anything."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import redis.asyncio

from benchmarks.redis_server import PrivateRedis
from jobschema import Platform
from jobschema.keys import PlatformKeys
from jobschema.messages import Keyword
from jobspiders.leases.holder import LeaseHolder, LeasePolicy
from jobspiders.leases.queue import KeywordQueue, QueueStatus
from jobspiders.leases.scripts import LeaseScripts, RedisTransport
from jobspiders.leases.terms import FAILED

KEYS = PlatformKeys("boss")
PATIENCE = 120.0  # seconds until a wait is called a failure


def ask(server: PrivateRedis, question: Callable[[KeywordQueue], Any]) -> Any:
    async def main() -> Any:
        async with redis.asyncio.Redis(port=server.port, decode_responses=True) as client:
            return await question(KeywordQueue(LeaseScripts(RedisTransport(client), KEYS), Platform.BOSS))

    return asyncio.run(main())


def push(server: PrivateRedis, count: int) -> set[str]:
    keywords = [Keyword(Platform.BOSS, f"k{i}", "101") for i in range(count)]
    ask(server, lambda queue: queue.push(keywords, "r1"))
    return {f"r1|101||k{i}" for i in range(count)}


def wait_for(condition: Callable[[], bool], what: str) -> None:
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > PATIENCE:
            pytest.fail(f"{what} did not happen within {PATIENCE:.0f} s")
        time.sleep(0.02)


def test_killed_workers_lose_no_keyword_and_no_page(
    redis_server: PrivateRedis, start_worker: Callable[..., subprocess.Popen[bytes]]
) -> None:
    dice = random.Random(4711)
    identities = push(redis_server, 300)
    options = {"beat": 0.3, "lease": 1.0, "work": 0.2, "held": 8, "idle": 0.5}
    workers = [start_worker(**options) for _ in range(4)]
    client = redis_server.client()
    kills = 0
    while kills < 12 and client.scard("oracle:pages") < 1200:
        fetched = client.llen("oracle:fetches")
        wait_for(lambda fetched=fetched: client.llen("oracle:fetches") > fetched + dice.randint(5, 60), "progress")  # type: ignore[misc]
        victim = dice.randrange(4)
        workers[victim].send_signal(signal.SIGKILL)
        workers[victim].wait()
        workers[victim] = start_worker(**options)
        kills += 1
    for worker in workers:
        assert worker.wait(PATIENCE) == 0
    status: QueueStatus = ask(redis_server, lambda queue: queue.status())
    ends = Counter(str(line).split()[1] for line in client.lrange("oracle:ends", 0, -1) if str(line).endswith(" complete"))
    pages = client.smembers("oracle:pages")
    refetched = client.llen("oracle:fetches") - len(pages)
    client.close()
    assert kills >= 5
    assert pages == {f"{identity}#{page}" for identity in identities for page in range(5)}
    assert (status.complete, status.queued, status.leased, status.dead, status.is_conserved) == (300, 0, 0, 0, True)
    assert max(ends.values()) == 1
    assert refetched <= kills * 8 * 5, "a kill costs what its worker held and no more"
    assert ask(redis_server, lambda queue: queue.audit()) == []


def test_stopped_worker_that_wakes_after_its_lease_ends_nothing(
    redis_server: PrivateRedis, start_worker: Callable[..., subprocess.Popen[bytes]]
) -> None:
    options = {"beat": 0.1, "lease": 0.5, "work": 0.3, "held": 4}
    push(redis_server, 4)
    first = start_worker(**options)
    client = redis_server.client()
    wait_for(lambda: client.hlen("oracle:claims") == 4, "the first claim")
    first.send_signal(signal.SIGSTOP)
    held = [str(claim) for claim in client.hkeys("oracle:claims")]
    open_then = {claim for claim in held if not any(claim in str(end) for end in client.lrange("oracle:ends", 0, -1))}
    second = start_worker(**options)
    wait_for(lambda: ask(redis_server, lambda queue: queue.status()).complete == 4, "completion by the second")
    first.send_signal(signal.SIGCONT)
    wait_for(
        lambda: all(any(claim in str(end) for end in client.lrange("oracle:ends", 0, -1)) for claim in open_then), "the first's late ends"
    )
    ends = [str(end) for end in client.lrange("oracle:ends", 0, -1)]
    late = [end for end in ends if any(claim in end for claim in open_then)]
    client.close()
    assert [end for end in late if end.endswith(" complete")] == []
    assert sum(end.endswith(" complete") for end in ends) == 4
    assert second.poll() is None
    status = ask(redis_server, lambda queue: queue.status())
    assert (status.complete, status.is_conserved) == (4, True)


def test_thousand_races_after_expiry_are_all_lost_by_the_late_one(redis_server: PrivateRedis) -> None:
    """Real clock, a lease of 40 ms: the rival claims what expired, then the late worker tries everything."""
    policy = LeasePolicy(beat_seconds=0.01, lease_seconds=0.04, max_attempts=10**6)
    accepted: Counter[str] = Counter()

    async def race(scripts: LeaseScripts, queue: KeywordQueue, number: int) -> None:
        await queue.push([Keyword(Platform.BOSS, f"race {number}", "101")], "r1")
        late, rival = (LeaseHolder(scripts, Platform.BOSS, policy) for _ in range(2))
        await late.enlist()
        while not (claimed := (await late.keep(1)).claimed):
            await asyncio.sleep(0.001)
        stale = claimed[0]
        await rival.enlist()
        current = None
        while current is None:
            beat = await rival.beat(1)
            if not beat.is_enlisted:
                await rival.enlist()
            await rival.complete([lease for lease in beat.claimed if lease.lease_id != stale.lease_id])  # left over from a race before
            current = rival.held.get(stale.lease_id)
            await asyncio.sleep(0.005)
        accepted["extended"] += (await late.beat()).is_enlisted
        accepted["stored"] += (await late.check([stale]))[0]
        accepted["completed"] += (await late.complete([stale]))[0]
        accepted["gave back"] += bool((await late.give_back([stale], FAILED, {"late": 1}))[0])
        accepted["races"] += 1
        await rival.complete([current])
        await rival.leave()

    async def lane(server: PrivateRedis, lane_number: int) -> None:
        keys = PlatformKeys(f"lane{lane_number}")
        async with redis.asyncio.Redis(port=server.port, decode_responses=True) as client:
            scripts = LeaseScripts(RedisTransport(client), keys)
            queue = KeywordQueue(scripts, Platform.BOSS)
            for number in range(50):
                await race(scripts, queue, number)
            assert (await queue.status()).is_conserved
            assert await queue.audit() == []

    async def main() -> None:
        await asyncio.gather(*[lane(redis_server, number) for number in range(20)])

    asyncio.run(main())
    assert accepted == {"races": 1000, "extended": 0, "stored": 0, "completed": 0, "gave back": 0}
