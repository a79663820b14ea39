"""RedisFeed on a real Redis: leases flow, wait, survive an outage, drain; what a spider sees of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import redis.asyncio

from benchmarks.redis_server import PrivateRedis
from jobschema import Platform
from jobschema.keys import PlatformKeys
from jobschema.messages import Keyword, Lease
from jobspiders.feeds.redis import FeedOptions, RedisFeed, RedisRefusedError
from jobspiders.leases.entries import read_message
from jobspiders.leases.holder import LeaseHolder, LeasePolicy
from jobspiders.leases.outage import RedisPatience, is_passing
from jobspiders.leases.queue import KeywordQueue
from jobspiders.leases.scripts import LeaseScripts, RedisTransport

KEYS = PlatformKeys("boss")
QUICK = LeasePolicy(beat_seconds=0.05, lease_seconds=0.4)


class LateTransport(RedisTransport):
    """Redis has done it; the answer is on its way for a while."""

    async def __call__(self, *call: Any) -> Any:
        answer = await super().__call__(*call)
        await asyncio.sleep(0.2)
        return answer


class Node:
    """A feed with its own connection, as a node has it."""

    def __init__(self, url: str, options: FeedOptions, policy: LeasePolicy, transport: type[RedisTransport] = RedisTransport) -> None:
        self.client = redis.asyncio.Redis.from_url(url, decode_responses=True, encoding_errors="surrogateescape")
        scripts = LeaseScripts(transport(self.client), KEYS)
        self.queue = KeywordQueue(scripts, Platform.BOSS)
        self.lost: list[Lease] = []
        self.feed = RedisFeed(
            LeaseHolder(scripts, Platform.BOSS, policy),
            self.queue,
            options,
            read_message=lambda data: read_message(data, Platform.BOSS),
            on_lost=self.lost.extend,
            patience=RedisPatience(first_wait=0.02, longest_wait=0.05),
        )
        self.leases = self.feed.leases()

    async def push(self, *texts: str) -> None:
        await self.queue.push([Keyword(Platform.BOSS, text, "101") for text in texts], "r1")

    async def next(self) -> Lease:
        return await asyncio.wait_for(anext(self.leases), 10)


@pytest.fixture
def run_nodes(redis_server: PrivateRedis) -> Callable[..., Any]:
    """`run_nodes(body, count=2)`: an async body with that many nodes on an empty Redis."""

    def run(body: Callable[..., Awaitable[Any]], count: int = 1, options: FeedOptions | None = None, **more: Any) -> Any:
        async def main() -> Any:
            made = {"policy": QUICK, **more}
            nodes = [Node(redis_server.url, options or FeedOptions(max_held=2), **made) for _ in range(count)]
            await nodes[0].client.flushall()
            try:
                return await body(*nodes)
            finally:
                for node in nodes:
                    await node.feed.close(1)
                    await node.client.aclose()

        return asyncio.run(main())

    return run


def test_leases_come_as_far_as_there_is_room(run_nodes: Any) -> None:
    async def body(node: Node) -> None:
        await node.push("a", "b", "c")
        first, second = await node.next(), await node.next()
        third = asyncio.ensure_future(node.next())
        await asyncio.sleep(0.2)
        assert not third.done(), "two are open, two may be"
        await node.feed.complete(first)
        assert (await third).keyword.text == "c"
        assert [first.keyword.text, second.keyword.text] == ["a", "b"]
        assert node.feed.figures.complete == 1

    run_nodes(body)


def test_run_whose_rows_are_on_their_way_makes_room_and_still_counts_against_the_limit(run_nodes: Any) -> None:
    async def body(node: Node) -> None:
        await node.push("a", "b", "c", "d")
        first, second = await node.next(), await node.next()
        node.feed.crawled(first)
        third = await node.next()
        node.feed.crawled(second)
        fourth = asyncio.ensure_future(node.next())
        await asyncio.sleep(0.2)
        assert not fourth.done(), "three may be held: one is crawled, two wait for the stores"
        await node.feed.complete(first)
        assert [third.keyword.text, (await fourth).keyword.text] == ["c", "d"]

    run_nodes(body, options=FeedOptions(max_held=2, max_leases=3))


def test_feed_idles_until_a_message_is_pushed_to_the_redis_key(run_nodes: Any) -> None:
    async def body(node: Node) -> Lease:
        waiting = asyncio.ensure_future(node.next())
        await asyncio.sleep(0.1)
        await node.client.lpush("boss:keywords", '{"text": "Python", "city_code": "7", "depth": 2}')
        return await waiting

    assert run_nodes(body).keyword == Keyword(Platform.BOSS, "Python", "7", 2)


def test_unreadable_message_is_put_aside_and_the_others_go_on(run_nodes: Any) -> None:
    async def body(node: Node) -> None:
        await node.client.rpush(
            "boss:keywords", b"\x80\x04\x95pickle\xff", '{"text": ""}', '{"text": "a", "colour": 1}', '{"text": "good"}', "{", "plain"
        )
        assert {(await node.next()).keyword.text, (await node.next()).keyword.text} == {"good", "plain"}
        status = await node.queue.status()
        assert status.inbox == 0
        assert status.unreadable == 4

    run_nodes(body)


def test_lease_of_a_silent_node_goes_to_another_and_the_first_is_told(run_nodes: Any) -> None:
    async def body(silent: Node, other: Node) -> None:
        await silent.push("a")
        lease = await silent.next()
        waiting = asyncio.ensure_future(other.next())
        async with silent.feed._turn:  # the node stalls: none of its steps gets through
            current = await waiting
        assert current.lease_id == lease.lease_id
        assert current.epoch > lease.epoch
        assert not await silent.feed.is_current(lease)
        assert await other.feed.is_current(current)
        await silent.feed.complete(lease)
        assert (silent.feed.figures.complete, silent.feed.figures.stale) == (0, 1)
        await other.feed.complete(current)
        while not silent.lost:
            await asyncio.sleep(0.01)
        assert silent.lost == [lease]
        await silent.push("b")
        assert (await silent.next()).keyword.text == "b", "it works on under a new number"

    run_nodes(body, count=2)


def test_drain_gives_unstarted_leases_back_at_once_and_keeps_running_ones(run_nodes: Any) -> None:
    async def body(node: Node, other: Node) -> None:
        await node.push("a", "b")
        running = await node.next()
        await node.feed.drain()
        status = await node.queue.status()
        assert (status.queued, status.leased) == (1, 1)
        with pytest.raises(StopAsyncIteration):
            await node.next()
        assert (await other.next()).keyword.text == "b"
        await node.feed.complete(running)
        assert (await node.queue.status()).complete == 1

    run_nodes(body, count=2)


def test_close_gives_back_what_is_held(run_nodes: Any) -> None:
    async def body(node: Node, other: Node) -> None:
        await node.push("a")
        await node.next()
        await node.feed.close()
        assert (await other.next()).attempt == 2

    run_nodes(body, count=2)


def test_close_before_redis_has_answered_the_first_word_leaves_nobody_on_duty(run_nodes: Any) -> None:
    async def body(node: Node) -> None:
        await node.push("a")
        waiting = asyncio.ensure_future(node.next())
        await asyncio.sleep(0.1)
        assert node.feed.holder.worker == 0, "its number is on its way"
        await node.feed.close()
        with pytest.raises(StopAsyncIteration):
            await waiting
        status = await node.queue.status()
        assert (status.queued, status.leased, status.workers) == (1, 0, [])

    run_nodes(body, transport=LateTransport)


def test_feed_ends_when_nothing_is_open_anywhere_for_the_idle_time(run_nodes: Any) -> None:
    async def body(node: Node, other: Node) -> None:
        await node.push("a")
        lease = await node.next()
        ending = asyncio.ensure_future(other.next())
        await asyncio.sleep(0.5)
        assert not ending.done(), "a keyword is still leased elsewhere and may come back"
        await node.feed.complete(lease)
        with pytest.raises(StopAsyncIteration):
            await ending

    run_nodes(body, count=2, options=FeedOptions(max_held=2, max_idle=0.2))


def test_redis_busy_with_a_long_script_is_waited_for(redis_server: PrivateRedis) -> None:
    """Past its limit Redis answers everybody BUSY: an operator's audit of a million keywords must not end the nodes."""

    async def body() -> None:
        async with redis.asyncio.Redis(port=redis_server.port, decode_responses=True) as operator:
            await operator.flushall()
            await operator.config_set("busy-reply-threshold", 1)
            node = Node(redis_server.url, FeedOptions(), QUICK)
            await node.push("a")
            endless = asyncio.ensure_future(operator.eval("while true do end", 0))
            waiting = asyncio.ensure_future(node.next())
            while not node.feed.patience.is_away:
                await asyncio.sleep(0.01)
            async with redis.asyncio.Redis(port=redis_server.port) as other:
                await other.script_kill()
            with pytest.raises(redis.exceptions.ResponseError):
                await endless
            assert (await waiting).keyword.text == "a"
            await operator.config_set("busy-reply-threshold", 5000)
            await node.feed.close()
            await node.client.aclose()

    asyncio.run(body())


@pytest.mark.parametrize(
    ("said", "passes"),
    [
        ("BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", True),
        ("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", True),
        ("Error running script (call to f_1): @user_script:1: -OOM command not allowed when used memory > 'maxmemory'.", True),
        ("NOREPLICAS Not enough good replicas to write.", True),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", False),
        ("Error running script: attempt to index a nil value", False),
    ],
)
def test_answer_of_redis_that_may_change_is_waited_for_and_no_other(said: str, passes: bool) -> None:
    assert is_passing(redis.exceptions.ResponseError(said)) is passes


def test_wrong_password_ends_the_crawl_instead_of_waiting(redis_server: PrivateRedis) -> None:
    async def body() -> None:
        url = redis_server.url.replace("redis://", "redis://nobody:wrong@")
        node = Node(url, FeedOptions(), QUICK)
        with pytest.raises(RedisRefusedError, match=r"AuthenticationError.*Check REDIS_URL"):
            await node.next()
        await node.client.aclose()

    asyncio.run(body())


@pytest.mark.parametrize("append_only", [True, False], ids=["with AOF", "without persistence, rebuilt"])
def test_redis_killed_and_restarted_loses_no_keyword_and_ends_none_twice(append_only: bool) -> None:
    """The heartbeat, a completion and the next claim wait; the lease survives where Redis remembers it."""

    async def body(server: PrivateRedis) -> None:
        node = Node(server.url, FeedOptions(max_held=1), LeasePolicy(beat_seconds=0.1, lease_seconds=0.5))
        await node.push("a", "b")
        lease = await node.next()
        server.kill()
        completing = asyncio.ensure_future(node.feed.complete(lease))
        await asyncio.sleep(1.0)  # twice the lease
        assert not completing.done()
        assert node.feed.patience.is_away
        if append_only:
            server.start()
            await completing
            assert (node.feed.figures.complete, node.feed.figures.stale, node.lost) == (1, 0, [])
        else:
            server.restart_empty()
            await node.push("a", "b")  # what `scrapy keywords rebuild` does
            await completing
            assert (node.feed.figures.complete, node.feed.figures.stale) == (0, 1)
            lease = await node.next()
            assert lease.keyword.text == "a"
            await node.feed.complete(lease)
        assert (await node.next()).keyword.text == "b"
        status = await node.queue.status()
        assert (status.complete, status.leased, status.is_conserved) == (1, 1, True)
        await node.feed.close()
        await node.client.aclose()

    with PrivateRedis(append_only=append_only) as server:
        asyncio.run(body(server))


def test_idle_feed_costs_one_operation_a_beat(run_nodes: Any) -> None:
    async def body(node: Node) -> None:
        waiting = asyncio.ensure_future(node.next())
        while not node.feed.holder.worker:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        begin, before = time.monotonic(), (await node.client.info("commandstats"))["cmdstat_evalsha"]["calls"]
        await asyncio.sleep(1.0)
        after, end = (await node.client.info("commandstats"))["cmdstat_evalsha"]["calls"], time.monotonic()
        assert 0 < after - before <= (end - begin) / 0.05 + 1, "a beat every 0.05 s and nothing else"
        waiting.cancel()

    run_nodes(body)


def test_broken_law_is_alarmed(run_nodes: Any, caplog: Any) -> None:
    async def body(node: Node) -> None:
        await node.push("a", "b")
        await node.client.zrem(KEYS.lease("queue"), "r1|101||a")
        lease = await node.next()
        while not node.feed.figures.law_broken:
            await asyncio.sleep(0.01)
        assert lease.keyword.text == "b"

    run_nodes(body, options=FeedOptions(max_held=2, law_seconds=0.05))
    assert "the conservation law is broken by 1 keywords" in caplog.text
