"""The fleet's budget around a request: which exit pays, what is counted, what a named pause does."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy import Request
from scrapy.http import Response
from scrapy.settings import Settings
from scrapy.statscollectors import MemoryStatsCollector
from scrapy.utils.test import get_crawler

from jobspiders.middlewares.budget import BudgetMiddleware


class FakeBudget:
    """Notes what is asked of it; every request waits the same time."""

    def __init__(self, wait: float = 0.0) -> None:
        self.wait = wait
        self.taken: list[str] = []
        self.paused: list[tuple[str, float]] = []

    async def take(self, egress: str) -> float:
        self.taken.append(egress)
        return self.wait

    async def pause(self, egress: str, seconds: float) -> None:
        self.paused.append((egress, seconds))


def make(budget: FakeBudget) -> tuple[BudgetMiddleware, MemoryStatsCollector]:
    stats = MemoryStatsCollector(get_crawler())
    settings = Settings({"NODE_NAME": "node-7", "VERDICT_REST_LIMIT": 600})
    crawler: Any = SimpleNamespace(stats=stats, settings=settings)
    session: Any = SimpleNamespace(tokens=SimpleNamespace(now=lambda: 42.0))
    return BudgetMiddleware(crawler, session, budget), stats  # type: ignore[arg-type]


def ask(tunnel: str | None) -> Request:
    return Request("http://a.example/", meta={} if tunnel is None else {"tunnel": tunnel, "sent_at": 1.0})


@pytest.mark.parametrize(("tunnel", "exits"), [("exit.example:80", ["exit.example:80"]), ("direct", ["node-7/direct"]), (None, [])])
def test_request_pays_at_its_exit_and_a_node_s_own_address_is_its_own(tunnel: str | None, exits: list[str]) -> None:
    budget = FakeBudget()
    middleware, stats = make(budget)
    asyncio.run(middleware.process_request(ask(tunnel)))
    assert budget.taken == exits
    assert stats.get_value("budget/wait_seconds") is None


def test_wait_is_counted_and_the_request_is_dated_after_it() -> None:
    middleware, stats = make(FakeBudget(wait=1.5))
    request = ask("direct")
    asyncio.run(middleware.process_request(request))
    assert (stats.get_value("budget/wait_seconds"), request.meta["sent_at"]) == (1.5, 42.0)


@pytest.mark.parametrize(
    ("status", "named", "paused"),
    [(429, "30", [("node-7/direct", 30.0)]), (429, "9999", [("node-7/direct", 600.0)]), (429, "soon", []), (429, "0", []), (200, "30", [])],
)
def test_answer_that_names_a_time_pauses_the_exit_for_all_nodes(status: int, named: str, paused: list[tuple[str, float]]) -> None:
    budget = FakeBudget()
    middleware, _ = make(budget)
    response = Response("http://a.example/", status=status, headers={"Retry-After": named})
    assert asyncio.run(middleware.process_response(ask("direct"), response)) is response
    assert budget.paused == paused
