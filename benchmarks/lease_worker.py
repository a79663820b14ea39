"""A worker as a process of its own, without a crawler: leases keywords, "crawls" by sleeping, stores made-up rows, completes. To be killed.

    python -m benchmarks.lease_worker REDIS_URL --beat 3 --lease 9 --work 0.2

The rows lie in the same Redis under `oracle:`: pages (set of id#page), fetches (list, one entry per page fetched), ends (list).
"""

from __future__ import annotations

import argparse
import asyncio
import os

import redis.asyncio

from jobschema import Platform
from jobschema.keys import PlatformKeys
from jobschema.messages import Lease
from jobspiders.feeds.redis import FeedOptions, RedisFeed
from jobspiders.leases.entries import read_message
from jobspiders.leases.holder import LeaseHolder, LeasePolicy
from jobspiders.leases.queue import KeywordQueue
from jobspiders.leases.scripts import LeaseScripts, RedisTransport

PAGES = 5
KEYS = PlatformKeys("boss")


async def crawl(feed: RedisFeed, client: redis.asyncio.Redis, lease: Lease, seconds: float) -> None:
    """Fetch the pages, store them, then complete: the order that must not change."""
    me = f"{os.getpid()} {lease.lease_id} {lease.epoch}"
    for page in range(PAGES):
        await asyncio.sleep(seconds / PAGES)
        await client.rpush("oracle:fetches", f"{lease.lease_id}#{page}")
    if not await feed.is_current(lease):
        await client.rpush("oracle:ends", f"{me} stale")
        await feed.give_back(lease, {"lease_stale": 1})
        return
    await client.sadd("oracle:pages", *[f"{lease.lease_id}#{page}" for page in range(PAGES)])
    before = feed.figures.complete
    await feed.complete(lease)
    await client.rpush("oracle:ends", f"{me} {'complete' if feed.figures.complete > before else 'refused'}")


async def work(options: argparse.Namespace) -> None:
    client = redis.asyncio.Redis.from_url(options.url, decode_responses=True)
    scripts = LeaseScripts(RedisTransport(client), KEYS)
    feed = RedisFeed(
        LeaseHolder(scripts, Platform.BOSS, LeasePolicy(options.beat, options.lease, max_attempts=100), node={"pid": os.getpid()}),
        KeywordQueue(scripts, Platform.BOSS),
        FeedOptions(max_held=options.held, max_idle=options.idle),
        read_message=lambda data: read_message(data, Platform.BOSS),
    )
    running: set[asyncio.Task[None]] = set()
    async for lease in feed.leases():
        await client.hset("oracle:claims", f"{lease.lease_id} {lease.epoch}", f"{os.getpid()}")
        task = asyncio.create_task(crawl(feed, client, lease, options.work))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    await feed.close()
    await client.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--beat", type=float, default=3.0)
    parser.add_argument("--lease", type=float, default=9.0)
    parser.add_argument("--work", type=float, default=0.2, help="seconds a keyword takes")
    parser.add_argument("--held", type=int, default=16, help="keywords at once")
    parser.add_argument("--idle", type=float, default=0.0, help="end after so many seconds without an open keyword")
    asyncio.run(work(parser.parse_args()))


if __name__ == "__main__":
    main()
