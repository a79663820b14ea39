"""A worker as a process of its own, without a crawler: leases keywords, "crawls" by sleeping, stores made-up rows, completes. To be killed.

    python -m benchmarks.lease_worker REDIS_URL --beat 3 --lease 9 --work 0.2

The rows lie in the same Redis under `oracle:`: pages (set of id#page), fetches (list, one entry per page fetched), ends (list).
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Iterable
from typing import Any

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


class WitnessHolder(LeaseHolder):
    """Remembers which completions Redis accepted: the feed's figures are of all leases together."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.accepted: set[tuple[str, int]] = set()

    async def complete(self, leases: Iterable[Lease]) -> list[bool]:
        asked = list(leases)
        answers = await super().complete(asked)
        self.accepted |= {(lease.lease_id, lease.epoch) for lease, answer in zip(asked, answers, strict=True) if answer}
        return answers


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
    await feed.complete(lease)
    assert isinstance(feed.holder, WitnessHolder)
    is_accepted = (lease.lease_id, lease.epoch) in feed.holder.accepted
    await client.rpush("oracle:ends", f"{me} {'complete' if is_accepted else 'refused'}")


async def work(options: argparse.Namespace) -> None:
    client = redis.asyncio.Redis.from_url(options.url, decode_responses=True)
    scripts = LeaseScripts(RedisTransport(client), KEYS)
    feed = RedisFeed(
        WitnessHolder(scripts, Platform.BOSS, LeasePolicy(options.beat, options.lease, max_attempts=100), node={"pid": os.getpid()}),
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
