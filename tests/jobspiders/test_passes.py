"""What a run tells the lifecycle book: once, after it is over, with why it proves nothing where it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from scrapy.settings import Settings

from jobschema import Platform, Verdict
from jobschema.messages import Keyword, Lease
from jobspiders.ledger import KeywordRun
from jobspiders.passes import PASS_NOT_RECORDED, PassNotes, read_passes_needed
from jobspiders.platforms.base import RawJob, Reading
from jobstore.errors import StoreError, StoreUnavailableError
from jobstore.lifecycle import KeywordPass, PassOutcome, PassRecord, PassReport, judge_pass
from jobstore.retry import RetryPolicy

START = datetime(2026, 3, 1, tzinfo=UTC)


class WritingBook:
    """Writes down what it is told; fails as often as asked."""

    def __init__(self, failures: int = 0, error: type[StoreError] = StoreUnavailableError) -> None:
        self.failures = failures
        self.error = error
        self.passes: list[tuple[KeywordPass, dict[str, datetime]]] = []
        self.gone: list[tuple[set[str], datetime]] = []
        self.is_closed = False
        self.is_door = False

    def record(self, record: PassRecord) -> PassReport | None:
        if self.failures:
            self.failures -= 1
            raise self.error("away")
        self.passes.append((record.one, dict(record.seen)))
        self.gone += [(set(record.gone), record.one.ended_at)] if record.gone else []
        return None if self.is_door else PassReport(judge_pass(record.one, 0), ("old",), record.gone)

    def close(self) -> None:
        self.is_closed = True


class Desk:
    """Notes over a book, with a clock that goes a second a look."""

    def __init__(self, book: WritingBook | None = None) -> None:
        self.book = book or WritingBook()
        self.counted: dict[str, int] = {}
        self.now = START
        self.slept: list[float] = []
        retry = RetryPolicy(first=1, longest=1, give_up_after=5, sleep=self.slept.append, clock=lambda: sum(self.slept))
        self.notes = PassNotes(lambda: self.book, count=self.counted.__setitem__, retry=retry, clock=self.look)
        self.run = KeywordRun(Lease("1", Keyword(Platform.BOSS, "python", "101010100")))

    def look(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def read(self, *pages: list[str], total: int | None = None) -> None:
        self.notes.begin(self.run)
        for page in pages:
            self.notes.note_search(self.run, reading(page, total=total))

    def end(self, *causes: str) -> str | None:
        self.run.causes.update(causes)
        return asyncio.run(self.notes.record(self.run))

    @property
    def told(self) -> KeywordPass:
        ((one, _),) = self.book.passes
        return one

    @property
    def outcome(self) -> PassOutcome:
        return judge_pass(self.told, 0)


def posting(job_id: str) -> RawJob:
    return RawJob(job_id=job_id, title="title")


def reading(ids: Iterable[str] = (), verdict: Verdict = Verdict.OK, **values: Any) -> Reading:
    return Reading(verdict=verdict, jobs=[posting(one) for one in ids], **values)


def test_run_read_to_its_end_is_told_as_a_complete_pass_with_what_it_showed() -> None:
    desk = Desk()
    desk.read(["a", "b"], ["b", "c"], total=3)
    assert desk.end() is None
    ((one, seen),) = desk.book.passes
    assert (one.platform, one.text, one.city_code) == (Platform.BOSS, "python", "101010100")
    assert (one.jobs, one.pages, one.claimed, one.causes, one.is_truncated) == (3, 2, 3, (), False)
    assert one.started_at < min(seen.values()) <= max(seen.values()) < one.ended_at
    assert set(seen) == {"a", "b", "c"}
    assert desk.counted == {"lifecycle/passes/complete": 1, "lifecycle/delisted/absence": 1}


@pytest.mark.parametrize(
    ("causes", "outcome"),
    [
        (["search_ip_banned"], PassOutcome.BANNED),
        (["detail_challenge"], PassOutcome.BANNED),
        (["search_server_error"], PassOutcome.PARTIAL),
        (["crawl_sigterm"], PassOutcome.PARTIAL),
        (["rows_not_stored"], PassOutcome.PARTIAL),
        (["search_capped"], PassOutcome.TRUNCATED),
        (["search_capped", "search_ip_banned"], PassOutcome.BANNED),
    ],
)
def test_run_with_causes_proves_nothing_by_absence(causes: list[str], outcome: PassOutcome) -> None:
    desk = Desk()
    desk.read(["a"])
    desk.end(*causes)
    assert desk.outcome is outcome


def test_run_cut_by_depth_is_truncated() -> None:
    desk = Desk()
    desk.read(["a"])
    desk.notes.note_cut(desk.run)
    desk.end()
    assert desk.outcome is PassOutcome.TRUNCATED


def test_run_narrowed_by_filters_is_truncated() -> None:
    desk = Desk()
    desk.notes.begin(desk.run, is_narrowed=True)
    desk.end()
    assert desk.outcome is PassOutcome.TRUNCATED


def test_run_that_read_less_than_the_first_page_claims_is_truncated() -> None:
    desk = Desk()
    desk.read(["a", "b"], total=30)
    desk.end()
    assert desk.outcome is PassOutcome.TRUNCATED


def test_posting_whose_page_says_gone_is_delisted_by_the_platform_as_of_the_end() -> None:
    desk = Desk()
    desk.read(["a", "b"])
    desk.notes.note_details(desk.run, reading(["a"]), [])
    desk.notes.note_details(desk.run, reading(verdict=Verdict.NOT_FOUND), [posting("b")])
    desk.end()
    assert desk.book.gone == [({"b"}, desk.told.ended_at)]
    assert desk.counted["lifecycle/delisted/platform"] == 1


def test_posting_that_a_batch_names_as_gone_is_delisted() -> None:
    desk = Desk()
    desk.read(["a", "b"])
    desk.notes.note_details(desk.run, reading(["a"], inner=[(Verdict.NOT_FOUND, "deleted")]), [posting("b")])
    desk.end()
    assert desk.book.gone[0][0] == {"b"}


def test_detail_that_is_empty_without_the_word_gone_delists_nothing() -> None:
    desk = Desk()
    desk.read(["a", "b"])
    desk.notes.note_details(desk.run, reading(["a"]), [])
    desk.notes.note_details(desk.run, reading(verdict=Verdict.EMPTY), [posting("b")])
    desk.end()
    assert desk.book.gone == []


def test_door_at_which_every_posting_is_gone_is_not_believed(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    desk.read(["a", "b"])
    for job_id in ("a", "b"):
        desk.notes.note_details(desk.run, reading(verdict=Verdict.NOT_FOUND), [posting(job_id)])
    desk.end()
    assert desk.book.gone == []
    assert "2 of 2 postings are said to be gone: not believed" in caplog.text


def test_store_away_for_a_while_is_asked_again_until_it_takes_the_pass() -> None:
    desk = Desk(WritingBook(failures=3))
    desk.read(["a"])
    assert desk.end() is None
    assert len(desk.slept) == 3
    assert desk.told.jobs == 1


def test_store_away_for_good_gives_the_run_a_cause() -> None:
    desk = Desk(WritingBook(failures=100))
    desk.read(["a"])
    assert desk.end() == PASS_NOT_RECORDED
    assert desk.book.passes == []


def test_store_away_at_the_end_of_the_crawl_is_asked_once() -> None:
    desk = Desk(WritingBook(failures=100))
    desk.read(["a"])
    desk.notes.stop_waiting()
    assert desk.end() == PASS_NOT_RECORDED
    assert (desk.book.failures, desk.slept) == (99, [])


def test_pass_that_is_judged_elsewhere_is_counted_as_sent() -> None:
    desk = Desk()
    desk.book.is_door = True
    desk.read(["a"])
    assert desk.end() is None
    assert desk.counted == {"lifecycle/passes/sent": 1}


def test_run_is_told_once() -> None:
    desk = Desk()
    desk.read(["a"])
    desk.end()
    desk.end()
    assert len(desk.book.passes) == 1


def test_book_is_closed_only_where_it_was_opened() -> None:
    desk = Desk()
    asyncio.run(desk.notes.close())
    assert not desk.book.is_closed
    desk.read(["a"])
    desk.end()
    asyncio.run(desk.notes.close())
    assert desk.book.is_closed


def test_no_book_notes_nothing() -> None:
    notes, desk = PassNotes(), Desk()
    notes.begin(desk.run)
    notes.note_search(desk.run, reading(["a"]))
    notes.note_cut(desk.run)
    notes.note_details(desk.run, reading(verdict=Verdict.NOT_FOUND), [posting("a")])
    assert asyncio.run(notes.record(desk.run)) is None
    asyncio.run(notes.close())


@pytest.mark.parametrize("needed", [0, -1])
def test_passes_needed_below_one_is_refused_by_name(needed: int) -> None:
    with pytest.raises(ValueError, match=f"DELIST_AFTER_PASSES is {needed}; valid is 1 or more"):
        read_passes_needed(Settings({"DELIST_AFTER_PASSES": needed}))
