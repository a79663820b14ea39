"""Races after expiry: real workers stopped (SIGSTOP) past their lease, continued (SIGCONT), and watched: none of their late ends counts.

Part of `python -m benchmarks.leases`.
"""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
from argparse import Namespace
from collections import Counter

import redis
import redis.asyncio

from benchmarks.lease_worker import KEYS, PAGES
from benchmarks.redis_server import PrivateRedis
from jobschema import Platform
from jobschema.messages import Keyword
from jobspiders.leases.queue import KeywordQueue
from jobspiders.leases.scripts import LeaseScripts, RedisTransport

LEASE = 0.5
STOPPED = 0.9  # seconds: longer than a lease and a beat
WORKERS = 6
AHEAD = 200  # keywords that wait in the queue


async def _push(port: int, first: int, count: int) -> None:
    async with redis.asyncio.Redis(port=port, decode_responses=True) as client:
        queue = KeywordQueue(LeaseScripts(RedisTransport(client), KEYS), Platform.BOSS)
        await queue.push([Keyword(Platform.BOSS, f"race {first + i}", "101") for i in range(count)], "r1")


def _held_by(client: redis.Redis, pid: int) -> set[str]:
    """`id epoch` of every lease that the process holds now."""
    held: set[str] = set()
    for number in client.zrange(KEYS.lease("workers"), 0, -1):  # type: ignore[union-attr]
        node = client.hget(KEYS.worker(int(number)), "node") or "{}"
        if f'"pid":{pid}' in str(node).replace(" ", ""):
            held |= {f"{name} {int(epoch)}" for name, epoch in client.zrange(KEYS.held(int(number)), 0, -1, withscores=True)}  # type: ignore[union-attr]
    return held


def run_races(server: PrivateRedis, wanted: int, dice: random.Random) -> tuple[int, Counter[str]]:
    """At least `wanted` leases that expired under a stopped worker; (races, what became of them)."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.lease_worker",
        server.url,
        "--beat",
        "0.1",
        "--lease",
        str(LEASE),
        "--work",
        "0.4",
        "--held",
        "16",
    ]
    workers = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(WORKERS)]
    late: set[str] = set()
    pushed = 0
    try:
        with server.client() as client:
            while len(late) < wanted:
                if int(client.zcard(KEYS.lease("queue"))) < AHEAD:  # type: ignore[arg-type]
                    asyncio.run(_push(server.port, pushed, AHEAD))
                    pushed += AHEAD
                victims = dice.sample(workers, 2)
                for victim in victims:
                    victim.send_signal(signal.SIGSTOP)
                held = {lease for victim in victims for lease in _held_by(client, victim.pid)}
                time.sleep(STOPPED)
                late |= {lease for lease in held if not _is_held(client, lease)}
                for victim in victims:
                    victim.send_signal(signal.SIGCONT)
                time.sleep(dice.uniform(0.1, 0.4))
            while int(client.hget(KEYS.lease("counts"), "complete") or 0) < pushed:  # type: ignore[arg-type]
                time.sleep(0.05)
            time.sleep(1.0)
            return len(late), _count_faults(client, late, pushed)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def _is_held(client: redis.Redis, lease: str) -> bool:
    """Held still, or complete under this very epoch: then it was no race."""
    name, epoch = lease.rsplit(" ", 1)
    done = client.zscore(KEYS.lease("done"), name)
    if done is not None and int(done) == int(epoch):  # type: ignore[arg-type]
        return True
    numbers = client.zrange(KEYS.lease("workers"), 0, -1)
    scores = [client.zscore(KEYS.held(int(number)), name) for number in numbers]  # type: ignore[union-attr]
    return any(score is not None and int(score) == int(epoch) for score in scores)  # type: ignore[arg-type]


def _count_faults(client: redis.Redis, late: set[str], pushed: int) -> Counter[str]:
    faults: Counter[str] = Counter({"late ends accepted": 0, "completed twice": 0, "pages missing": 0})
    ends = [str(end) for end in client.lrange("oracle:ends", 0, -1)]  # type: ignore[union-attr]
    complete = Counter()  # type: ignore[var-annotated]
    for end in ends:
        _, rest = end.split(" ", 1)
        lease, state = rest.rsplit(" ", 1)
        faults["late ends refused"] += lease in late and state != "complete"
        faults["late ends accepted"] += lease in late and state == "complete"
        complete[lease.rsplit(" ", 1)[0]] += state == "complete"
    counted = int(client.hget(KEYS.lease("counts"), "complete") or 0)  # type: ignore[arg-type]
    faults["completions beyond the keywords"] = counted - pushed
    faults["completed twice"] = sum(count > 1 for count in complete.values())
    faults["pages missing"] = pushed * PAGES - int(client.scard("oracle:pages"))  # type: ignore[arg-type]
    return faults


def measure_races(server: PrivateRedis, options: Namespace) -> None:
    """SIGSTOP past expiry, SIGCONT, then check, store and complete: who is late must lose every time."""
    begin = time.monotonic()
    races, faults = run_races(server, options.races, random.Random(options.seed))
    print(f"races: {races} leases expired under stopped workers in {time.monotonic() - begin:.0f} s; {dict(faults)}", flush=True)
