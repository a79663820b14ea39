"""Passes over stored postings: what is delisted, by whom, and what never is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benchmarks.lifecycle import FAILURES, run
from jobschema import Company, Job, Platform
from jobstore.lifecycle import Authority, KeywordPass, PassOutcome, PassRecord, PassReport
from jobstore.lifecycle_book import LifecycleBook
from jobstore.sql import SqlSink

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
Make = Callable[..., Any]


class Keyword:
    """A keyword whose passes are made one after the other."""

    def __init__(self, sink: SqlSink, make_job: Make, text: str = "python", *, needed: int = 2) -> None:
        self.sink, self.make_job, self.text = sink, make_job, text
        self.book = LifecycleBook(sink.database, needed)

    def show(self, ids: list[str], hour: float, **values: Any) -> PassReport:
        """One pass at that hour that shows these postings."""
        at = START + timedelta(hours=hour)
        seen = {job_id: at + timedelta(minutes=1) for job_id in ids}
        self.sink.write_rows([self.make_job(job_id, crawled_at=when) for job_id, when in seen.items()], "t")
        return self._end(at, seen, values)

    def see(self, ids: list[str], hour: float, **values: Any) -> PassReport:
        """The same, and the store has none of its rows."""
        at = START + timedelta(hours=hour)
        return self._end(at, dict.fromkeys(ids, at + timedelta(minutes=1)), values)

    def _end(self, at: datetime, seen: dict[str, datetime], values: dict[str, Any]) -> PassReport:
        values = {"jobs": len(seen)} | values
        one = KeywordPass(Platform.BOSS, self.text, "101010100", at, at + timedelta(minutes=5), **values)
        return self.book.record_pass(one, seen)


@pytest.fixture
def python(sink: SqlSink, make_job: Make) -> Keyword:
    return Keyword(sink, make_job)


KEPT = [f"k{number}" for number in range(9)]
ALL = ["gone", *KEPT]


def state(keyword: Keyword, job_id: str = "gone") -> Any:
    found = keyword.book.read_state(Platform.BOSS, job_id)
    assert found is not None
    return found


def test_a_posting_missed_by_two_complete_passes_is_delisted(python: Keyword) -> None:
    python.show(ALL, 0)
    assert python.show(KEPT, 1) == PassReport(PassOutcome.COMPLETE)
    assert python.show(KEPT, 2) == PassReport(PassOutcome.COMPLETE, ("gone",))
    found = state(python)
    assert (found.delisted_at, found.delisted_by, found.is_listed) == (START + timedelta(hours=2), Authority.ABSENCE, False)
    assert state(python, "k1").is_listed


def test_needed_passes_are_a_choice(sink: SqlSink, make_job: Make) -> None:
    eager = Keyword(sink, make_job, needed=1)
    eager.show(ALL, 0)
    assert eager.show(KEPT, 1).delisted == ("gone",)
    with pytest.raises(ValueError, match="at least one"):
        LifecycleBook(sink.database, 0)


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ({"causes": ("ip_banned",)}, PassOutcome.BANNED),
        ({"causes": ("server_error",)}, PassOutcome.PARTIAL),
        ({"is_truncated": True}, PassOutcome.TRUNCATED),
        ({"claimed": 300}, PassOutcome.TRUNCATED),
    ],
)
def test_a_pass_that_proves_nothing_delists_nothing_however_often(python: Keyword, values: dict[str, Any], outcome: PassOutcome) -> None:
    python.show(ALL, 0)
    for hour in range(1, 20):
        assert python.show(KEPT, hour, **values) == PassReport(outcome)
    assert state(python).is_listed


def test_a_list_that_is_silently_short_is_not_believed_until_ten_agree(python: Keyword) -> None:
    python.show(ALL, 0)
    reports = [python.show(KEPT[:3], hour) for hour in range(1, 13)]
    assert [report.outcome for report in reports] == [PassOutcome.SHRUNKEN] * 10 + [PassOutcome.COMPLETE] * 2
    assert len(reports[-1].delisted) == 7


def test_every_keyword_that_showed_it_must_miss_it(sink: SqlSink, make_job: Make) -> None:
    python, golang = Keyword(sink, make_job), Keyword(sink, make_job, "golang")
    python.show(ALL, 0)
    golang.show(ALL, 0.5)
    for hour in (1, 2, 3):
        assert python.show(KEPT, hour).delisted == ()
    assert golang.show(KEPT, 4).delisted == ()
    assert golang.show(KEPT, 5).delisted == ("gone",)


@pytest.mark.parametrize("text", ["python", "java"], ids=["by the same keyword", "by another"])
def test_a_posting_that_was_seen_and_whose_row_is_not_stored_is_not_gone(sink: SqlSink, make_job: Make, text: str) -> None:
    python = Keyword(sink, make_job)
    python.show(ALL, 0)
    seer = Keyword(sink, make_job, text)
    seer.show([], 0, jobs=1)
    for hour in (1, 2, 3):
        seer.see(["gone"], hour)
        python.show(KEPT, hour + 0.5, jobs=10)
    assert state(python).is_listed


def test_a_pass_with_the_platforms_word_is_one_record(python: Keyword) -> None:
    python.show(ALL, 0)
    at = START + timedelta(hours=1)
    one = KeywordPass(Platform.BOSS, "python", "101010100", at, at + timedelta(minutes=5), len(KEPT))
    record = PassRecord(one, dict.fromkeys(KEPT, at), ("gone",))
    assert python.book.record(record) == PassReport(PassOutcome.COMPLETE, (), ("gone",))
    assert state(python).delisted_by is Authority.PLATFORM
    assert python.book.record(record) == PassReport(PassOutcome.COMPLETE)


def test_a_keyword_that_never_showed_it_says_nothing(sink: SqlSink, make_job: Make) -> None:
    python, golang = Keyword(sink, make_job), Keyword(sink, make_job, "golang")
    python.show(ALL, 0)
    for hour in (1, 2, 3):
        assert golang.show(KEPT, hour).delisted == ()


def test_a_posting_seen_again_begins_anew(python: Keyword) -> None:
    python.show(ALL, 0)
    python.show(KEPT, 1)
    python.show(ALL, 2)
    assert python.show(KEPT, 3).delisted == ()
    assert python.show(KEPT, 4).delisted == ("gone",)


def test_a_posting_that_comes_back_is_reposted(python: Keyword) -> None:
    python.show(ALL, 0)
    python.show(KEPT, 1)
    python.show(KEPT, 2)
    python.show(ALL, 3)
    found = state(python)
    assert (found.is_listed, found.reposts, found.delisted_by) == (True, 1, None)
    assert found.reposted_at == found.last_seen == START + timedelta(hours=3, minutes=1)
    assert found.first_seen == START + timedelta(minutes=1)


def test_a_pass_recorded_twice_counts_once(python: Keyword) -> None:
    python.show(ALL, 0)
    python.show(KEPT, 1)
    assert python.show(KEPT, 1).delisted == ()
    python.show(KEPT, 2)
    assert python.show(KEPT, 2) == PassReport(PassOutcome.COMPLETE)
    assert state(python).delisted_at == START + timedelta(hours=2)


def test_the_platforms_word_delists_at_once(python: Keyword) -> None:
    python.show(ALL, 0)
    at = START + timedelta(hours=1)
    assert python.book.delist(Platform.BOSS, ["gone", "unknown"], at) == ["gone"]
    assert python.book.delist(Platform.BOSS, ["gone"], at + timedelta(hours=1)) == []
    found = state(python)
    assert (found.delisted_at, found.delisted_by) == (at, Authority.PLATFORM)


def test_a_stale_search_that_shows_what_the_platform_calls_gone_makes_no_repost(python: Keyword) -> None:
    for hour in (0, 2):
        python.show(ALL, hour)
        since = START + timedelta(hours=hour)
        assert python.book.delist(Platform.BOSS, ["gone"], since + timedelta(minutes=5), since=since) == ["gone"]
    assert (state(python).reposts, state(python).reposted_at, state(python).is_listed) == (0, None, False)


def test_a_posting_that_was_back_before_the_pass_stays_a_repost(python: Keyword) -> None:
    python.show(ALL, 0)
    python.book.delist(Platform.BOSS, ["gone"], START + timedelta(hours=1))
    python.show(ALL, 2)
    python.show(KEPT, 3)
    since = START + timedelta(hours=3)
    python.book.delist(Platform.BOSS, ["gone"], since + timedelta(minutes=5), since=since)
    assert (state(python).reposts, state(python).is_listed) == (1, False)


def test_a_later_sighting_outweighs_the_platforms_word(python: Keyword) -> None:
    python.show(ALL, 2)
    assert python.book.delist(Platform.BOSS, ["gone"], START + timedelta(hours=1)) == []
    assert state(python).is_listed


def test_a_company_is_delisted_by_the_platforms_word(sink: SqlSink, make_company: Make) -> None:
    sink.write_rows([make_company()], "t")
    book = LifecycleBook(sink.database)
    assert book.delist(Platform.BOSS, ["c1"], START + timedelta(hours=1), row=Company) == ["c1"]
    found = book.read_state(Platform.BOSS, "c1", Company)
    assert found is not None
    assert not found.is_listed


def test_a_posting_that_nobody_stored_has_no_state(sink: SqlSink) -> None:
    assert LifecycleBook(sink.database).read_state(Platform.BOSS, "j1", Job) is None


def test_a_thousand_postings_gone_at_once_are_all_found(sink: SqlSink, make_job: Make) -> None:
    keyword = Keyword(sink, make_job, needed=1)
    kept = [f"k{number:04}" for number in range(3000)]
    gone = [f"g{number:04}" for number in range(1200)]
    keyword.show(kept + gone, 0)
    assert keyword.show(kept, 1).delisted == tuple(gone)


def test_failing_passes_never_delist_falsely(migrated_dsn: str, sink: SqlSink) -> None:
    result = run(migrated_dsn, partial=200, seed=7)
    assert sum(result.passes[failure] for failure in FAILURES) == 200
    assert (result.false, result.missed) == (0, 0)
    assert result.delisted > 100
    assert result.slowest <= 1
