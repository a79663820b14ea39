"""The spiders' one callback on recorded answers: which rows, which further requests."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scrapy import Request
from scrapy.http import Response

from jobspiders.platforms.base import CallKind, RawCompany, RawJob
from jobspiders.platforms.privacy import is_personal

CASSETTES = Path(__file__).with_name("cassettes")


class Played:
    """What a callback made of a response."""

    def __init__(self, spider: Any, response: Response) -> None:
        async def play() -> list[Any]:
            return list(spider.parse(response))  # a run that ends speaks to the loop

        self.outputs = asyncio.run(play())
        self.jobs = [output for output in self.outputs if isinstance(output, RawJob)]
        self.companies = [output for output in self.outputs if isinstance(output, RawCompany)]

    def calls(self, kind: CallKind) -> list[Any]:
        return [output.meta["call"] for output in self.outputs if isinstance(output, Request) and output.meta["call"].kind is kind]


def test_boss_search_page_asks_for_details_and_the_next_page_and_yields_no_half_row(theatre: Any) -> None:
    stage = theatre("boss")
    call, run = stage.begin("工程师", "北京")
    played = Played(stage.spider, stage.answer(call, run, "search"))
    assert (played.jobs, played.companies) == ([], [])
    asked = [job.job_id for batch in played.calls(CallKind.BATCH) for job in batch.jobs]
    assert len(asked) == len(set(asked)) == 10
    assert [len(batch.jobs) for batch in played.calls(CallKind.BATCH)] == [5, 5]
    assert [call.query.page for call in played.calls(CallKind.SEARCH)] == [2]
    assert run.open_requests == 3


def test_boss_batch_yields_whole_jobs_with_companies_and_their_pages(theatre: Any) -> None:
    stage = theatre("boss")
    call, run = stage.begin("工程师", "北京")
    [batch, _] = Played(stage.spider, stage.answer(call, run, "search")).calls(CallKind.BATCH)
    played = Played(stage.spider, stage.answer(batch, run, "batch"))
    assert [job.job_id for job in played.jobs] == [job.job_id for job in batch.jobs]
    assert all(job.description and job.salary_text and job.company_id and job.keyword == "工程师" for job in played.jobs)
    assert all(job.recruiter is None for job in played.jobs)
    assert {company.company_id for company in played.companies} | {call.company_id for call in played.calls(CallKind.COMPANY)} == {
        job.company_id for job in played.jobs
    }


def test_boss_company_page_yields_the_company(theatre: Any) -> None:
    stage = theatre("boss", BOSS_BATCH_SIZE=1)
    call, run = stage.begin("工程师", "北京")
    [detail, *_] = Played(stage.spider, stage.answer(call, run, "search")).calls(CallKind.DETAIL)
    [job] = Played(stage.spider, stage.answer(detail, run, "detail")).jobs
    company_call = stage.spider.platform.company_call(job.company_id)
    stage.spider.request(company_call, run)
    stage.spider.companies_known.clear()
    [company] = Played(stage.spider, stage.answer(company_call, run, "company")).companies
    assert (company.company_id, company.complete) == (job.company_id, True)
    assert company.full_name
    assert company.introduction


def test_qcwy_search_page_yields_whole_jobs_companies_and_the_next_pages(theatre: Any) -> None:
    stage = theatre("qcwy")
    call, run = stage.begin("工程师", "北京")
    played = Played(stage.spider, stage.answer(call, run, "search"))
    assert len(played.jobs) == 3
    assert all(job.description and job.salary_text and job.keyword == "工程师" for job in played.jobs)
    assert {company.company_id for company in played.companies} == {job.company_id for job in played.jobs}
    pages = [call.query.page for call in played.calls(CallKind.SEARCH)]
    assert pages == list(range(2, len(pages) + 2)) != []
    assert not [key for job in played.jobs for key in job.raw if is_personal(key)]


def test_zhilian_search_page_yields_whole_jobs_without_cards_and_the_next_page(theatre: Any) -> None:
    stage = theatre("zhilian")
    call, run = stage.begin("工程师", "北京")
    response = stage.answer(call, run, "search")
    reading = response.meta["reading"]
    played = Played(stage.spider, response)
    assert [job.job_id for job in played.jobs] == [job.job_id for job in reading.jobs]
    assert reading.items == len(reading.jobs) + reading.ads
    assert all(job.description and job.salary_text for job in played.jobs)
    assert [call.query.page for call in played.calls(CallKind.SEARCH)] == [2]


def test_zhilian_detail_yields_the_job_and_its_company(theatre: Any) -> None:
    stage = theatre("zhilian")
    call, run = stage.begin("工程师", "北京")
    [job, *_] = Played(stage.spider, stage.answer(call, run, "search")).jobs
    [detail] = stage.spider.platform.detail_calls([replace(job, description=None)])
    stage.spider.request(detail, run)
    played = Played(stage.spider, stage.answer(detail, run, "detail"))
    assert [detailed.job_id for detailed in played.jobs] == [job.job_id]
    assert played.jobs[0].description
    assert played.jobs[0].company_id == job.company_id


def test_boss_posting_found_again_asks_for_no_second_detail(theatre: Any) -> None:
    stage = theatre("boss", BOSS_BATCH_SIZE=1)
    call, run = stage.begin("工程师", "北京")
    [detail, *_] = Played(stage.spider, stage.answer(call, run, "search")).calls(CallKind.DETAIL)
    Played(stage.spider, stage.answer(detail, run, "detail"))
    stage.spider.request(call, run)
    again = Played(stage.spider, stage.answer(call, run, "search"))
    assert [job.job_id for job in again.jobs] == [detail.jobs[0].job_id]
    assert detail.jobs[0].job_id not in {asked.jobs[0].job_id for asked in again.calls(CallKind.DETAIL)}
    assert stage.spider.crawler.stats.get_value("detail/repeated") == 1


@pytest.mark.parametrize("path", sorted(CASSETTES.glob("*.json")), ids=lambda path: path.stem)
def test_cassette_is_small_made_up_and_tells_no_secret(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text) < 120_000
    assert "127.0.0.1:9/" in text
    assert "zhipin.com/wapi" not in text


def test_spider_that_is_over_has_nothing_to_drain(theatre: Any) -> None:
    spider = theatre("boss").spider

    async def end() -> None:
        await spider.on_closing("finished")
        spider.drain(1.0)

    asyncio.run(end())
    assert (spider.draining, spider.stopping) == (None, None), "Scrapy would be told to close a spider that is not open"
