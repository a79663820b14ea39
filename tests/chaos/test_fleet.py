"""Real spiders over real leases, killed, drained, and left without Redis: the oracle finds every row, and none twice."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from benchmarks.lease_crawls import run_kills, run_outage
from benchmarks.lease_fleet import Fleet, message, wait_for
from benchmarks.redis_server import is_installed
from jobschema import Platform

TOLD_TO_GO_BETWEEN_TWO_SPIDERS = """
import os, signal
from scrapy import signals
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.utils.project import get_project_settings

def go_on():
    os.kill(os.getpid(), signal.SIGTERM)
    process.crawl("qcwy", details="0", companies="0")

process = AsyncCrawlerProcess(get_project_settings())
first = process.create_crawler("zhilian")
first.signals.connect(go_on, signals.engine_started, weak=False)
process.crawl(first, details="0", companies="0")
process.start()
"""

KEYWORDS, KILLS = 8, 3  # `python -m benchmarks.leases crawl-kills` has a thousand and a hundred


@pytest.fixture
def start_fleet() -> Iterator[Callable[..., Fleet]]:
    if not is_installed():
        if os.environ.get("CI"):
            pytest.fail("redis-server is not installed: apt-get install redis-server")
        pytest.skip("redis-server is not installed (apt-get install redis-server); no fleet runs without it")
    fleets: list[Fleet] = []

    def start(*platforms: Platform, append_only: bool = False) -> Fleet:
        fleets.append(Fleet(platforms or tuple(Platform), append_only=append_only).__enter__())
        return fleets[-1]

    yield start
    for fleet in fleets:
        fleet.__exit__()


def test_killed_crawlers_lose_no_keyword_page_or_row(start_fleet: Callable[..., Fleet]) -> None:
    fleet = start_fleet()
    fleet.extra = {"CONCURRENT_REQUESTS": "1", "LEASE_MAX_HELD": "2", "LEASE_MAX_ATTEMPTS": "20"}
    fleet.push(KEYWORDS)
    fleet.start(2)
    kills, _ = run_kills(fleet, KILLS, random.Random(4711), total=KEYWORDS * len(fleet.platforms))
    codes = fleet.stop()
    verdict = fleet.judge()
    assert verdict.is_clean, verdict
    assert (kills, verdict.keywords) == (KILLS, KEYWORDS * 3)
    assert set(codes) <= {0, -signal.SIGTERM}, fleet.logs()  # one that was just started again may not listen yet
    for platform in fleet.platforms:
        status = fleet.status(platform)
        assert (status.complete, status.dead, status.is_conserved) == (KEYWORDS, 0, True)
        assert fleet.ask(platform, lambda queue: queue.audit()) == []


@pytest.mark.parametrize("append_only", [True, False], ids=["with AOF", "empty afterwards, rebuilt"])
def test_redis_away_in_the_middle_of_a_crawl_loses_nothing(start_fleet: Callable[..., Fleet], append_only: bool) -> None:
    fleet = start_fleet(Platform.QCWY, append_only=append_only)
    fleet.extra = {"CONCURRENT_REQUESTS": "1", "LEASE_MAX_HELD": "2"}
    run_outage(fleet, 2 * KEYWORDS, seconds=2.5)
    codes = fleet.stop()
    assert codes == [0, 0], fleet.logs()
    assert fleet.judge().is_clean
    status = fleet.status(Platform.QCWY)
    assert (status.complete, status.is_conserved) == (2 * KEYWORDS, True)


def test_idle_spider_crawls_what_is_pushed_and_goes_on_sigterm(start_fleet: Callable[..., Fleet]) -> None:
    fleet = start_fleet(Platform.BOSS)
    fleet.choose_texts(3)
    fleet.start(1, [sys.executable, "-m", "scrapy", "crawl", "boss", "-a", "details=0", "-a", "companies=0"])
    wait_for(lambda: bool(fleet.status(Platform.BOSS).workers), "the spider's first heartbeat")
    with fleet.redis.client() as client:
        client.lpush("boss:keywords", *[message(text) for text in fleet.texts[Platform.BOSS]])
    wait_for(lambda: fleet.count_complete() == 3, "the crawl of what was pushed")
    assert fleet.stop() == [0], fleet.logs()
    assert fleet.judge().is_clean
    assert fleet.status(Platform.BOSS).workers == [], "it went off duty, nobody has to wait for its lease"


def test_spider_that_redis_refuses_closes_with_a_word_and_its_own_exit_code(start_fleet: Callable[..., Fleet]) -> None:
    fleet = start_fleet(Platform.BOSS)
    fleet.extra = {"REDIS_URL": fleet.redis.url.replace("redis://", "redis://nobody:wrong@")}
    fleet.start(1, [sys.executable, "-m", "scrapy", "crawl", "boss"])
    assert fleet.workers[0].process is not None
    assert fleet.workers[0].process.wait(60) == 4
    log = (fleet.workers[0].folder / "log").read_text("utf-8")
    assert "docs/troubleshooting.md#redis-refused" in log
    assert "Traceback" not in log
    assert "(feed_refused)" in log


def test_sigterm_in_the_middle_of_work_returns_what_is_open_within_the_grace(start_fleet: Callable[..., Fleet]) -> None:
    fleet = start_fleet(Platform.ZHILIAN)
    fleet.extra = {"LEASE_GRACE": "4", "LEASE_SECONDS": "60", "DOWNLOAD_TIMEOUT": "600", "CONCURRENT_REQUESTS": "1"}
    fleet.push(KEYWORDS)
    fleet.start(1)
    wait_for(lambda: fleet.status(Platform.ZHILIAN).leased > 0 and fleet.pages_served() > 0, "the first answers")
    fleet.sandbox.switch("zhilian", slow_ms=600_000)  # no further answer: what waits for one does not end
    assert fleet.workers[0].process is not None
    fleet.workers[0].process.send_signal(signal.SIGTERM)
    fleet.workers[0].process.wait(60)
    status = fleet.status(Platform.ZHILIAN)
    assert (status.queued + status.complete, status.leased, status.workers) == (KEYWORDS, 0, []), fleet.logs()
    assert status.is_conserved
    assert status.complete < KEYWORDS


def test_spider_that_opens_after_sigterm_goes_with_the_others(start_fleet: Callable[..., Fleet]) -> None:
    fleet = start_fleet(Platform.ZHILIAN, Platform.QCWY)
    fleet.push(KEYWORDS)
    fleet.start(1, [sys.executable, "-c", TOLD_TO_GO_BETWEEN_TWO_SPIDERS])
    assert fleet.workers[0].process is not None
    assert fleet.workers[0].process.wait(60) == 0, fleet.logs()
    for platform in fleet.platforms:
        status = fleet.status(platform)
        assert (status.queued + status.complete, status.leased, status.workers) == (KEYWORDS, 0, []), fleet.logs()
    assert (fleet.workers[0].folder / "log").read_text("utf-8").count("Spider closed (drained)") == 2


def test_fleets_budget_holds_over_two_nodes(start_fleet: Callable[..., Fleet]) -> None:
    fleet = start_fleet(Platform.QCWY)
    fleet.extra = {"BUDGET_PLATFORM_RATE": "20", "BUDGET_BURST_SECONDS": "0.1"}
    fleet.push(KEYWORDS)
    fleet.start(2)
    wait_for(lambda: fleet.pages_served() > 0, "the first page")
    begin, before = time.monotonic(), fleet.pages_served()
    wait_for(lambda: not fleet.count_open(), "the end of the crawl")
    pages, seconds = fleet.pages_served() - before, time.monotonic() - begin
    assert pages <= 20 * (seconds + 0.5) + 2
    assert fleet.stop() == [0, 0]
    assert fleet.judge().is_clean
