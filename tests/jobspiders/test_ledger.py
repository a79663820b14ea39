"""A run ends exactly once, when its last request ends: complete without a blemish, partial with one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from jobschema import Platform
from jobschema.messages import Keyword, Lease
from jobspiders.ledger import KeywordRun, Ledger


class Book:
    """Writes down what the ledger reports."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, dict[str, int]]] = []
        self.ledger = Ledger(self.complete, self.partial, self.run)
        self.run_ = self.ledger.begin(Lease("1", Keyword(Platform.BOSS, "python", "101010100")))

    async def complete(self, run: KeywordRun) -> None:
        self.ended.append(("complete", dict(run.causes)))

    async def partial(self, run: KeywordRun) -> None:
        self.ended.append(("partial", dict(run.causes)))

    @staticmethod
    def run(work: Awaitable[None]) -> None:
        async def wait() -> None:
            await work

        asyncio.run(wait())


@pytest.fixture
def book() -> Book:
    return Book()


def test_run_all_requests_good_completes_once(book: Book) -> None:
    ledger, run = book.ledger, book.run_
    ledger.opened(run)
    ledger.opened(run)  # the first answer opens a second request before it closes
    ledger.closed(run)
    assert book.ended == []
    ledger.closed(run)
    assert book.ended == [("complete", {})]
    assert ledger.cut_off("crawl_finished") == []


def test_run_one_request_bad_is_partial_with_its_cause(book: Book) -> None:
    book.ledger.opened(book.run_)
    book.ledger.opened(book.run_)
    book.ledger.closed(book.run_, "search_challenge")
    book.ledger.closed(book.run_)
    assert book.ended == [("partial", {"search_challenge": 1})]


def test_run_cut_off_is_partial_and_stays_over(book: Book) -> None:
    book.ledger.opened(book.run_)
    assert book.ledger.cut_off("crawl_banned") == [book.run_]
    book.ledger.closed(book.run_)  # a late answer changes nothing
    assert book.ended == [("partial", {"crawl_banned": 1})]
