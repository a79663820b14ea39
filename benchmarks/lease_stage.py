"""The stage of the simulated fleet: virtual time, coroutines driven one step at a time, and how their scripts reach a real Redis.

benchmarks/lease_world.py puts workers and faults on it; benchmarks/lease_oracle.py judges every step that Redis executes.
"""

from __future__ import annotations

import heapq
import itertools
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from benchmarks.lease_oracle import KEYS, Oracle, ViolationError
from jobschema import Platform
from jobspiders.leases.holder import LeaseHolder
from jobspiders.leases.outage import RedisPatience
from jobspiders.leases.queue import KeywordQueue
from jobspiders.leases.scripts import LeaseScripts, Script

CLOCK = "local NOW = tonumber(KEYS[3])\n"  # the simulated transport sends the virtual time as a third key
EPOCH_START = 1_800_000_000_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class Plant:
    """A bug to plant. `rewrite` changes Lua on its way to Redis; `splits_push` marks first and queues in a second step; `acks_first`
    completes before the rows are stored.
    """

    rewrite: Callable[[Script], str] | None = None
    splits_push: bool = False
    acks_first: bool = False


@dataclass(frozen=True, slots=True)
class Pause(Awaitable[None]):
    """A coroutine's wish to go on later, in virtual seconds."""

    seconds: float

    def __await__(self) -> Generator[Any, None, None]:
        yield self


@dataclass(eq=False, slots=True)
class Process:
    """One coroutine on the agenda; `holder` where it is a worker."""

    coroutine: Coroutine[Any, Any, None]
    wake: float
    holder: LeaseHolder | None = None
    is_over: bool = False


class World:
    """One seed's history: the agenda, the virtual clock, the Redis and the oracle."""

    def __init__(self, seed: int, client: redis.Redis, plant: Plant | None = None, *, trace: bool = False) -> None:
        self.dice = random.Random(seed)
        self.client = client
        self.plant = plant or Plant()
        self.trace = trace
        self.now = 0.0
        self.is_away = self.is_healthy = False
        self.faults: Counter[str] = Counter()
        self.steps = 0
        self.workers: list[Process] = []
        self.oracle = Oracle(self.say)
        self.direct = KeywordQueue(LeaseScripts(DirectTransport(self), KEYS, clock=CLOCK), Platform.BOSS)
        self._shas: dict[str, str] = {}
        self._order = itertools.count()
        self._agenda: list[tuple[float, int, Process | Callable[[], object]]] = []

    # -- time -----------------------------------------------------------------------------------------------------------

    def at(self, when: float, what: Process | Callable[[], object]) -> None:
        heapq.heappush(self._agenda, (when, next(self._order), what))

    def start(self, coroutine: Coroutine[Any, Any, None], delay: float = 0.0, holder: LeaseHolder | None = None) -> Process:
        process = Process(coroutine, self.now + delay, holder)
        self.at(process.wake, process)
        return process

    def step(self) -> None:
        when, _, what = heapq.heappop(self._agenda)
        if isinstance(what, Process) and (what.is_over or what.wake != when):  # killed, or stalled meanwhile
            return
        self.now = when
        if isinstance(what, Process):
            self._resume(what)
        else:
            what()

    def _resume(self, process: Process) -> None:
        try:
            pause: Pause = process.coroutine.send(None)
        except StopIteration:
            process.is_over = True
            return
        process.wake = self.now + pause.seconds
        self.at(process.wake, process)

    def close(self) -> None:
        for _, _, what in self._agenda:
            if isinstance(what, Process):
                what.coroutine.close()

    # -- what processes use -----------------------------------------------------------------------------------------------

    def say(self, *what: object) -> None:
        if self.trace:
            print(f"{self.now:9.3f}", *what)

    def note(self, fault: str, *about: object) -> None:
        self.faults[fault] += 1
        self.say("!", fault, *about)

    def patience(self) -> RedisPatience:
        return RedisPatience(clock=lambda: self.now, sleep=Pause)

    def execute(self, script: Script, keys: Sequence[str], arguments: Sequence[str]) -> Any:
        """Redis runs a script now. `keys` get the virtual time added."""
        text = self.plant.rewrite(script) if self.plant.rewrite else script.text
        sha = self._shas.get(text)
        if sha is None:
            sha = self._shas[text] = str(self.client.script_load(text))
        return self.client.evalsha(sha, 3, *keys, str(EPOCH_START + round(self.now * 1_000_000)), *arguments)


class DirectTransport:
    """Scripts without faults, for looking on."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def __call__(self, script: Script, keys: Sequence[str], arguments: Sequence[str]) -> Any:
        return self.world.execute(script, keys, arguments)


class FaultyTransport:
    """How scripts of workers and operators reach Redis in this world."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def __call__(self, script: Script, keys: Sequence[str], arguments: Sequence[str]) -> Any:
        world, dice = self.world, self.world.dice
        await Pause(dice.uniform(0.0002, 0.004))
        fate = 1.0 if world.is_healthy else dice.random()
        if world.is_away or fate < 0.02:
            world.note("request lost", script.name)
            raise redis.ConnectionError("the request was lost")
        if fate < 0.03:  # it arrives when its sender has given up
            world.note("request late", script.name)
            world.at(world.now + dice.uniform(0.1, 15), lambda: self._arrive(script, keys, arguments))
            raise redis.TimeoutError("no answer in time")
        answer = self._arrive(script, keys, arguments)
        if fate < 0.04:
            world.note("request doubled", script.name)
            world.at(world.now + dice.uniform(0, 5), lambda: self._arrive(script, keys, arguments))
        if fate < 0.07:
            world.note("answer lost", script.name)
            raise redis.ConnectionError("the answer was lost")
        await Pause(dice.uniform(0.0002, 0.004))
        return answer

    def _arrive(self, script: Script, keys: Sequence[str], arguments: Sequence[str]) -> Any:
        world = self.world
        if world.is_away:
            return None
        world.steps += 1
        if script.name == "push" and world.plant.splits_push:
            return push_in_two_steps(world, arguments)
        answer = world.execute(script, keys, arguments)
        world.oracle.observe(script.name, world.now, arguments, answer)
        if world.steps % 3 == 0:
            audit(world)
        return answer


def push_in_two_steps(world: World, arguments: Sequence[str]) -> str:
    """The planted bug of scrapy-redis: mark as seen, then queue, and a crash may come between the two."""
    states = []
    for identity, entry, band in json.loads(arguments[1]):
        is_new = world.client.zscore(KEYS.lease("done"), identity) is None and world.client.hsetnx(KEYS.lease("entries"), identity, entry)
        states.append("q" if is_new else "o")
        if is_new and (world.is_healthy or world.dice.random() > 0.05):
            world.client.zadd(KEYS.lease("queue"), {identity: band * 2**40 + world.steps})
            world.client.hincrby(KEYS.lease("counts"), "pushed", 1)
    return json.dumps(states)


def audit(world: World) -> None:
    faults = at_once(world.direct.audit())
    if faults:
        raise ViolationError("; ".join(faults))


def at_once(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("the coroutine waits")
