"""The script is tried before the first request, counted and let go at the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from scrapy.exceptions import NotConfigured
from scrapy.utils.test import get_crawler

from jobspiders.extensions.signing import SigningWatch
from jobspiders.pools.resting import PoolEntry, RestingPool
from jobspiders.session import PlatformSession
from jobspiders.signers.script import ScriptSigner
from jobspiders.spiders.boss import BossSpider


def watch(platform: Any, source: str | None) -> Any:
    """The extension of a crawl whose script is `source`, and the crawler."""
    crawler = get_crawler(BossSpider, {})
    pool = RestingPool("token", [PoolEntry("token-1")])
    script = None if source is None else ScriptSigner(source=source, runtime="quickjs")
    vars(crawler)["platform_session"] = PlatformSession(platform, pool, pool, script)
    return SigningWatch.from_crawler(crawler), crawler


def test_watch_without_a_script_stays_out_of_the_way(platform: Any) -> None:
    with pytest.raises(NotConfigured) as caught:
        watch(platform, None)
    assert caught.value.args == (), "Scrapy would warn of it in every crawl"


def test_watch_opens_counts_and_closes_the_script(platform: Any) -> None:
    extension, crawler = watch(platform, "function sign(request) { return {} }")

    async def crawl() -> None:
        await extension.open()
        await extension.script.sign({"method": "GET"})
        await extension.close()

    asyncio.run(crawl())
    stats = {name: value for name, value in crawler.stats.get_stats().items() if name.startswith("signing/")}
    assert stats == {"signing/engine": "quickjs", "signing/calls": 1, "signing/recycled": 0, "signing/hangs": 0}
    assert extension.script.state().waiting == 0


def test_watch_script_that_throws_closes_the_spider_before_it_asks(platform: Any, caplog: pytest.LogCaptureFixture) -> None:
    extension, _ = watch(platform, "function sign(request) { throw new Error('no key') }")
    reasons: list[str] = []
    extension.session.stop = reasons.append

    async def crawl() -> None:
        try:
            await extension.open()
        finally:
            await extension.close()

    asyncio.run(crawl())
    assert reasons == ["signing_failed"]
    assert "not started, because requests cannot be signed" in caplog.text
    assert "Error: no key" in caplog.text
