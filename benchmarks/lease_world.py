"""A fleet in one process: virtual workers, real client code, real Lua on a real Redis, under a seeded clock and seeded faults.

    python -m benchmarks.lease_world --seeds 1000               # any failing seed is named
    python -m benchmarks.lease_world --first 4711 --seeds 1 --trace

Every worker is a coroutine, driven one step at a time in virtual time, so a seed always gives the same history. Faults: killed workers,
workers stalled past their lease, requests lost, doubled or late, answers lost, Redis away, restarted with an older state, or empty.
benchmarks/lease_stage.py has the clock and the way to Redis, benchmarks/lease_oracle.py judges every step; a `Plant` puts a known bug in
through the seams, to prove that the oracle sees it.
"""

from __future__ import annotations

import argparse
import copy
import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import redis

from benchmarks.lease_oracle import KEYS, POLICY, RUN, ViolationError
from benchmarks.lease_stage import CLOCK, FaultyTransport, Pause, Plant, World, at_once, audit
from benchmarks.redis_server import PrivateRedis
from jobschema import Platform
from jobschema.messages import Keyword, Lease
from jobspiders.leases.entries import entry_id
from jobspiders.leases.holder import LeaseHolder
from jobspiders.leases.queue import KeywordQueue
from jobspiders.leases.scripts import LeaseScripts
from jobspiders.leases.terms import FAILED, UNSTARTED

WORKERS = 20
KEYWORDS = 40
FAULTS_END = 45.0  # virtual seconds; then everything heals, and every keyword must come to an end before GIVE_UP
GIVE_UP = 600.0


# -- who lives in this world ------------------------------------------------------------------------------------------------


async def work(world: World, holder: LeaseHolder) -> None:
    """A worker: claims, crawls, stores, completes; nothing ends it but the world."""
    patience, dice = world.patience(), world.dice
    room = dice.randint(1, 4)
    ends: dict[Lease, float] = {}
    await patience(holder.enlist)
    while True:
        want = room - len(ends)
        beat = await patience(lambda: holder.keep(want))  # noqa: B023  # awaited before `want` changes
        for lease in beat.claimed:
            ends[lease] = world.now + dice.uniform(0.5, 12)
        pause = min(POLICY.beat_seconds, beat.next_deadline + 0.01)
        wake = min([world.now + pause, *ends.values()])
        await Pause(max(0.0, wake - world.now))
        for lease in [lease for lease, end in ends.items() if end <= world.now]:
            del ends[lease]
            await finish(world, holder, lease)


async def finish(world: World, holder: LeaseHolder, lease: Lease) -> None:
    patience, identity = world.patience(), lease.lease_id
    if lease.keyword.text in world.oracle.bad_texts:
        await patience(lambda: holder.give_back([lease], FAILED, {"search_server_error": 1}))
    elif world.dice.random() < 0.05 and not world.is_healthy:
        await patience(lambda: holder.give_back([lease], UNSTARTED, {"crawl_shutdown": 1}))
    elif world.plant.acks_first:
        await patience(lambda: holder.complete([lease]))
        await Pause(world.dice.uniform(0.1, 2))
        world.oracle.store(identity)
    elif (await patience(lambda: holder.check([lease])))[0]:
        await Pause(world.dice.uniform(0.1, 2))
        world.oracle.store(identity)
        if (await patience(lambda: holder.complete([lease])))[0]:
            world.oracle.ended_durably.add(identity)


async def push(world: World, keywords: list[Keyword]) -> None:
    queue = KeywordQueue(LeaseScripts(FaultyTransport(world), KEYS, clock=CLOCK), Platform.BOSS)
    await world.patience()(lambda: queue.push(keywords, RUN))
    world.oracle.pushed.update({entry_id(keyword, RUN): keyword for keyword in keywords})


async def recall(world: World) -> None:
    """An operator takes keywords from whoever holds them."""
    queue = KeywordQueue(LeaseScripts(FaultyTransport(world), KEYS, clock=CLOCK), Platform.BOSS)
    identity = world.dice.choice(sorted(world.oracle.pushed) or ["none"])
    await world.patience()(lambda: queue.give_back([identity]))


def start_worker(world: World, delay: float) -> None:
    holder = LeaseHolder(LeaseScripts(FaultyTransport(world), KEYS, clock=CLOCK), Platform.BOSS, POLICY)
    world.workers.append(world.start(work(world, holder), delay, holder))


# -- faults -----------------------------------------------------------------------------------------------------------------


def kill(world: World) -> None:
    """SIGKILL at whatever point a worker stands; a fresh one comes later."""
    process = world.workers.pop(world.dice.randrange(len(world.workers)))
    assert process.holder is not None
    world.note("killed", process.holder.worker)
    process.is_over = True
    process.coroutine.close()
    world.oracle.lost_at[process.holder.worker] = world.now
    start_worker(world, world.dice.uniform(0.1, 15))


def stall(world: World) -> None:
    """SIGSTOP and, later, SIGCONT: the worker goes on where it stood, knowing nothing."""
    process = world.dice.choice(world.workers)
    process.wake = max(process.wake, world.now) + world.dice.choice((2, 8, 10, 20))
    world.note("stalled", process.holder.worker if process.holder else "", "until", round(process.wake, 3))
    world.at(process.wake, process)


def take_redis_away(world: World) -> None:
    kind = world.dice.choice(("back", "older", "empty"))
    snapshot = {key: world.client.dump(key) for key in binary(world).keys("*")} if kind == "older" else {}
    truth = copy.deepcopy(world.oracle.truth)
    crash = world.now + (world.dice.uniform(0, 1) if kind == "older" else 0)

    def go() -> None:
        world.note(f"redis away: {kind}")
        world.is_away = True

    def come_back() -> None:
        world.say("redis back:", kind)
        if kind != "back":
            world.client.flushdb()
            for key, value in snapshot.items():
                binary(world).restore(key, 0, value)
            world.oracle.rewind(truth if kind == "older" else None)
            world.start(rebuild(world), world.dice.uniform(0, 3))
        world.is_away = False

    world.at(crash, go)
    world.at(crash + world.dice.uniform(1, 20), come_back)


def binary(world: World) -> redis.Redis:
    return redis.Redis(connection_pool=world.client.connection_pool)


async def rebuild(world: World) -> None:
    """What `scrapy keywords rebuild` does: push what the durable table calls open."""
    oracle = world.oracle
    await push(world, [keyword for identity, keyword in oracle.pushed.items() if identity not in oracle.ended_durably])


def heal(world: World) -> None:
    world.is_healthy = True
    for process in world.workers:  # whoever stalls wakes up soon
        if process.wake > world.now + 5:
            process.wake = world.now + world.dice.uniform(0, 5)
            world.at(process.wake, process)


# -- one seed ---------------------------------------------------------------------------------------------------------------


def live(seed: int, client: redis.Redis, plant: Plant | None = None, *, trace: bool = False) -> World:
    """One seed from the first push to the last keyword. Raises ViolationError."""
    client.flushdb()
    world = World(seed, client, plant, trace=trace)
    try:
        plan(world)
        while not world.oracle.is_over:
            world.step()
            if world.now > GIVE_UP:
                raise ViolationError(f"not every keyword has come to an end: {replace(at_once(world.direct.status()), workers=[])}")
        audit(world)
        judge_end(world)
    except ViolationError as violation:
        raise ViolationError(f"seed {seed}, at {world.now:.3f} s: {violation}") from None
    finally:
        world.close()
    return world


def plan(world: World) -> None:
    dice = world.dice
    keywords = [Keyword(Platform.BOSS, f"k{i}", "101", priority=i % 3) for i in range(KEYWORDS)]
    world.oracle.bad_texts = {keyword.text for keyword in dice.sample(keywords, 3)}
    for begin in range(0, KEYWORDS, 5):
        for _ in range(dice.choice((1, 1, 2))):
            world.start(push(world, keywords[begin : begin + 5]), dice.uniform(0, 25))
    for _ in range(WORKERS):
        start_worker(world, dice.uniform(0, 5))
    for fault, counts in ((kill, range(13)), (stall, range(13)), (take_redis_away, (0, 0, 1))):
        for _ in range(dice.choice(counts)):
            world.at(dice.uniform(1, FAULTS_END - 22), lambda fault=fault: fault(world))  # type: ignore[misc]
    for _ in range(4):
        world.start(recall(world), dice.uniform(5, FAULTS_END))
    world.at(FAULTS_END, lambda: heal(world))
    world.at(FAULTS_END + 1, lambda: look_for_end(world))


def look_for_end(world: World) -> None:
    status = at_once(world.direct.status())
    is_idle = status.queued == status.leased == 0 and len(world.oracle.pushed) == KEYWORDS
    if is_idle:
        world.oracle.is_over = True
    else:
        world.at(world.now + 1, lambda: look_for_end(world))


def judge_end(world: World) -> None:
    oracle = world.oracle
    for place in at_once(world.direct.where(sorted(oracle.pushed))):
        oracle.judge_place(place)


def live_many(first: int, count: int, client: redis.Redis, plant: Plant | None = None) -> Iterator[World | ViolationError]:
    for seed in range(first, first + count):
        try:
            yield live(seed, client, plant)
        except ViolationError as violation:
            yield violation


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--trace", action="store_true")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    faults: Counter[str] = Counter()
    recoveries: list[float] = []
    failures, steps, begin = 0, 0, time.monotonic()
    with PrivateRedis() as server, server.client() as client:
        if options.trace:
            live(options.first, client, trace=True)
            return 0
        for world in live_many(options.first, options.seeds, client):
            if isinstance(world, ViolationError):
                failures += 1
                print(world, flush=True)
                continue
            faults += world.faults
            steps += world.steps
            if not any(fault.startswith("redis away") for fault in world.faults):
                recoveries += world.oracle.recoveries
    recoveries.sort()
    print(f"{options.seeds} seeds in {time.monotonic() - begin:.0f} s, {failures} failed, {steps} steps; faults: {dict(faults)}")
    if recoveries:
        p50, p95, p99 = (recoveries[int(len(recoveries) * share)] for share in (0.5, 0.95, 0.99))
        print(f"{len(recoveries)} leases of killed workers leased again; virtual seconds while Redis was up: ", end="")
        print(f"p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f}")
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main())
