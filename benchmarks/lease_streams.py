"""The other design, measured beside ours: keywords in a Redis stream, a consumer group, an acknowledgement that checks its owner.

Part of `python -m benchmarks.leases`; docs/decisions/0004-leases-in-sorted-sets.md draws the conclusion.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from argparse import Namespace
from typing import Any

import redis.asyncio
import uvloop

from benchmarks.lease_worker import KEYS
from benchmarks.redis_server import PrivateRedis
from jobschema import Platform
from jobschema.messages import Keyword
from jobspiders.leases.entries import write_entry
from jobspiders.leases.holder import LeaseHolder
from jobspiders.leases.queue import KeywordQueue
from jobspiders.leases.scripts import LeaseScripts, RedisTransport

STREAM, GROUP = "stream", "workers"
ACK = """
local done = 0
for i = 3, #ARGV do
  local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2])
  if #pending == 1 then
    redis.call('XACK', KEYS[1], ARGV[1], ARGV[i])
    redis.call('XDEL', KEYS[1], ARGV[i])
    done = done + 1
  end
end
return done
"""


async def _stream_worker(port: int, name: str, batch: int) -> None:
    async with redis.asyncio.Redis(port=port, decode_responses=True) as client:
        ack = client.register_script(ACK)
        while answer := await client.xreadgroup(GROUP, name, {STREAM: ">"}, count=batch):
            entries: Any = answer[STREAM][0] if isinstance(answer, dict) else answer[0][1]
            if not entries:
                return
            await ack(keys=[STREAM], args=[GROUP, name, *[entry[0] for entry in entries]])


async def _lease_worker(port: int, _name: str, batch: int) -> None:
    async with redis.asyncio.Redis(port=port, decode_responses=True) as client:
        holder = LeaseHolder(LeaseScripts(RedisTransport(client), KEYS), Platform.BOSS)
        await holder.enlist()
        while claimed := (await holder.beat(batch)).claimed:
            await holder.complete(claimed)


WORKERS = {"stream": _stream_worker, "sorted sets": _lease_worker}


def pump(way: str, port: int, batch: int, connections: int) -> None:
    async def main() -> None:
        worker = WORKERS[way]
        await asyncio.gather(*[worker(port, f"{time.time_ns()}-{number}", batch) for number in range(connections)])

    uvloop.run(main())


async def _fill(port: int, count: int) -> None:
    keywords = [Keyword(Platform.BOSS, f"keyword {number}", "101010100") for number in range(count)]
    async with redis.asyncio.Redis(port=port, decode_responses=True) as client:
        await client.flushall()
        await KeywordQueue(LeaseScripts(RedisTransport(client), KEYS), Platform.BOSS).push(keywords, "r1")
        await client.xgroup_create(STREAM, GROUP, "0", mkstream=True)
        for start in range(0, count, 500):
            pipe = client.pipeline(transaction=False)
            for keyword in keywords[start : start + 500]:
                pipe.xadd(STREAM, {"keyword": write_entry(keyword)})
            await pipe.execute()


def measure_streams(server: PrivateRedis, _: Namespace) -> None:
    """Claim + complete per second of both designs, alternated on the same Redis."""
    with multiprocessing.Pool(2) as pool:
        for batch, count in ((1, 10_000), (16, 60_000)):
            for _round in range(3):
                paces = {}
                for way in WORKERS:
                    asyncio.run(_fill(server.port, count))
                    begin = time.perf_counter()
                    pool.starmap(pump, [(way, server.port, batch, 4)] * 2)
                    paces[way] = count / (time.perf_counter() - begin)
                said = ", ".join(f"{way} {pace:,.0f}/s" for way, pace in paces.items())
                print(f"streams: batch {batch:2}: {said}, ratio {paces['sorted sets'] / paces['stream']:.2f}", flush=True)
