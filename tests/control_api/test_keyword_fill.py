"""Due keywords in Redis: each once however often cron calls, crawled by the nodes' own feed, and their ends read back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import redis
from fastapi.testclient import TestClient
from sqlmodel import select, update

from benchmarks.redis_server import PrivateRedis
from control_api.cli.main import main
from control_api.db import Database
from control_api.errors import RedisFaultError
from control_api.models import Keyword, KeywordRun
from control_api.models.base import now_utc
from control_api.redis_queue import RedisQueue, open_redis
from control_api.services import leases
from control_api.services.leases import LeaseRules
from control_api.services.queueing import read_queued
from control_api.tasks.fill_redis import fill
from jobschema import Platform, messages
from jobschema.keys import PlatformKeys, entry_id
from jobspiders.feeds.redis import FeedOptions, RedisFeed
from jobspiders.leases import entries
from jobspiders.leases.holder import LeaseHolder, LeasePolicy
from jobspiders.leases.queue import KeywordQueue
from jobspiders.leases.scripts import LeaseScripts, RedisTransport

Headers = dict[str, str]
RULES = LeaseRules(seconds=86_400)
BOSS = PlatformKeys("boss")


@pytest.fixture
def operator_redis(redis_server: PrivateRedis) -> Iterator[redis.Redis]:
    with redis_server.client() as client:
        yield client


@pytest.fixture
def add_keywords(database: Database) -> Callable[..., list[int]]:
    def add(count: int = 1, **values: object) -> list[int]:
        given = {"platform": "boss", "city_code": "101010100", "available_at": now_utc(), **values}
        with database.write() as unit:
            rows = [Keyword(**{"text": f"词 {number}", **given}) for number in range(count)]
            unit.add_all(rows)
            unit.flush()
            return [row.id or 0 for row in rows]

    return add


@pytest.fixture
def call(database: Database, operator_redis: redis.Redis) -> Callable[[], Counter[str]]:
    """One call by cron."""
    return lambda: fill(database, Platform.BOSS, RedisQueue(operator_redis, BOSS), RULES)


def crawl(server: PrivateRedis, causes: dict[str, int] | None = None) -> list[messages.Lease]:
    """What a node's feed gives from Redis until nothing is left; each run ends complete, or goes back with `causes`."""

    async def work() -> list[messages.Lease]:
        connection = redis.asyncio.Redis(port=server.port, decode_responses=True)
        scripts = LeaseScripts(RedisTransport(connection), BOSS)
        feed = RedisFeed(
            LeaseHolder(scripts, Platform.BOSS, LeasePolicy(beat_seconds=0.05, lease_seconds=5.0, max_attempts=2)),
            KeywordQueue(scripts, Platform.BOSS),
            FeedOptions(max_held=5, max_idle=0.15),
            read_message=lambda data: entries.read_message(data, Platform.BOSS),
        )
        given = []
        async for lease in feed.leases():
            given.append(lease)
            await (feed.complete(lease) if causes is None else feed.give_back(lease, causes))
        await feed.close(5)
        await connection.aclose()
        return given

    return asyncio.run(work())


def read_runs(database: Database) -> list[KeywordRun]:
    with database.read() as unit:
        return list(unit.exec(select(KeywordRun).order_by(KeywordRun.id)).all())  # type: ignore[arg-type]


def read_keywords(database: Database) -> list[Keyword]:
    with database.read() as unit:
        return list(unit.exec(select(Keyword).order_by(Keyword.id)).all())  # type: ignore[arg-type]


def test_entry_id_is_the_crawlers_own() -> None:
    for keyword in (messages.Keyword(Platform.BOSS, "数据|分析", "1"), messages.Keyword(Platform.BOSS, "b", "", 3)):
        assert entry_id("r", keyword.city_code, keyword.depth, keyword.text) == entries.entry_id(keyword, "r")


def test_fill_called_twice_queues_every_due_keyword_once(
    call: Any, database: Database, operator_redis: redis.Redis, redis_server: PrivateRedis, add_keywords: Callable[..., list[int]]
) -> None:
    ids = add_keywords(7, depth=2, rank=-3)
    add_keywords(text="off", is_enabled=False)
    add_keywords(text="later", available_at=now_utc() + timedelta(hours=1))
    assert call()["queued"] == 7
    second = call()
    assert (second["queued"], second["waiting"], second["again"]) == (0, 7, 0)
    assert operator_redis.llen("boss:keywords") == 7
    given = crawl(redis_server)
    assert sorted(int(lease.keyword.keyword_id) for lease in given) == ids
    assert {(lease.keyword.city_code, lease.keyword.depth, lease.keyword.priority) for lease in given} == {("101010100", 2, 3)}
    assert [(run.state, run.node_id) for run in read_runs(database)] == [("queued", None)] * 7


def test_fill_leaves_due_what_nodes_would_not_come_to(
    call: Any,
    database: Database,
    operator_redis: redis.Redis,
    redis_server: PrivateRedis,
    add_keywords: Callable[..., list[int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("control_api.tasks.fill_redis.MOST_WAITING", 5)
    ids = add_keywords(12)
    queued = [call()["queued"], call()["queued"]]
    assert (queued, operator_redis.llen("boss:keywords"), len(read_runs(database))) == ([5, 0], 5, 5)
    crawled = []
    for _ in range(3):
        crawled += crawl(redis_server)
        call()
    assert sorted(int(lease.keyword.keyword_id) for lease in crawled) == ids


def test_fill_by_two_at_the_same_time_queues_once(
    database: Database, redis_server: PrivateRedis, add_keywords: Callable[..., list[int]]
) -> None:
    ids = add_keywords(60)

    def work(_number: int) -> Counter[str]:
        with redis_server.client() as client:
            return fill(database, Platform.BOSS, RedisQueue(client, BOSS), RULES)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))
    work(9)  # what `skip locked` passed over
    given = crawl(redis_server)
    assert sorted(int(lease.keyword.keyword_id) for lease in given) == ids
    assert len(read_runs(database)) == 60


def test_push_of_what_redis_knows_adds_nothing(
    call: Any, database: Database, operator_redis: redis.Redis, redis_server: PrivateRedis, add_keywords: Callable[..., list[int]]
) -> None:
    add_keywords(3)
    call()
    with database.read() as unit:
        runs = read_queued(unit, Platform.BOSS, after_id=0, limit=9)
    queue = RedisQueue(operator_redis, BOSS)
    assert queue.push(runs) == 0, "the messages wait"
    crawl(redis_server)
    assert queue.push(runs) == 0, "they are complete"
    assert operator_redis.llen("boss:keywords") == 0
    operator_redis.flushall()
    assert queue.push(runs) == 3


def test_run_complete_in_redis_comes_back_and_is_due_one_interval_later(
    call: Any, database: Database, redis_server: PrivateRedis, add_keywords: Callable[..., list[int]]
) -> None:
    add_keywords(interval_seconds=3600)
    add_keywords(text="once")
    call()
    crawl(redis_server)
    assert call()["complete"] == 2
    runs, keywords = read_runs(database), read_keywords(database)
    assert [run.state for run in runs] == ["complete"] * 2
    assert [keyword.available_at for keyword in keywords] == [runs[0].started_at + timedelta(seconds=3600), None]
    assert [(keyword.last_state, keyword.run_id, keyword.attempt) for keyword in keywords] == [("complete", None, 0)] * 2
    assert call()["queued"] == 0
    with database.write() as unit:
        unit.exec(update(Keyword).values(available_at=now_utc()))
    assert call()["queued"] == 2
    assert len(crawl(redis_server)) == 2, "a new run, not the one that Redis remembers"


def test_run_given_up_in_redis_is_partial_with_its_causes(
    call: Any, database: Database, redis_server: PrivateRedis, add_keywords: Callable[..., list[int]]
) -> None:
    add_keywords(interval_seconds=3600)
    call()
    assert len(crawl(redis_server, {"search_garbled": 2})) == 2, "Redis tries twice"
    assert call()["dead"] == 1
    (run,), (keyword,) = read_runs(database), read_keywords(database)
    assert (run.state, run.causes, keyword.last_state) == ("partial", {"search_garbled": 4}, "partial")
    assert keyword.available_at == run.started_at + timedelta(seconds=3600)


def test_message_put_aside_by_a_node_is_partial(
    call: Any, database: Database, operator_redis: redis.Redis, redis_server: PrivateRedis, add_keywords: Callable[..., list[int]]
) -> None:
    add_keywords(text="数据　分析")  # a wide space, which the leases do not print
    call()
    assert crawl(redis_server) == []
    call()
    assert [(run.state, run.causes) for run in read_runs(database)] == [("partial", {"unreadable": 1})]
    assert operator_redis.llen("boss:keywords") == 0


def test_redis_that_lost_its_memory_is_filled_again_under_the_same_run(
    call: Any, database: Database, operator_redis: redis.Redis, redis_server: PrivateRedis, add_keywords: Callable[..., list[int]]
) -> None:
    add_keywords(3)
    call()
    before = set(operator_redis.lrange("boss:keywords", 0, -1))  # type: ignore[arg-type]
    operator_redis.flushall()
    assert call()["again"] == 3
    assert set(operator_redis.lrange("boss:keywords", 0, -1)) == before  # type: ignore[arg-type]
    assert len(crawl(redis_server)) == 3
    call()
    assert [run.state for run in read_runs(database)] == ["complete"] * 3


def test_fill_that_died_before_the_push_is_made_good(
    call: Any, database: Database, redis_server: PrivateRedis, add_keywords: Callable[..., list[int]]
) -> None:
    class GoneBeforeThePush(RedisQueue):
        def count_waiting(self) -> int:
            return 0

    add_keywords(4)
    away = open_redis("redis://:planted-redis-password@127.0.0.1:9/0")
    for queue, runs in ((RedisQueue(away, BOSS), 0), (GoneBeforeThePush(away, BOSS), 4)):
        with pytest.raises(RedisFaultError, match="CONTROL_REDIS_URL") as caught:
            fill(database, Platform.BOSS, queue, RULES)
        assert "planted" not in str(caught.value)
        assert len(read_runs(database)) == runs
    assert [run.state for run in read_runs(database)] == ["queued"] * 4
    assert call()["again"] == 4
    assert len(crawl(redis_server)) == 4


def test_queued_keyword_is_nobody_elses_until_its_time_is_over(
    call: Any, client: TestClient, database: Database, node: Headers, operator: Headers, add_keywords: Callable[..., list[int]]
) -> None:
    (keyword_id,) = add_keywords()
    call()
    claim = lambda: client.get("/api/v1/keyword/available?platform=boss", headers=node).json()["leases"]  # noqa: E731
    assert claim() == []
    refused = client.post(f"/api/v1/keyword/{keyword_id}/run", headers=operator)
    assert (refused.status_code, "waits in Redis" in refused.json()["detail"]) == (409, True)
    shown = client.get("/api/v1/keyword/runs?state=queued", headers=operator).json()["items"]
    assert [(run["node_id"], run["keyword_id"]) for run in shown] == [(None, keyword_id)]
    past = now_utc() - timedelta(seconds=1)
    with database.write() as unit:
        unit.exec(update(KeywordRun).values(lease_until=past))
        unit.exec(update(Keyword).values(available_at=past))
    assert [lease["keyword"]["keyword_id"] for lease in claim()] == [str(keyword_id)]
    assert [run.state for run in read_runs(database)] == ["expired", "running"]


def test_run_that_redis_still_has_is_kept_alive(
    call: Any, database: Database, redis_server: PrivateRedis, add_keywords: Callable[..., list[int]]
) -> None:
    add_keywords()
    call()
    soon = now_utc() + timedelta(seconds=5)
    with database.write() as unit:
        unit.exec(update(KeywordRun).values(lease_until=soon))
    call()
    (run,), (keyword,) = read_runs(database), read_keywords(database)
    assert run.state == "queued"
    assert run.lease_until == keyword.available_at > soon + timedelta(hours=1)
    assert database.retry(lambda unit: leases.close_expired(unit, RULES, now_utc())) == 0


def test_command_fills_every_platform_and_says_what_it_did(
    redis_server: PrivateRedis, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "k.csv").write_text("text,platforms,cities\n数据分析,boss;qcwy;zhilian,1\nPython,boss,1\n", "utf-8")
    assert main(["db", "upgrade"]) == 0
    assert main(["keywords", "fill"]) == 2
    assert "CONTROL_REDIS_URL" in capsys.readouterr().err
    monkeypatch.setenv("REDIS_URL", redis_server.url)
    assert main(["keywords", "import", "k.csv"]) == 0
    assert main(["keywords", "fill"]) == 0
    assert "boss: 2 queued" in capsys.readouterr().out
    assert main(["keywords", "fill"]) == 0
    assert "zhilian: 0 queued, 0 complete, 0 given up, 1 still there (0 of them pushed again)" in capsys.readouterr().out
    main(["doctor"])
    assert "redis" in capsys.readouterr().out
    monkeypatch.setenv("REDIS_URL", "redis://:planted-redis-password@127.0.0.1:9/0")
    assert main(["keywords", "fill"]) == 1
    said = capsys.readouterr()
    assert "#redis-fault" in said.err
    assert "planted" not in said.out + said.err
