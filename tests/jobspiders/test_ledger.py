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


def test_run_with_rows_completes_when_every_sink_has_them(book: Book) -> None:
    ledger, run = book.ledger, book.run_
    taken = [0]
    ledger.count_rows_by(lambda: taken[0])
    ledger.opened(run)
    ledger.awaits(run)  # the callback has yielded a row
    ledger.closed(run)  # and ends before the rows are handed over
    taken[0] = 30
    ledger.handed(run, 25)
    assert (book.ended, run.rows_missing) == ([], 25)
    ledger.stored(29)
    assert book.ended == []
    ledger.stored(30)
    assert book.ended == [("complete", {})]
    ledger.stored(40)
    assert len(book.ended) == 1


def test_run_whose_rows_a_sink_lacks_at_the_end_is_partial_and_says_how_many(book: Book) -> None:
    ledger, run = book.ledger, book.run_
    taken = [10]
    ledger.count_rows_by(lambda: taken[0])
    ledger.opened(run)
    for _ in range(2):
        ledger.awaits(run)
        ledger.handed(run, 10)
        taken[0] += 10
    ledger.closed(run)
    ledger.stored(10)
    assert ledger.cut_off("crawl_finished") == [run]
    assert book.ended == [("partial", {"crawl_finished": 1, "rows_not_stored": 10})]


def test_run_whose_rows_were_not_taken_is_partial(book: Book) -> None:
    book.ledger.opened(book.run_)
    book.ledger.awaits(book.run_)
    book.ledger.closed(book.run_)
    book.ledger.handed(book.run_, 0, "rows_not_taken")
    assert book.ended == [("partial", {"rows_not_taken": 1})]


def test_run_without_a_sink_completes_when_its_rows_are_handed_over(book: Book) -> None:
    book.ledger.opened(book.run_)
    book.ledger.awaits(book.run_)
    book.ledger.closed(book.run_)
    book.ledger.handed(book.run_, 25)
    assert book.ended == [("complete", {})]


def test_stored_leaves_a_run_that_has_not_asked_for_anything_open(book: Book) -> None:
    book.ledger.stored(5)
    assert book.ended == []
