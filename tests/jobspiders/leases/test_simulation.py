"""The simulated fleet: no seed breaks an invariant, a seed repeats itself, and every planted bug is seen."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator

import pytest
import redis

from benchmarks.lease_oracle import ViolationError
from benchmarks.lease_stage import Plant
from benchmarks.lease_world import live, live_many
from benchmarks.redis_server import PrivateRedis
from jobspiders.leases.scripts import Script

SEEDS = int(os.environ.get("LEASE_SEEDS", "30"))  # 1,000 take some minutes: python -m benchmarks.lease_world


@pytest.fixture
def client(redis_server: PrivateRedis, caplog: pytest.LogCaptureFixture) -> Iterator[redis.Redis]:
    caplog.set_level(logging.ERROR, "jobspiders.leases")  # outages by the hundred
    with redis_server.client() as connection:
        yield connection


def test_fleet_under_faults_keeps_every_invariant(client: redis.Redis) -> None:
    worlds = list(live_many(1, SEEDS, client))
    assert [world for world in worlds if isinstance(world, ViolationError)] == []
    met = {fault.split(":")[0] for world in worlds if not isinstance(world, ViolationError) for fault in world.faults}
    assert met >= {"killed", "stalled", "request lost", "request late", "request doubled", "answer lost", "redis away"}


def test_seed_gives_the_same_history_each_time(client: redis.Redis) -> None:
    first, second = live(7, client), live(7, client)
    assert (first.steps, first.now, first.faults, first.oracle.truth) == (second.steps, second.now, second.faults, second.oracle.truth)


def rewriting(before: str, after: str) -> Plant:
    def rewrite(script: Script) -> str:
        return script.text.replace(before, after)

    return Plant(rewrite=rewrite)


def changing(step: str, before: str, after: str) -> Plant:
    def rewrite(script: Script) -> str:
        assert script.name != step or before in script.text
        return script.text.replace(before, after) if script.name == step else script.text

    return Plant(rewrite=rewrite)


PLANTS: dict[str, Callable[[], Plant]] = {
    "ack before store": lambda: Plant(acks_first=True),
    "seen-mark before push": lambda: Plant(splits_push=True),
    "no fencing": lambda: rewriting("holds[i] = scores[i] and tonumber(scores[i]) == epochs[i] or false", "holds[i] = true"),
    "owner checked, epoch not": lambda: rewriting("tonumber(scores[i]) == epochs[i] or false", "true or false"),
    "silence of all robs everybody": lambda: rewriting("if gap > ttl or gap < 0 then", "if false then"),
    "a dead worker's leases are forgotten": lambda: rewriting(
        "release(worker, ids, { counted = true", "release(worker, {}, { counted = true"
    ),
    "a lost answer to complete is an error": lambda: changing("complete", "and 2 or 0", "and 1 or 0"),
    "a lease given back is dropped": lambda: changing("give_back", "release(worker, mine, terms)", "{}"),
    "epoch starts again with each Redis": lambda: rewriting("math.max(NOW, tonumber(redis.call('HGET', COUNTS, 'epoch') or 0) + 1)", "1"),
}


@pytest.mark.parametrize("bug", PLANTS)
def test_planted_bug_breaks_an_invariant(client: redis.Redis, bug: str) -> None:
    plant = PLANTS[bug]()
    violation = next((world for world in live_many(1, 100, client, plant) if isinstance(world, ViolationError)), None)
    assert violation is not None, f"100 seeds passed with the bug {bug!r} planted"
    seed = int(str(violation).split(",")[0].removeprefix("seed "))
    with pytest.raises(ViolationError) as again:
        live(seed, client, plant)
    assert str(again.value) == str(violation), "the failing seed replays"
