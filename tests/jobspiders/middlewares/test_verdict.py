"""A ban never reaches a callback; a bad verdict costs what it is about, once; a request is tried again or refused with its reason."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from scrapy import Request
from scrapy.http import TextResponse
from scrapy.utils.test import get_crawler

from jobschema import Verdict
from jobspiders.errors import RefusedError
from jobspiders.middlewares.verdict import VerdictMiddleware
from jobspiders.platforms.base import CallKind, SearchQuery
from jobspiders.pools.resting import PoolEntry, RestingPool
from jobspiders.session import PlatformSession

SETTINGS = {
    "VERDICT_RETRY_TIMES": 2,
    "VERDICT_BLOCK_LIMIT": 5,
    "VERDICT_REST_SCALE": 1,
    "VERDICT_RESTS": {"rate_limited": {"token": 30, "tunnel": 30}, "ip_banned": {"tunnel": 1800}, "account_banned": {"token": 7200}},
}


class Desk:
    """A verdict middleware with a fake platform, two tokens and one way out."""

    def __init__(self, platform: Any) -> None:
        self.platform = platform
        self.now = 100.0
        self.crawler = get_crawler(settings_dict=SETTINGS)
        self.crawler.spider = self.crawler._create_spider("fake")
        self.stopped: list[str] = []
        self.tokens = self.pool("token", "token-1", "token-2")
        self.tunnels = self.pool("tunnel", "direct")
        self.middleware = VerdictMiddleware(self.crawler, PlatformSession(platform, self.tokens, self.tunnels, stop=self.stopped.append))

    def pool(self, noun: str, *names: str) -> RestingPool:
        return RestingPool(noun, [PoolEntry(name) for name in names], clock=lambda: self.now)

    def request(self, **meta: Any) -> Request:
        call = self.platform.search(SearchQuery("python", "1"))
        return Request(call.url, meta={"call": call, "run": "a run", "token": "token-1", "tunnel": "direct", "sent_at": self.now, **meta})

    def answer(self, verdict: Verdict, request: Request | None = None, sent_ago: float = 0.0) -> Any:
        request = request or self.request()
        request.meta["sent_at"] = self.now - sent_ago
        self.now += 1
        response = TextResponse(request.url, body=verdict.value.encode(), request=request)
        return asyncio.run(self.middleware.process_response(request, response))

    def stat(self, key: str) -> int:
        return self.crawler.stats.get_value(key, 0)

    def resting(self, pool: RestingPool, name: str) -> float:
        return pool._entries[name].resting_until - self.now


@pytest.fixture
def desk(platform: Any) -> Desk:
    return Desk(platform)


@pytest.mark.parametrize("verdict", [Verdict.OK, Verdict.EMPTY])
def test_verdict_good_passes_with_its_reading(desk: Desk, verdict: Verdict) -> None:
    request = desk.request()
    response = desk.answer(verdict, request)
    assert isinstance(response, TextResponse)
    assert request.meta["reading"].verdict is verdict
    assert desk.stat(f"verdict/count/{verdict}") == 1


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict.is_block] + [Verdict.SERVER_ERROR])
def test_verdict_bad_never_passes_a_response(desk: Desk, verdict: Verdict) -> None:
    again = desk.answer(verdict)
    assert isinstance(again, Request)
    assert again.dont_filter
    assert desk.stat(f"verdict/retry/reason_count/{verdict}") == 1


def test_verdict_search_not_found_is_refused_and_a_posting_gone_passes(desk: Desk) -> None:
    with pytest.raises(RefusedError, match="not_found"):
        desk.answer(Verdict.NOT_FOUND)
    request = desk.request()
    request.meta["call"] = replace(request.meta["call"], kind=CallKind.DETAIL)
    assert isinstance(desk.answer(Verdict.NOT_FOUND, request), TextResponse)


def test_verdict_schema_changed_is_refused_at_once(desk: Desk) -> None:
    with pytest.raises(RefusedError, match="schema_changed: said so") as caught:
        desk.answer(Verdict.SCHEMA_CHANGED)
    assert caught.value.reading.verdict is Verdict.SCHEMA_CHANGED
    assert desk.stat("verdict/refused_count/schema_changed") == 1


def test_verdict_bad_to_the_last_attempt_is_refused(desk: Desk) -> None:
    request = desk.answer(Verdict.CHALLENGE)
    request = desk.answer(Verdict.CHALLENGE, request)
    with pytest.raises(RefusedError):
        desk.answer(Verdict.CHALLENGE, request)
    assert desk.stat("verdict/retry/max_reached") == 1


@pytest.mark.parametrize(
    ("verdict", "token", "tunnel"),
    [
        (Verdict.RATE_LIMITED, True, True),
        (Verdict.IP_BANNED, False, True),
        (Verdict.ACCOUNT_BANNED, True, False),
        (Verdict.SERVER_ERROR, False, False),
    ],
)
def test_verdict_rests_only_what_it_is_about(desk: Desk, verdict: Verdict, token: bool, tunnel: bool) -> None:
    desk.answer(verdict)
    assert (desk.resting(desk.tokens, "token-1") > 0, desk.resting(desk.tunnels, "direct") > 0) == (token, tunnel)


def test_verdict_retry_after_is_kept_to_the_second(desk: Desk) -> None:
    desk.platform.retry_after = 7.0
    desk.answer(Verdict.RATE_LIMITED)
    assert desk.resting(desk.tokens, "token-1") == 7.0


def test_verdict_token_invalid_burns_that_token_once(desk: Desk) -> None:
    desk.answer(Verdict.TOKEN_INVALID)
    desk.answer(Verdict.TOKEN_INVALID)  # a second request that was in flight with it
    assert len(desk.tokens) == 1
    assert desk.stat("token/burnt_count/token_invalid") == 1


def test_verdict_several_in_flight_are_one_rest(desk: Desk) -> None:
    desk.answer(Verdict.IP_BANNED)
    desk.answer(Verdict.IP_BANNED, sent_ago=5)
    assert desk.stat("rest/count/tunnel/ip_banned") == 1


def test_verdict_inner_error_in_a_good_batch_rests_and_passes(desk: Desk) -> None:
    desk.platform.inner = [(Verdict.ACCOUNT_BANNED, "36")]
    assert isinstance(desk.answer(Verdict.OK), TextResponse)
    assert desk.resting(desk.tokens, "token-1") > 0
    assert desk.stat("verdict/inner_count/account_banned") == 1


def test_verdict_blocks_without_a_good_answer_close_the_spider_as_banned(desk: Desk) -> None:
    for _ in range(4):
        desk.answer(Verdict.CHALLENGE)
    with pytest.raises(RefusedError):
        desk.answer(Verdict.CHALLENGE)
    assert desk.stopped == ["banned"]


def test_verdict_good_answer_between_blocks_keeps_the_spider_open(desk: Desk) -> None:
    for _ in range(3):
        desk.answer(Verdict.CHALLENGE)
        desk.answer(Verdict.CHALLENGE)
        desk.answer(Verdict.OK)
    assert desk.stopped == []


def test_verdict_survived_counts_the_blocks_of_a_request_that_came_through(desk: Desk) -> None:
    request = desk.answer(Verdict.CHALLENGE)
    request = desk.answer(Verdict.SOFT_BAN, request)
    desk.answer(Verdict.OK, request)
    assert desk.stat("verdict/survived") == 2


def test_verdict_request_that_is_no_call_passes_untouched(desk: Desk) -> None:
    request = Request("http://elsewhere.example/")
    response = TextResponse(request.url, body=b"challenge")
    assert asyncio.run(desk.middleware.process_response(request, response)) is response
