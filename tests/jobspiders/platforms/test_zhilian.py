"""Zhilian: calls and ids, verdicts, item shapes of 2018 to today, details."""

from __future__ import annotations

import re
from random import Random
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from jobschema import Employment, Verdict
from jobspiders.platforms import replay_call
from jobspiders.platforms.base import CallKind, SearchQuery, SigningContext, merged

UUID4 = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
QUERY = SearchQuery("Java 开发", "801", page=3, filters=(("S_SOU_WORK_EXPERIENCE", "0305"), ("order", "4")))


@pytest.fixture
def zhilian(made):
    return made.platform("zhilian")


def read(zhilian, made, document, kind=CallKind.SEARCH, page=0):
    call = zhilian.search(SearchQuery("x", "801", page=page)) if page else replay_call(kind)
    return zhilian.read(call, made.answer(document))


def context(seed):
    return SigningContext(now=1615648192.7921, random=Random(seed))


def test_search_is_stable_and_carries_no_token(made):
    zhilian = made.platform("zhilian", ZHILIAN_AT="a" * 32, ZHILIAN_RT="b" * 32)
    call = zhilian.search(QUERY)

    assert call == zhilian.search(QUERY)
    assert (call.method, call.url) == ("POST", "https://fe-api.zhaopin.com/c/i/search/positions?platform=13&version=0.0.0")
    body = orjson.loads(call.body)
    assert (body["S_SOU_FULL_INDEX"], body["S_SOU_WORK_CITY"], body["pageIndex"], body["order"]) == ("Java 开发", "801", 3, 4)
    assert body["S_SOU_WORK_EXPERIENCE"] == "0305"
    assert not body.keys() & {"at", "rt", "actionid"}


def test_sign_adds_fresh_ids_in_their_documented_forms(made):
    zhilian = made.platform("zhilian", ZHILIAN_AT="a" * 32, ZHILIAN_RT="b" * 32, ZHILIAN_CLIENT_ID="made-client")
    call = zhilian.search(QUERY)
    first, second = zhilian.sign(call, context(1)), zhilian.sign(call, context(2))
    given, body = dict(parse_qsl(urlsplit(first.url).query)), orjson.loads(first.body)

    assert (given["at"], given["rt"], given["platform"], given["x-zp-client-id"]) == ("a" * 32, "b" * 32, "13", "made-client")
    assert re.fullmatch(r"[0-9a-f]{32}-1615648192792-\d{1,6}", given["x-zp-page-request-id"])
    assert re.fullmatch(r"0\.\d{8}", given["_v"])
    assert re.fullmatch(UUID4, first.headers["x-zp-action-id"])
    assert body["actionid"] == first.headers["x-zp-action-id"]
    assert (body["at"], body["rt"], body["anonymous"], first.headers["x-zp-page-code"]) == ("a" * 32, "b" * 32, 0, "4089")
    assert orjson.loads(call.body).items() <= body.items()
    assert first.headers["x-zp-action-id"] != second.headers["x-zp-action-id"]
    assert first.url != second.url


def test_sign_without_login_is_anonymous(zhilian):
    signed = zhilian.sign(zhilian.search(QUERY), context(1))

    assert "at=" not in signed.url.replace("platform=", "")
    assert orjson.loads(signed.body)["anonymous"] == 1
    assert signed.headers["x-zp-page-code"] == "4019"
    assert re.search(f"x-zp-client-id={UUID4}$", signed.url)


@pytest.mark.parametrize(
    ("settings", "name"), [({"ZHILIAN_AT": "a" * 32}, "ZHILIAN_RT"), ({"ZHILIAN_AT": "a b", "ZHILIAN_RT": "b"}, "ZHILIAN_AT")]
)
def test_half_or_broken_login_is_refused_without_showing_it(made, settings, name):
    with pytest.raises(ValueError, match=name) as caught:
        made.platform("zhilian", **settings)
    assert "a b" not in str(caught.value)
    assert "aaaa" not in str(caught.value)


def test_item_of_today_is_mapped_whole(zhilian, made):
    reading = read(zhilian, made, made.zhilian_page([made.zhilian_item()]))
    (job,), (company,) = reading.jobs, reading.companies

    assert (job.job_id, job.title, job.url) == (
        "CC000000001J40000000001",
        "销售经理",
        "http://jobs.zhaopin.com/CC000000001J40000000001.htm",
    )
    assert (job.place_text, job.city, job.city_code, job.district, job.area) == ("成都·武侯·桐梓林", "成都", "801", "武侯", "桐梓林")
    assert (job.salary_text, job.experience_text, job.education_text) == ("1.1-1.5万", "1-3年", "大专")
    assert (job.skills, job.welfare, job.recruits_text, job.employment) == (["销售"], ["五险一金"], "2", Employment.FULL_TIME)
    assert (job.published_text, job.updated_text, job.description) == ("2026-09-01 10:00:00", "2026-09-08 01:46:26", None)
    assert (company.company_id, company.kind, company.stage, company.complete) == ("CZ000000001", "民营", "未融资", False)
    assert "孙造" not in str(job.raw)
    assert orjson.loads(job.raw["cardCustomJson"]) == {"address": "成都 武侯"}
    assert (reading.total, reading.has_more) == (100, True)


def test_personal_data_is_kept_apart_when_wanted(made):
    zhilian = made.platform("zhilian", PERSONAL_DATA_ENABLED="1")
    (job,) = read(zhilian, made, made.zhilian_page([made.zhilian_item()])).jobs

    assert job.recruiter["staffCard"]["staffName"] == "孙造"
    assert "孙造" not in str(job.raw)


def test_item_of_2018_is_read_from_its_codes_and_names(zhilian, made):
    item = {
        "number": "CC100000001J90000000001",
        "jobName": "前端",
        "salary": "9K-16K",
        "workingExp": {"code": "103", "name": "1-3年"},
        "eduLevel": {"code": "5", "name": "大专"},
        "emplType": "实习",
        "company": {
            "number": "CZ1",
            "url": "https://company.zhaopin.com/CZ1.htm",
            "name": "造物",
            "size": {"code": "2", "name": "20-99人"},
            "type": {"code": "5", "name": "民营"},
        },
        "city": {"items": [{"code": "635", "name": "南京"}], "display": "南京-建邺区"},
        "geo": {"lat": "32.02", "lon": "118.86"},
        "recruitCount": 0,
        "welfare": ["餐补"],
        "positionURL": "https://jobs.zhaopin.com/1.htm",
        "createDate": "2018-08-02 10:38:30",
        "updateDate": "2018-08-24 08:52:51",
    }
    reading = read(zhilian, made, {"code": 200, "data": {"numFound": 61, "results": [item]}})
    (job,), (company,) = reading.jobs, reading.companies

    assert (job.title, job.salary_text, job.experience_text, job.education_text) == ("前端", "9K-16K", "1-3年", "大专")
    assert (job.place_text, job.city, job.city_code, job.longitude) == ("南京-建邺区", "南京", "635", 118.86)
    assert (job.employment, job.recruits_text, job.company_name) == (Employment.INTERN, "", "造物")
    assert (company.size_text, company.kind, company.url) == ("20-99人", "民营", "https://company.zhaopin.com/CZ1.htm")
    assert (reading.total, reading.has_more) == (61, True)


def test_item_with_its_detail_inside_needs_no_call(zhilian, made):
    detail = {
        "position": {"desc": {"description": "<p>做&nbsp;A</p><br>做 B", "labels": ["x"]}, "base": {}},
        "company": {"base": {"introduce": "我们"}},
    }
    reading = read(zhilian, made, made.zhilian_page([made.zhilian_item(jobDetailData=detail), made.zhilian_item(2, companyNumber="CZ2")]))

    assert reading.jobs[0].description == "做 A\n做 B"
    assert reading.companies[0].introduction == "我们"
    assert [call.jobs[0].job_id for call in zhilian.detail_calls(reading.jobs)] == ["CC000000001J40000000002"]


def test_item_that_names_itself_only_in_its_address_is_read(zhilian, made):
    item = made.zhilian_item(number=None, positionURL=None, positionUrl="http://jobs.zhaopin.com/CCL100J200.htm?x=1")
    (job,) = read(zhilian, made, made.zhilian_page([item])).jobs

    assert job.job_id == "CCL100J200"


def test_ad_cards_are_skipped_and_broken_items_are_not_taken_for_ads(zhilian, made):
    items = [made.zhilian_item(n) for n in range(8)]
    items += [{"adResponse": {"adId": 1}, "positionURL": ""}, {"liveCard": {}}, made.zhilian_item(9, name=None)]
    reading = read(zhilian, made, made.zhilian_page(items))

    assert (reading.verdict, reading.items, reading.ads, len(reading.jobs)) == (Verdict.OK, 11, 2, 8)
    assert [reject.reason for reject in reading.rejects] == ["name:missing"]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"salary60": 5}, "salary60:type"),
        ({"salary60": None}, "salary60:missing"),
        ({"companyName": None}, "companyName:missing"),
        ({"workCity": None, "cityId": None}, "workCity:missing"),
        ({"number": None, "positionURL": None}, "number:missing"),
        ({"skillLabel": [{"state": 0}]}, "skillLabel:type"),
        ({"city": {"items": []}}, "city:type"),
        ({"education": {"code": 4}}, "education:type"),
    ],
)
def test_broken_item_is_refused_by_name(zhilian, made, broken, reason):
    reading = read(zhilian, made, made.zhilian_page([*(made.zhilian_item(n) for n in range(9)), made.zhilian_item(9, **broken)]))

    assert (reading.verdict, [reject.reason for reject in reading.rejects]) == (Verdict.OK, [reason])


@pytest.mark.parametrize(
    ("document", "verdict"),
    [
        ({"code": 210, "message": "未登录"}, Verdict.TOKEN_INVALID),
        ({"code": 500, "msg": "freq limit"}, Verdict.RATE_LIMITED),
        ({"code": 500, "data": {}}, Verdict.SERVER_ERROR),
        ({"code": 200, "apiCode": 500, "message": "系统错误"}, Verdict.SERVER_ERROR),
        ({"code": 200, "apiCode": 210}, Verdict.TOKEN_INVALID),
        ({"code": 404, "message": "职位已下线"}, Verdict.NOT_FOUND),
        ({"data": {}}, Verdict.SCHEMA_CHANGED),
        ({"code": 200, "data": []}, Verdict.SCHEMA_CHANGED),
        ({"code": 200, "data": {"isVerification": 1, "list": []}}, Verdict.CHALLENGE),
        ({"code": 200, "data": "<html>TencentEOCaptcha"}, Verdict.CHALLENGE),
    ],
)
def test_envelope_gives_the_verdict(zhilian, made, document, verdict):
    assert read(zhilian, made, document).verdict is verdict
    assert read(zhilian, made, document, CallKind.DETAIL).verdict is verdict


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        ({"count": 0, "isEndPage": 1, "list": []}, Verdict.EMPTY),
        ({"count": 100, "isEndPage": 1, "list": []}, Verdict.EMPTY),
        ({"count": 0, "isEndPage": 0, "list": []}, Verdict.EMPTY),
        ({"count": 0, "list": []}, Verdict.SOFT_BAN),
        ({"count": 100, "list": []}, Verdict.SOFT_BAN),
        ({"count": 100, "isEndPage": 0, "list": []}, Verdict.SOFT_BAN),
        ({"numFound": 0, "results": []}, Verdict.EMPTY),
        ({"numFound": 7, "results": []}, Verdict.SOFT_BAN),
        ({"data": {"count": 0, "isEndPage": 1, "list": []}}, Verdict.EMPTY),
        ({"count": 0}, Verdict.SCHEMA_CHANGED),
        ({"count": 0, "list": {}}, Verdict.SCHEMA_CHANGED),
    ],
)
def test_empty_list_is_told_from_a_soft_block_by_is_end_page(zhilian, made, data, verdict):
    assert read(zhilian, made, {"code": 200, "data": data}).verdict is verdict


def test_nested_list_of_2021_is_read(zhilian, made):
    assert len(read(zhilian, made, {"code": 200, "data": {"data": {"isEndPage": 1, "list": [made.zhilian_item()]}}}).jobs) == 1


@pytest.mark.parametrize(
    ("page", "end", "expected", "capped"), [(1, 0, [2], False), (1, 1, [], False), (50, 0, [], True), (50, 1, [], False)]
)
def test_next_page_follows_is_end_page_alone(zhilian, made, page, end, expected, capped):
    reading = read(zhilian, made, made.zhilian_page([made.zhilian_item()], end, count=1), page=page)

    assert [query.page for query in zhilian.next_queries(SearchQuery("x", "801", page=page), reading)] == expected
    assert reading.capped is capped


# -- details ----------------------------------------------------------------------------------------------------------


def detail_of(made, *, old: bool, **fields):
    position = made.zhilian_item(jobDesc="<div>甲</div><div>乙</div>", workAddress="某路 1 号", positionURL=None)
    if not old:
        for name, new in (
            ("number", "positionNumber"),
            ("name", "positionName"),
            ("workingExp", "positionWorkingExp"),
            ("workCity", "positionWorkCity"),
        ):
            position[new] = position.pop(name)
    company = {
        "companyName": "成都造物有限公司",
        "companyNumber": "CZ000000001",
        "companySize": "20-99人",
        "companyDescription": "<p>我们</p>",
        "email": "a@b.example",
    }
    return {"code": 200, "data": {"detailedPosition": {**position, **fields}, "detailedCompany": company}}


@pytest.mark.parametrize("old", [True, False])
def test_detail_of_either_era_completes_the_posting(zhilian, made, old):
    item = made.zhilian_item(positionURL="https://www.zhaopin.com/jobdetail/CC000000001J40000000001.htm?x=1")
    (listed,) = read(zhilian, made, made.zhilian_page([item])).jobs
    (call,) = zhilian.detail_calls([listed])
    reading = zhilian.read(call, made.answer(detail_of(made, old=old)))
    job = merged(listed, reading.jobs[0])

    assert call.url == "https://fe-api.zhaopin.com/c/i/jobs/position-detailv2?number=CC000000001J40000000001&platform=13&version=0.0.0"
    assert (job.description, job.address, job.url) == (
        "甲\n乙",
        "某路 1 号",
        "https://www.zhaopin.com/jobdetail/CC000000001J40000000001.htm",
    )
    (company,) = reading.companies
    assert (company.introduction, company.complete, "email" in company.raw) == ("我们", True, False)


@pytest.mark.parametrize("gone", [None, {}])
def test_detail_that_is_blank_is_not_found(zhilian, made, gone):
    document = {"code": 200, "data": {"detailedPosition": gone, "detailedCompany": gone}}
    assert read(zhilian, made, document, CallKind.DETAIL).verdict is Verdict.NOT_FOUND


def test_detail_answered_with_an_empty_list_is_a_soft_ban(zhilian, made):
    assert read(zhilian, made, {"code": 200, "data": {"count": 0, "list": []}}, CallKind.DETAIL).verdict is Verdict.SOFT_BAN


def test_detail_of_another_shape_is_a_changed_schema(zhilian, made):
    assert read(zhilian, made, {"code": 200, "data": {"position": {}}}, CallKind.DETAIL).verdict is Verdict.SCHEMA_CHANGED
    assert read(zhilian, made, detail_of(made, old=True, salary60=[1]), CallKind.DETAIL).verdict is Verdict.SCHEMA_CHANGED
