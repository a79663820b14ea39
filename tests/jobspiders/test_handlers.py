"""The signing handler: every attempt is signed afresh over what is really sent; everything before it sees the unsigned request."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from scrapy import Request, Spider
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.exceptions import DownloadTimeoutError
from scrapy.http import Response
from scrapy.utils.request import fingerprint
from scrapy.utils.test import get_crawler

from jobspiders.handlers import SigningDownloadHandler
from jobspiders.platforms.base import SearchQuery
from jobspiders.pools.resting import PoolEntry, RestingPool
from jobspiders.session import PlatformSession
from jobspiders.signers.errors import SigningTimeout
from jobspiders.signers.signature import ScriptSignature


class RecordingHandler(BaseDownloadHandler):
    """Stands where the network begins, and keeps what it was to send."""

    sent: ClassVar[list[Request]] = []
    failure: ClassVar[str] = ""

    async def download_request(self, request: Request) -> Response:
        self.sent.append(request)
        if self.failure:
            raise DownloadTimeoutError(f"{self.failure} {request.url}")
        return Response(request.url, body=b"ok", request=request)

    async def close(self) -> None:
        """Nothing is open."""


@dataclass
class CountingScript:
    """A signing script that counts, and remembers what it was given."""

    given: list[dict[str, Any]] = field(default_factory=list)
    fault: Exception | None = None
    closed: int = 0

    async def sign(self, request: dict[str, Any]) -> ScriptSignature:
        self.given.append(request)
        if self.fault is not None:
            raise self.fault
        return ScriptSignature({"x-sign": f"signature-{len(self.given)}"}, {"sig": f"{len(self.given)}&"})

    async def close(self) -> None:
        self.closed += 1


class Desk:
    """A handler with a fake platform, two tokens and, if asked for, a script."""

    def __init__(self, platform: Any, script: Any = None) -> None:
        RecordingHandler.sent, RecordingHandler.failure = [], ""
        self.platform = platform
        self.script = script
        tokens = RestingPool("token", [PoolEntry("token-1", "secret-1"), PoolEntry("token-2", "secret-2")])
        self.session = PlatformSession(platform, tokens, RestingPool("tunnel", [PoolEntry("direct")]), script, "script-secret")
        crawler = get_crawler(Spider, {"SIGNING_HANDLER": RecordingHandler})
        self.handler = SigningDownloadHandler(crawler, self.session)

    def request(self, token: str = "token-1", **options: Any) -> Request:
        call = self.platform.search(SearchQuery("python", "1"))
        return Request(options.pop("url", call.url), meta={"call": call, "token": token}, **options)

    def send(self, *requests: Request) -> list[Response]:
        async def work() -> list[Response]:
            return [await self.handler.download_request(request) for request in requests]

        return asyncio.run(work())

    @property
    def sent(self) -> list[Request]:
        return RecordingHandler.sent


def test_handler_every_attempt_is_signed_afresh_with_the_token_lent_for_it(platform: Any) -> None:
    desk = Desk(platform)
    first = desk.request()
    desk.send(first, first.replace(meta={**first.meta, "token": "token-2"}), first)
    assert [request.headers["x-token"] for request in desk.sent] == [b"secret-1", b"secret-2", b"secret-1"]
    assert len({request.url for request in desk.sent}) == 3, "the time is signed too: no attempt looks like another"


def test_handler_request_before_it_and_response_after_it_are_unsigned(platform: Any, caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(platform)
    request = desk.request()
    before = (request.url, bytes(request.body), dict(request.headers), fingerprint(request), repr(request))
    with caplog.at_level(logging.DEBUG):
        [response] = desk.send(request)
    assert (request.url, bytes(request.body), dict(request.headers), fingerprint(request), repr(request)) == before
    assert response.url == request.url
    assert "secret-1" not in repr(request) + repr(request.meta) + response.url + caplog.text
    assert "secret-1" in desk.sent[0].url, "what is sent is signed"


def test_handler_two_attempts_of_one_search_have_one_fingerprint(platform: Any) -> None:
    desk = Desk(platform)
    assert fingerprint(desk.request("token-1")) == fingerprint(desk.request("token-2"))
    desk.send(desk.request("token-1"), desk.request("token-2"))
    assert fingerprint(desk.sent[0]) != fingerprint(desk.sent[1])


def test_handler_redirected_on_the_same_host_signs_the_new_address(platform: Any) -> None:
    desk = Desk(platform)
    desk.send(desk.request(url="http://fake.example/moved?q=python"))
    assert desk.sent[0].url.startswith("http://fake.example/moved?q=python&at=")


def test_handler_redirected_to_another_host_sends_neither_token_nor_signature(platform: Any) -> None:
    desk = Desk(platform, CountingScript())
    desk.send(desk.request(url="http://captcha.example/verify?from=search"))
    assert desk.sent[0].url == "http://captcha.example/verify?from=search"
    assert "x-token" not in desk.sent[0].headers
    assert desk.script.given == []


def test_handler_request_of_somebody_else_passes_untouched(platform: Any) -> None:
    desk = Desk(platform)
    request = Request("http://fake.example/robots.txt")
    desk.send(request)
    assert desk.sent == [request]


def test_handler_scripts_headers_and_parameters_are_added_to_what_is_sent(platform: Any) -> None:
    desk = Desk(platform, CountingScript())
    desk.send(desk.request(), desk.request("token-2"))
    given = desk.script.given
    assert [request["url"] for request in given] == [request.url.rpartition("&sig=")[0] for request in desk.sent]
    assert [request.url.rpartition("&sig=")[2] for request in desk.sent] == ["1%26", "2%26"]
    assert [request.headers["x-sign"] for request in desk.sent] == [b"signature-1", b"signature-2"]
    assert [request["secret"] for request in given] == ["script-secret"] * 2
    assert given[0]["nonce"] != given[1]["nonce"]
    assert given[0]["headers"]["x-token"] == "secret-1"


def test_handler_time_out_names_the_unsigned_address(platform: Any) -> None:
    desk = Desk(platform)
    RecordingHandler.failure = "timed out:"
    with pytest.raises(DownloadTimeoutError) as caught:
        desk.send(desk.request())
    assert str(caught.value) == f"timed out: {desk.request().url}"
    assert caught.value.__cause__ is None


def test_handler_script_out_of_time_is_an_error_that_scrapy_tries_again(platform: Any) -> None:
    from jobspiders.settings import RETRY_EXCEPTIONS

    desk = Desk(platform, CountingScript(fault=SigningTimeout("one call took 2 s")))
    with pytest.raises(SigningTimeout):
        desk.send(desk.request())
    assert desk.sent == [], "nothing is sent unsigned"
    assert f"{SigningTimeout.__module__}.{SigningTimeout.__qualname__}" in RETRY_EXCEPTIONS


def test_handler_closed_lets_the_script_go(platform: Any) -> None:
    desk = Desk(platform, CountingScript())
    asyncio.run(desk.handler.close())
    assert desk.script.closed == 1
