"""51job: doors, signature, verdicts, mapping, splitting of capped searches."""

from __future__ import annotations

import hashlib
import hmac
import re
from random import Random
from urllib.parse import unquote

import orjson
import pytest

from jobschema import Employment, Verdict
from jobspiders.platforms import replay_call
from jobspiders.platforms.base import CallKind, SearchQuery, SigningContext

KEY = "0123456789abcdef" * 4
QUERY = SearchQuery("人事 & 行政", "010000,020000", filters=(("degree", "04,07"), ("function", "0601")), trail=(("requestId", "ab" * 16),))
SIGNED_QUERY = (
    "api_key=51job&timestamp=1714842858&keyword=%E4%BA%BA%E4%BA%8B%20%26%20%E8%A1%8C%E6%94%BF&searchType=2&function=0601&industry="
    "&jobArea=010000%2C020000&jobArea2=&landmark=&metro=&salary=&workYear=&degree=04%2C07&companyType=&companySize=&jobType=&issueDate="
    "&sortType=0&pageNum=1&requestId=abababababababababababababababab&pageSize=20&source=1&accountId=&pageCode=sou%7Csou%7Csoulb"
)


@pytest.fixture
def qcwy(made):
    return made.platform("qcwy")


def context(seed=1):
    return SigningContext(now=1714842858.9, random=Random(seed))


def by_hand(message: str | bytes) -> str:
    """The signature, computed the long way: HMAC from two SHA-256 rounds."""
    key = KEY.encode().ljust(64, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in key) + (message if isinstance(message, bytes) else message.encode())).digest()
    return hashlib.sha256(bytes(b ^ 0x5C for b in key) + inner).hexdigest()


def read(qcwy, made, document, **about):
    call = qcwy.search(SearchQuery("x", "040000", **about)) if about else replay_call(CallKind.SEARCH)
    return qcwy.read(call, made.answer(document))


def test_search_is_the_same_whatever_the_trail(qcwy):
    first, second = qcwy.search(QUERY), qcwy.search(SearchQuery(QUERY.text, QUERY.city_code, filters=QUERY.filters))

    assert first.url == second.url
    assert "timestamp" not in first.url
    assert "requestId=&" in first.url


def test_sign_covers_path_and_query_exactly_as_sent(qcwy):
    signed = qcwy.sign(qcwy.search(QUERY), context())

    assert signed.url == f"https://cupid.51job.com/open/noauth/search-pc?{SIGNED_QUERY}"
    assert signed.headers["sign"] == by_hand(f"/open/noauth/search-pc?{SIGNED_QUERY}")
    assert re.fullmatch("[0-9a-f]{32}", signed.headers["uuid"])
    assert orjson.loads(unquote(signed.headers["property"]))["fromdomain"] == "51job_web"
    assert KEY not in signed.url + str(signed.headers)


def test_sign_twice_differs_by_its_time_and_uuid(qcwy):
    call = qcwy.search(QUERY)
    first = qcwy.sign(call, context(1))
    second = qcwy.sign(call, SigningContext(now=1714842900.0, random=Random(2)))

    assert first.url != second.url
    assert first.headers["sign"] != second.headers["sign"]
    assert first.headers["uuid"] != second.headers["uuid"]


def test_sign_under_a_path_prefix_signs_the_whole_path(made):
    qcwy = made.platform("qcwy", QCWY_BASE_URL="http://127.0.0.1:8000/fake/")
    signed = qcwy.sign(qcwy.search(QUERY), context())

    assert signed.headers["sign"] == by_hand("/fake/open/noauth/search-pc?" + SIGNED_QUERY)


def test_wxmini_door_signs_the_body_too(made):
    qcwy = made.platform("qcwy", QCWY_DOOR="wxmini")
    call = qcwy.search(QUERY)
    signed = qcwy.sign(call, context())
    body = orjson.loads(signed.body)

    assert (call.method, signed.method, call.url) == (
        "POST",
        "POST",
        "https://cupid.51job.com/open/noauth/recommend/job-tab-dynamic-wx-mini",
    )
    assert orjson.loads(call.body)["requestId"] == ""
    assert (body["keyword"], body["jobArea"], body["pageNo"], body["degree"], body["requestId"]) == (
        "人事 & 行政",
        "010000,020000",
        1,
        "04,07",
        "ab" * 16,
    )
    path = "/open/noauth/recommend/job-tab-dynamic-wx-mini?api_key=51job&timestamp=1714842858"
    assert signed.url.endswith(path)
    assert (
        signed.headers["sign"]
        == by_hand(path.encode() + signed.body)
        == hmac.digest(KEY.encode(), path.encode() + signed.body, "sha256").hex()
    )
    assert signed.headers["From-Domain"] == "51job_weixin_wxapp"


def test_web_door_is_not_signed_and_needs_no_key(made):
    qcwy = made.platform("qcwy", QCWY_DOOR="web", QCWY_SIGN_KEY="")
    signed = qcwy.sign(qcwy.search(QUERY), context())

    assert signed.url == f"https://we.51job.com/api/job/search-pc?{SIGNED_QUERY}"
    assert "sign" not in signed.headers


@pytest.mark.parametrize("door", ["search", "wxmini"])
def test_signed_door_without_a_key_names_the_setting(made, door):
    with pytest.raises(ValueError, match="QCWY_SIGN_KEY is not set"):
        made.platform("qcwy", QCWY_DOOR=door, QCWY_SIGN_KEY="")


def test_item_is_mapped_whole_with_its_company(qcwy, made):
    reading = read(qcwy, made, made.qcwy_page([made.qcwy_item(isAd=True, jobType="16"), made.qcwy_item(2)]))
    (job, _), (company,) = reading.jobs, reading.companies

    assert (job.job_id, job.title, job.url) == ("900000001", "人事专员", "https://jobs.51job.com/shenzhen-nsq/900000001.html")
    assert (job.place_text, job.city, job.city_code, job.district) == ("深圳·南山区", "深圳", "040000", "南山区")
    assert (job.longitude, job.latitude) == (113.9, None)
    assert (job.salary_text, job.experience_text, job.education_text) == ("8千-1.2万", "3年及以上", "本科")
    assert (job.skills, job.welfare, job.recruits_text) == (["绩效管理"], ["五险一金"], "若干")
    assert (job.employment, job.employment_text, job.industry) == (Employment.FULL_TIME, "全职", "电子技术")
    assert (job.published_text, job.updated_text) == ("2024-05-04 11:01:33", "2024-05-04 16:57:51")
    assert job.description == "负责招聘\r\n负责培训"
    assert (company.company_id, company.name, company.full_name) == ("MadeUp-Company_01", "造物电子", "深圳市造物电子有限公司")
    assert (company.kind, company.size_text, company.complete) == ("民营", "50-150人", True)
    assert b"hr" not in re.sub(rb"href", b"", orjson.dumps([job.raw, company.raw]).lower())
    assert qcwy.detail_calls(reading.jobs) == []
    assert qcwy.company_call("x") is None


@pytest.mark.parametrize(
    "link", ["", "http://campus.51job.com/made/detail.html?jobid=900000001", "http://made.51job.com/#/list?jobid=900000001"]
)
def test_link_that_lives_by_its_query_is_replaced_by_the_platforms_own_page(qcwy, made, link):
    (job,) = read(qcwy, made, made.qcwy_page([made.qcwy_item(jobHref=link)])).jobs

    assert job.url == "https://jobs.51job.com/all/900000001.html"


def test_item_without_link_or_area_detail_is_read(qcwy, made):
    (job,) = read(qcwy, made, made.qcwy_page([made.qcwy_item(jobHref="", jobAreaLevelDetail=None, isIntern=True, jobNumString=3)])).jobs

    assert (job.url, job.city, job.place_text) == ("https://jobs.51job.com/all/900000001.html", "", "深圳·南山区")
    assert (job.employment, job.recruits_text) == (Employment.INTERN, "3")


@pytest.mark.parametrize(
    ("document", "verdict"),
    [
        ({"status": 0, "message": "请完成验证"}, Verdict.CHALLENGE),
        ({"status": 0, "message": "busy"}, Verdict.RATE_LIMITED),
        ({"status": "0", "message": "访问过于频繁"}, Verdict.RATE_LIMITED),
        ({"status": "0", "message": "签名错误"}, Verdict.TOKEN_INVALID),
        ({"status": "0", "message": "???"}, Verdict.SERVER_ERROR),
        ({"status": True, "message": ""}, Verdict.SERVER_ERROR),
        ({"message": "成功"}, Verdict.SCHEMA_CHANGED),
        ({"status": "1", "resultbody": "<html>滑动验证页面</html>"}, Verdict.CHALLENGE),
        ({"status": "1", "resultbody": []}, Verdict.SCHEMA_CHANGED),
        ({"status": "1", "resultbody": {"job": {"items": [], "totalCount": "many"}}}, Verdict.SCHEMA_CHANGED),
        ({"status": "1", "resultbody": {"job": {"items": None, "totalCount": 1}}}, Verdict.SCHEMA_CHANGED),
        ({"status": 1, "resultbody": {"job": {"items": [], "totalCount": 12}}}, Verdict.SOFT_BAN),
        ({"status": 1, "resultbody": {"job": {"items": [], "totalCount": 0}}}, Verdict.EMPTY),
    ],
)
def test_envelope_gives_the_verdict(qcwy, made, document, verdict):
    assert read(qcwy, made, document).verdict is verdict


@pytest.mark.parametrize(
    ("page", "total", "verdict"), [(2, 20, Verdict.EMPTY), (2, 21, Verdict.SOFT_BAN), (7, 100, Verdict.EMPTY), (5, 100, Verdict.SOFT_BAN)]
)
def test_empty_page_is_a_soft_ban_only_where_items_must_be(qcwy, made, page, total, verdict):
    assert read(qcwy, made, made.qcwy_page([], total), page=page).verdict is verdict


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"jobId": None}, "jobId:missing"),
        ({"provideSalaryString": 5}, "provideSalaryString:type"),
        ({"jobDescribe": None}, "jobDescribe:missing"),
        ({"jobAreaLevelDetail": "深圳"}, "city:type"),
        ({"lon": "east"}, "lon:type"),
        ({"companySizeString": 3, "encCoId": "other"}, "companySizeString:type"),
    ],
)
def test_broken_item_is_refused_by_name(qcwy, made, broken, reason):
    reading = read(qcwy, made, made.qcwy_page([*(made.qcwy_item(n) for n in range(9)), made.qcwy_item(9, **broken)]))

    assert (reading.verdict, [reject.reason for reject in reading.rejects]) == (Verdict.OK, [reason])


# -- pages and splits -------------------------------------------------------------------------------------------------


def opened(qcwy, made, query, total):
    call = qcwy.search(query)
    reading = qcwy.read(call, made.answer(made.qcwy_page([made.qcwy_item(n) for n in range(20)], total)))
    return reading, qcwy.next_queries(query, reading)


def test_first_page_opens_all_others_with_its_request_id(qcwy, made):
    reading, queries = opened(qcwy, made, SearchQuery("x", "040000"), 61)

    assert [query.page for query in queries] == [2, 3, 4]
    assert {query.trail for query in queries} == {(("requestId", "c0ffee00" * 4),)}
    assert (reading.has_more, reading.capped) == (True, False)
    assert opened(qcwy, made, SearchQuery("x", "040000", page=2), 61)[1] == []
    assert opened(qcwy, made, SearchQuery("x", "040000"), 20)[1] == []


@pytest.mark.parametrize(
    ("city", "filters", "name", "codes"),
    [
        ("040000", (), "degree", 8),
        ("040000", (("degree", "04"),), "workYear", 7),
        ("040000", (("degree", "04,05"),), "degree", 2),
        ("040000", (("degree", "04"), ("workYear", "03")), "companySize", 8),
    ],
)
def test_capped_search_is_split_by_the_next_open_filter(qcwy, made, city, filters, name, codes):
    _, queries = opened(qcwy, made, SearchQuery("x", city, filters=filters), 1000)

    assert len(queries) == codes
    assert len({dict(query.filters)[name] for query in queries}) == codes
    assert {query.page for query in queries} == {1}
    assert all(dict(filters).items() - {("degree", "04,05")} <= dict(query.filters).items() for query in queries)


def test_capped_search_of_several_cities_is_split_by_city_first(qcwy, made):
    assert [query.city_code for query in opened(qcwy, made, QUERY, 1000)[1]] == ["010000", "020000"]
    whole_country = opened(qcwy, made, SearchQuery("x", "000000"), 1000)[1]
    assert len(whole_country) == 36
    assert {"030000", "040000", "360000"} <= {query.city_code for query in whole_country}


def test_capped_search_that_cannot_be_split_is_paged_to_the_cap_and_stays_capped(qcwy, made):
    narrow = SearchQuery("x", "040000", filters=(("degree", "04"), ("workYear", "03"), ("companySize", "02")))
    reading, queries = opened(qcwy, made, narrow, 1000)

    assert reading.capped
    assert [query.page for query in queries] == list(range(2, 51))
