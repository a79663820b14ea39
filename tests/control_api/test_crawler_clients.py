"""The crawler's keyword feed, token pool and client against the control plane itself, over a socket."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import redis.asyncio
import uvicorn
from fastapi.testclient import TestClient
from sqlmodel import select

from benchmarks.redis_server import PrivateRedis
from control_api.deps import Control
from control_api.models import Keyword, KeywordRun, Node, Token, TokenEvent
from jobschema import Platform, Verdict, messages
from jobschema.keys import PlatformKeys
from jobspiders.control_client import ControlAwayError, ControlClient, ControlRefusedError
from jobspiders.errors import PoolExhaustedError
from jobspiders.feeds.arguments import ArgumentFeed
from jobspiders.feeds.base import KeywordFeed
from jobspiders.feeds.control import ControlFeed, ControlFeedOptions
from jobspiders.feeds.redis import FeedOptions, RedisFeed
from jobspiders.leases.entries import read_message
from jobspiders.leases.holder import LeaseHolder, LeasePolicy
from jobspiders.leases.queue import KeywordQueue
from jobspiders.leases.scripts import LeaseScripts, RedisTransport
from jobspiders.pools.control_tokens import ControlTokenPool

Headers = dict[str, str]
OPTIONS = ControlFeedOptions(max_held=3, poll_seconds=0.02, max_idle=0.2)


@pytest.fixture(scope="module")
def server(application: TestClient) -> Iterator[str]:
    """The address of the application behind `client`, on a socket of its own."""
    config = uvicorn.Config(application.app, host="127.0.0.1", port=0, lifespan="off", log_config=None, ws="none")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    running.should_exit = True
    thread.join()


@pytest.fixture
def run(server: str, node: Headers) -> Callable[..., Any]:
    """Runs a coroutine function with a client of `node`."""

    def start(work: Callable[[ControlClient], Awaitable[Any]], token: str = node["token"]) -> Any:
        async def go() -> Any:
            client = ControlClient(server, token)
            try:
                return await work(client)
            finally:
                await client.close()
                await asyncio.sleep(0)  # aiohttp lets go of its sockets in the next turn

        return asyncio.run(go())

    return start


def add_keywords(control: Control, count: int) -> None:
    from control_api.models.base import now_utc

    with control.database.write() as unit:
        unit.add_all(Keyword(platform="boss", text=f"text {n}", city_code="1", depth=2, available_at=now_utc()) for n in range(count))


def read_runs(control: Control) -> list[KeywordRun]:
    with control.database.read() as unit:
        return list(unit.exec(select(KeywordRun).order_by(KeywordRun.id)).all())  # type: ignore[arg-type]


# -- what every feed promises, whoever gives the keywords --------------------------------------------------------------


class OwnRedisFeed(RedisFeed):
    """A feed that closes its connection with itself, as the spider does."""

    def __init__(self, server: PrivateRedis) -> None:
        self.connection = redis.asyncio.Redis(port=server.port, decode_responses=True)
        scripts = LeaseScripts(RedisTransport(self.connection), PlatformKeys("boss"))
        policy = LeasePolicy(beat_seconds=0.05, lease_seconds=1.0)
        super().__init__(
            LeaseHolder(scripts, Platform.BOSS, policy),
            KeywordQueue(scripts, Platform.BOSS),
            FeedOptions(max_held=3, max_idle=0.2),
            read_message=lambda data: read_message(data, Platform.BOSS),
        )

    async def close(self, grace: float = 5.0) -> None:
        await super().close(grace)
        await self.connection.aclose()


@pytest.fixture(params=["arguments", "control", "redis"])
def make_feed(request: pytest.FixtureRequest, control: Control) -> Callable[[ControlClient, int], KeywordFeed]:
    """Makes a feed of so many keywords."""
    server = request.getfixturevalue("redis_server") if request.param == "redis" else None

    def make(client: ControlClient, count: int) -> KeywordFeed:
        if server is not None:
            with server.client() as operator:
                operator.lpush("boss:keywords", *[json.dumps({"text": f"text {n}", "city_code": "1", "depth": 2}) for n in range(count)])
            return OwnRedisFeed(server)
        if request.param == "arguments":
            return ArgumentFeed([messages.Keyword(Platform.BOSS, f"text {n}", "1", 2) for n in range(count)])
        add_keywords(control, count)
        return ControlFeed(client, Platform.BOSS, OPTIONS)

    return make


def test_feed_gives_every_keyword_once_and_ends(make_feed: Any, run: Any) -> None:
    async def work(client: ControlClient) -> list[messages.Keyword]:
        feed = make_feed(client, 7)
        found = []
        async for lease in feed.leases():
            found.append(lease.keyword)
            feed.crawled(lease)
            await feed.complete(lease)
        await feed.close(5)
        return found

    found = run(work)
    assert sorted(keyword.text for keyword in found) == [f"text {n}" for n in range(7)]
    assert {(keyword.platform, keyword.city_code, keyword.depth) for keyword in found} == {(Platform.BOSS, "1", 2)}


def test_feed_told_to_drain_gives_nothing_more(make_feed: Any, run: Any) -> None:
    async def work(client: ControlClient) -> int:
        feed = make_feed(client, 7)
        given = 0
        async for lease in feed.leases():
            given += 1
            await feed.drain()
            await feed.complete(lease)
        await feed.close(5)
        return given

    assert run(work) == 1


# -- what the control plane's feed promises ----------------------------------------------------------------------------


def test_run_complete_reports_what_it_brought(control: Control, run: Any) -> None:
    add_keywords(control, 1)

    async def work(client: ControlClient) -> None:
        feed = ControlFeed(client, Platform.BOSS, OPTIONS)
        async for lease in feed.leases():
            feed.note(lease, pages=1, jobs=30)
            feed.note(lease, pages=1, jobs=12, companies=5)
            await feed.complete(lease)
        await feed.close(5)

    run(work)
    ended = read_runs(control)[0]
    assert (ended.state, ended.pages, ended.jobs, ended.companies) == ("complete", 2, 42, 5)


def test_feed_holds_no_more_than_it_has_room_for(control: Control, run: Any) -> None:
    add_keywords(control, 9)

    async def work(client: ControlClient) -> tuple[int, int]:
        feed = ControlFeed(client, Platform.BOSS, OPTIONS)
        leases = feed.leases()
        first = [await anext(leases) for _ in range(3)]
        held = len([run for run in read_runs(control) if run.state == "running"])
        feed.crawled(first[0])
        await anext(leases)
        more = len([run for run in read_runs(control) if run.state == "running"])
        await feed.close(5)
        await leases.aclose()  # type: ignore[attr-defined]
        return held, more

    assert run(work) == (3, 4)
    assert {run.state for run in read_runs(control)} == {"returned"}


def test_return_tells_why(control: Control, run: Any) -> None:
    add_keywords(control, 1)

    async def work(client: ControlClient) -> None:
        feed = ControlFeed(client, Platform.BOSS, OPTIONS)
        async for lease in feed.leases():
            await feed.give_back(lease, {"ip_banned": 2, "crawl <odd>\n": 1})
        await feed.close(5)

    run(work)
    ended = read_runs(control)[0]
    assert (ended.state, ended.causes) == ("partial", {"ip_banned": 2, "crawl _odd__": 1})


def test_lease_lost_is_told_and_its_end_is_not_reported(control: Control, run: Any) -> None:
    add_keywords(control, 1)
    lost: list[messages.Lease] = []

    async def work(client: ControlClient) -> Any:
        feed = ControlFeed(client, Platform.BOSS, OPTIONS, on_lost=lost.extend)
        lease = await anext(feed.leases())
        with control.database.write() as unit:
            keyword = unit.exec(select(Keyword)).one()
            keyword.epoch += 1  # another node has it
        await feed.complete(lease)
        await feed.close(5)
        return feed.figures

    figures = run(work)
    assert (figures["complete"], figures["lost"], len(lost)) == (0, 1, 1)


def test_control_plane_away_is_waited_for(control: Control, server: str, node: Headers) -> None:
    pauses: list[float] = []

    async def work() -> Any:
        client = ControlClient("http://127.0.0.1:9", node["token"])

        async def come_back(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                client.url = server

        client._sleep = come_back
        try:
            return await client.insist("GET", "/api/v1/keyword/available", platform="boss")
        finally:
            await client.close()
            await asyncio.sleep(0)

    assert asyncio.run(work()) == {"leases": [], "is_draining": False}
    assert pauses == [0.5, 1.0, 2.0]


def test_credential_refused_is_no_reason_to_wait(run: Any) -> None:
    async def work(client: ControlClient) -> None:
        await client.insist("GET", "/api/v1/keyword/available", platform="boss")

    with pytest.raises(ControlRefusedError, match="CONTROL_API_TOKEN") as caught:
        run(work, token="jn_000000000000_" + "0" * 64)
    assert caught.value.status == 401
    assert "000000" not in str(caught.value)


def test_answer_that_is_no_json_counts_as_absence(run: Any) -> None:
    async def work(client: ControlClient) -> None:
        await client.ask("GET", "/metrics")

    with pytest.raises(ControlAwayError, match="does not answer"):
        run(work)


# -- tokens -------------------------------------------------------------------------------------------------------------


def test_tokens_are_borrowed_reported_and_given_back(client: TestClient, control: Control, operator: Headers, run: Any) -> None:
    body = {"platform": "boss", "tokens": [{"token": f"planted-token-{n}"} for n in range(4)]}
    assert client.post("/api/v1/token/import", headers=operator, json=body).json()["added"] == 4

    async def work(api: ControlClient) -> tuple[list[str], str]:
        pool = ControlTokenPool(api, Platform.BOSS, 2)
        assert len(pool) == 2
        first = await pool.take()
        assert first.secret.startswith("planted-token-")
        assert pool.burn(first.name, Verdict.TOKEN_INVALID)
        second = await pool.take()
        pool.rest(second.name, Verdict.ACCOUNT_BANNED, 7200, sent_at=pool.now())
        third = await pool.take()
        names = [first.name, second.name, third.name]
        await pool.close()
        return names, repr(third)

    names, shown = run(work)
    assert len(set(names)) == 3
    assert "planted" not in shown
    with control.database.read() as unit:
        states = {f"token-{token.id}": token.state for token in unit.exec(select(Token)).all()}
        kinds = {event.kind for event in unit.exec(select(TokenEvent)).all()}
        assert unit.exec(select(Token).where(Token.state == "active", Token.leased_by != None)).all() == []  # noqa: E711
    assert (states[names[0]], states[names[1]], states[names[2]]) == ("invalid", "resting", "active")
    assert {"lent", "invalid", "resting", "returned"} <= kinds


def test_pool_without_any_token_says_so(run: Any) -> None:
    async def work(api: ControlClient) -> None:
        await ControlTokenPool(api, Platform.BOSS, 2).take()

    with pytest.raises(PoolExhaustedError, match="no token is left"):
        run(work)


def test_last_words_of_one_crawl_leave_the_other_its_leases(client: TestClient, control: Control, node: Headers) -> None:
    add_keywords(control, 1)
    for platform in ("boss", "zhilian"):
        assert client.post("/api/v1/node/register", headers=node, json={"platforms": [platform]}).status_code == 200
    client.get("/api/v1/keyword/available?platform=boss", headers=node)
    words = "/api/v1/node/last-words"
    assert client.post(words, headers=node, json={"reason": "finished", "platforms": ["zhilian"]}).json()["keywords_returned"] == 0
    with control.database.read() as unit:
        assert unit.exec(select(Node)).one().stopped_at is None
    assert client.post(words, headers=node, json={"reason": "finished", "platforms": ["boss"]}).json()["keywords_returned"] == 1
    with control.database.read() as unit:
        assert unit.exec(select(Node)).one().stopped_at is not None
