"""Which details are asked for, how they are merged, and what becomes of those that a batch leaves out."""

from __future__ import annotations

from typing import Any

from jobschema import Verdict
from jobspiders.platforms.base import Reading
from jobspiders.spiders.details import ATTEMPTS, DetailDesk


def reading(**values: Any) -> Reading:
    return Reading(verdict=Verdict.OK, **values)


def test_sort_whole_postings_are_not_asked_for(platform: Any, raw_job: Any) -> None:
    desk = DetailDesk(platform)
    whole, calls = desk.sort([raw_job("1", description="told"), raw_job("2")])
    assert [job.job_id for job in whole] == ["1"]
    assert [[job.job_id for job in call.jobs] for call in calls] == [["2"]]


def test_merge_detail_wins_and_the_list_fills_in(platform: Any, raw_job: Any) -> None:
    desk = DetailDesk(platform)
    [made] = desk.merge([raw_job("1", salary_text="1-2K", city="北京")], [raw_job("1", salary_text="1-3K", description="all")])
    assert (made.salary_text, made.city, made.description) == ("1-3K", "北京", "all")


def test_sort_posting_seen_again_is_whole_without_a_request(platform: Any, raw_job: Any) -> None:
    desk = DetailDesk(platform)
    list(desk.merge([raw_job("1")], [raw_job("1", description="all")]))
    whole, calls = desk.sort([raw_job("1", keyword="second")])
    assert calls == []
    assert (whole[0].description, whole[0].keyword) == ("all", "second")
    assert "1" in desk


def test_settle_left_out_is_asked_again_one_by_one_then_given_up(platform: Any, raw_job: Any) -> None:
    desk = DetailDesk(platform)
    _, [call] = desk.sort([raw_job("1"), raw_job("2")])
    answer = reading(jobs=[raw_job("1", description="x")], missing=[raw_job("2")])
    asked = 1
    while True:
        left = desk.settle(call, answer)
        if not left.again:
            break
        [call] = left.again
        assert [job.job_id for job in call.jobs] == ["2"]
        answer = reading(missing=[raw_job("2")])
        asked += 1
    assert asked == ATTEMPTS
    assert [job.job_id for job in left.lost] == ["2"]


def test_settle_batch_that_lost_answers_silently_is_not_trusted_again(platform: Any, raw_job: Any) -> None:
    desk = DetailDesk(platform)
    _, [call] = desk.sort([raw_job("1"), raw_job("2")])
    desk.settle(call, reading(jobs=[raw_job("1", description="x")], missing=[raw_job("2")]))
    _, calls = desk.sort([raw_job("3"), raw_job("4")])
    assert [len(call.jobs) for call in calls] == [1, 1]


def test_settle_inner_error_keeps_trust_in_batches(platform: Any, raw_job: Any) -> None:
    desk = DetailDesk(platform)
    _, [call] = desk.sort([raw_job("1"), raw_job("2")])
    inner = [(Verdict.CHALLENGE, "37")]
    desk.settle(call, reading(jobs=[raw_job("1", description="x")], missing=[raw_job("2")], inner=inner))
    _, calls = desk.sort([raw_job("3"), raw_job("4")])
    assert [len(call.jobs) for call in calls] == [2]


def test_settle_posting_gone_is_told_apart_from_lost(platform: Any, raw_job: Any) -> None:
    desk = DetailDesk(platform)
    _, [call] = desk.sort([raw_job("1")])
    left = desk.settle(call, Reading(verdict=Verdict.NOT_FOUND))
    assert (left.again, left.lost, [job.job_id for job in left.gone]) == ([], [], ["1"])
