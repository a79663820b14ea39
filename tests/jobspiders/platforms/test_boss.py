"""Boss Zhipin: calls, headers, verdicts, mapping, batches."""

from __future__ import annotations

import re
from random import Random
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from jobschema import Employment, Verdict
from jobspiders.platforms import replay_call
from jobspiders.platforms.base import CallKind, Reading, SearchQuery, SigningContext, merged

QUERY = SearchQuery("C++ 开发", "101210100", page=2, filters=(("experience", "102,108"),))


@pytest.fixture
def boss(made):
    return made.platform("boss", BOSS_WT2="made-wt2~~")


def read(boss, made, document, kind=CallKind.SEARCH, status=200) -> Reading:
    return boss.read(replay_call(kind), made.answer(document, status))


def listed(boss, made, count):
    return read(boss, made, made.boss_page([made.boss_item(n) for n in range(count)])).jobs


def test_search_of_a_query_is_stable_and_carries_no_secret(boss):
    first, second = boss.search(QUERY), boss.search(QUERY)

    assert first == second
    assert first.url.startswith(
        "https://www.zhipin.com/wapi/zpgeek/miniapp/search/joblist.json?query=C%2B%2B%20%E5%BC%80%E5%8F%91&city=101210100&page=2&pageSize=15&"
    )
    given = dict(parse_qsl(urlsplit(first.url).query, keep_blank_values=True))
    assert given["experience"] == "102,108"
    assert given["appId"] == "10002"
    assert given["stage"] == ""
    assert "made-wt2" not in first.url + str(first.headers)


def test_search_with_an_unknown_filter_names_the_valid_ones(boss):
    with pytest.raises(ValueError, match=r"filter wage=5 is not known: give one of .*experience"):
        boss.search(SearchQuery("x", "1", filters=(("wage", "5"),)))


def test_sign_gives_the_documented_headers_afresh_for_each_attempt(boss):
    call, random = boss.search(QUERY), Random(7)
    first, second = (boss.sign(call, SigningContext(now=1.0, random=random, token="made-mpt")) for _ in range(2))

    assert (first.url, first.body, first.method) == (call.url, b"", "GET")
    assert re.fullmatch(r"F-[0-9a-f]{6}[0-9A-Za-z]{10}", first.headers["traceid"])
    assert first.headers["traceid"] != second.headers["traceid"]
    assert first.headers | {"traceid": ""} == second.headers | {"traceid": ""}
    expected = {
        "mpt": "made-mpt",
        "wt2": "made-wt2~~",
        "zp_app_id": "10002",
        "zp_product_id": "10002",
        "mini_ver": "13.2200",
        "ver": "13.2200",
    }
    assert expected.items() <= first.headers.items()
    assert orjson.loads(first.headers["ua"]) == {"model": "microsoft", "platform": "windows"}


def test_search_item_of_the_mini_program_is_mapped_whole(boss, made):
    (job,) = read(boss, made, made.boss_page([made.boss_item()])).jobs

    assert (job.job_id, job.title, job.company_name) == ("made0up00011nx73di4GVBT~", "测试工程师", "造物科技")
    assert job.url == "https://www.zhipin.com/job_detail/made0up00011nx73di4GVBT~.html"
    assert (job.place_text, job.city, job.district, job.area) == ("杭州·余杭区·仓前", "杭州", "余杭区", "仓前")
    assert (job.salary_text, job.experience_text, job.education_text) == ("15-25K·14薪", "3-5年", "本科")
    assert (job.employment, job.employment_text, job.skills, job.welfare) == (Employment.FULL_TIME, "", ["Python", "Linux"], ["五险一金"])
    assert job.handle == {"securityId": "made-security-1~", "lid": "madeupabcde.search.1"}
    assert job.description is None
    assert job.recruiter is None


def test_search_item_of_the_web_is_mapped_with_its_brand(boss, made):
    reading = read(boss, made, made.boss_page([made.boss_web_item()], key="jobList", totalCount=300))
    (job,), (company,) = reading.jobs, reading.companies

    assert (job.district, job.area, job.city_code, job.longitude, job.updated_text) == (
        "余杭区",
        "仓前",
        "101210100",
        120.1,
        "1687156484000",
    )
    assert (job.welfare, job.industry, job.company_id, reading.total) == (["五险一金"], "互联网", "madeupbrand1~", 300)
    assert (company.company_id, company.size_text, company.stage, company.complete) == ("madeupbrand1~", "100-499人", "A轮", False)


@pytest.mark.parametrize(("job_type", "expected"), [(0, "full_time"), (4, "intern"), (5, "campus"), (6, "part_time"), (99, None)])
def test_job_type_is_read_as_employment(boss, made, job_type, expected):
    (job,) = read(boss, made, made.boss_page([made.boss_item(jobType=job_type)])).jobs

    assert job.employment == expected


def test_intern_labels_become_the_employment_text(boss, made):
    (job,) = read(boss, made, made.boss_page([made.boss_item(jobLabels=["4天/周", "3个月", "本科"])])).jobs

    assert (job.employment, job.employment_text) == (Employment.INTERN, "4天/周 3个月")


def test_personal_data_is_dropped_unless_it_is_wanted(made):
    for wanted in (False, True):
        boss = made.platform("boss", PERSONAL_DATA_ENABLED=wanted)
        (job,) = read(boss, made, made.boss_page([made.boss_item()])).jobs
        (detail,) = read(boss, made, made.boss_detail(), CallKind.DETAIL).jobs
        assert b"boss" not in orjson.dumps([job.raw, detail.raw])
        if wanted:
            assert job.recruiter["bossName"] == detail.recruiter["name"] == "王造"
        else:
            assert job.recruiter is detail.recruiter is None


@pytest.mark.parametrize(
    ("code", "message", "verdict"),
    [
        (7, "当前登录状态已失效", Verdict.TOKEN_INVALID),
        ("7", "当前登录状态已失效", Verdict.TOKEN_INVALID),
        (9, "操作太快", Verdict.RATE_LIMITED),
        (24, "请切换身份后再试", Verdict.TOKEN_INVALID),
        (31, "", Verdict.CHALLENGE),
        (35, "您的IP地址存在异常行为.", Verdict.IP_BANNED),
        (36, "您的账户存在异常行为.", Verdict.ACCOUNT_BANNED),
        (37, "您的访问行为异常.", Verdict.CHALLENGE),
        (37, "您的环境存在异常.", Verdict.CHALLENGE),
        (1001, "您的账户存在异常行为，已暂时被禁止使用", Verdict.ACCOUNT_BANNED),
        (1002, "操作过于频繁", Verdict.RATE_LIMITED),
        (1003, "请完成验证", Verdict.CHALLENGE),
        (1004, "该职位已关闭", Verdict.NOT_FOUND),
        (1005, "职位不存在", Verdict.NOT_FOUND),
        (1006, "未知错误", Verdict.SERVER_ERROR),
        (None, "Success", Verdict.SCHEMA_CHANGED),
        (True, "Success", Verdict.SCHEMA_CHANGED),
    ],
)
def test_envelope_code_gives_the_verdict_with_its_words(boss, made, code, message, verdict):
    for kind in CallKind:
        reading = read(boss, made, {"code": code, "message": message, "zpData": {}}, kind)
        assert reading.verdict is verdict
        assert reading.reason
        assert message in reading.reason or verdict is Verdict.SCHEMA_CHANGED
        assert not (reading.jobs)
        assert not (reading.companies)
        assert not (reading.has_more)


def test_forbidden_status_with_a_code_in_the_body_speaks_by_its_code(boss, made):
    assert read(boss, made, {"code": 35, "message": "您的IP地址存在异常行为."}, status=403).verdict is Verdict.IP_BANNED


def test_good_envelope_under_an_error_status_is_not_read(boss, made):
    assert read(boss, made, made.boss_page([made.boss_item()]), status=502).verdict is Verdict.SERVER_ERROR


@pytest.mark.parametrize(
    ("document", "verdict"),
    [
        ({"hasMore": False, "list": []}, Verdict.EMPTY),
        ({"hasMore": True, "list": []}, Verdict.SOFT_BAN),
        ({"hasMore": True}, Verdict.SCHEMA_CHANGED),
        ({"hasMore": True, "list": {}}, Verdict.SCHEMA_CHANGED),
        ({"list": []}, Verdict.SCHEMA_CHANGED),
        ([], Verdict.SCHEMA_CHANGED),
        (None, Verdict.SCHEMA_CHANGED),
        ("<html>安全验证</html>", Verdict.CHALLENGE),
    ],
)
def test_search_data_of_another_shape_is_told_from_an_empty_search(boss, made, document, verdict):
    assert read(boss, made, {"code": 0, "message": "Success", "zpData": document}).verdict is verdict


def test_empty_list_on_a_later_page_is_the_end(boss, made):
    assert boss.read(boss.search(QUERY), made.answer(made.boss_page([]))).verdict is Verdict.EMPTY


def test_page_without_any_salary_is_a_soft_ban(boss, made):
    assert read(boss, made, made.boss_page([made.boss_item(n, salaryDesc="") for n in range(6)])).verdict is Verdict.SOFT_BAN
    assert len(read(boss, made, made.boss_page([made.boss_item(n, salaryDesc="" if n else "5K") for n in range(6)])).jobs) == 6


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"encryptJobId": None}, "encryptJobId:missing"),
        ({"encryptJobId": ""}, "encryptJobId:missing"),
        ({"encryptJobId": 5}, "encryptJobId:type"),
        ({"jobName": ["x"]}, "jobName:type"),
        ({"salaryDesc": {"low": 1}}, "salaryDesc:type"),
        ({"salaryDesc": None}, "salaryDesc:missing"),
        ({"skills": "Python"}, "skills:type"),
        ({"welfares": [1]}, "welfares:type"),
        ({"jobType": "0"}, "jobType:type"),
    ],
)
def test_broken_item_is_refused_by_name_and_the_rest_is_kept(boss, made, broken, reason):
    items = [made.boss_item(n) for n in range(9)] + [{**made.boss_item(9), **broken}]
    reading = read(boss, made, made.boss_page(items))

    assert reading.verdict is Verdict.OK
    assert [reject.reason for reject in reading.rejects] == [reason]
    assert len(reading.jobs) == 9
    assert "low" not in reading.rejects[0].value


def test_more_refused_items_than_the_share_empties_the_page(boss, made):
    items = [made.boss_web_item(n) for n in range(7)] + [made.boss_item(n, salaryDesc=7) for n in range(2)] + ["x"]
    reading = read(boss, made, made.boss_page(items))

    assert reading.verdict is Verdict.SCHEMA_CHANGED
    assert not (reading.jobs)
    assert not (reading.companies)
    assert len(reading.rejects) == 3
    assert "salaryDesc:type" in reading.reason
    assert boss.next_queries(QUERY, reading) == []


def test_next_queries_follow_has_more_to_the_deepest_page(made):
    boss = made.platform("boss", BOSS_MAX_PAGES=3)
    pages = {page: boss.search(SearchQuery("x", "1", page=page)) for page in (1, 2, 3)}
    more, end = made.boss_page([made.boss_item()]), made.boss_page([made.boss_item()], has_more=False)

    assert [query.page for query in boss.next_queries(pages[1].query, boss.read(pages[1], made.answer(more)))] == [2]
    assert boss.next_queries(pages[2].query, boss.read(pages[2], made.answer(end))) == []
    last = boss.read(pages[3], made.answer(more))
    assert (boss.next_queries(pages[3].query, last), last.capped) == ([], True)


# -- details and batches ----------------------------------------------------------------------------------------------


def test_detail_fills_what_the_list_lacks(boss, made):
    (listed_job,) = listed(boss, made, 1)
    listed_job.job_id = "made0up00011nx73di4GVBT~"
    reading = read(boss, made, made.boss_detail(), CallKind.DETAIL)
    job = merged(listed_job, reading.jobs[0])

    assert (job.description, job.address, job.city_code) == ("写测试\n读代码", "杭州余杭区某路 1 号", "101210100")
    assert (job.company_id, job.industry, job.longitude) == ("madeupbrand1~", "互联网", 120.05)
    assert job.handle["securityId"]
    (company,) = reading.companies
    assert (company.full_name, company.capital_text, company.founded_text, company.status) == (
        "杭州造物科技有限公司",
        "100万人民币",
        "2016-05-04",
        "存续",
    )
    assert (company.introduction, company.complete) == ("我们造物。", True)
    assert "legalPerson" not in company.raw


def test_detail_in_the_webs_names_is_read_too(boss, made):
    info = {
        "encryptId": "madeweb1",
        "jobName": "测试",
        "salaryDesc": "9K",
        "experienceName": "",
        "degreeName": "",
        "postDescription": "做事<br/>做人",
    }
    document = {"code": 0, "zpData": {"jobInfo": info, "bossInfo": {"name": "王造"}, "brandComInfo": {"brandName": "造物"}}}
    reading = read(boss, made, document, CallKind.DETAIL)

    assert (reading.jobs[0].description, reading.companies) == ("做事\n做人", [])


def test_deleted_posting_is_not_found(boss, made):
    assert read(boss, made, made.boss_detail(deleted=1), CallKind.DETAIL).verdict is Verdict.NOT_FOUND


def test_detail_without_its_posting_is_a_changed_schema(boss, made):
    document = {"code": 0, "zpData": {"jobBaseInfoVO": None}}
    assert read(boss, made, document, CallKind.DETAIL).verdict is Verdict.SCHEMA_CHANGED
    assert read(boss, made, made.boss_detail(jobDesc=None), CallKind.DETAIL).verdict is Verdict.SCHEMA_CHANGED


def test_brand_without_introduction_stays_incomplete(boss, made):
    reading = read(boss, made, made.boss_detail(brand=made.boss_brand(introduce="", brandIntroduce="")), CallKind.DETAIL)

    assert [company.complete for company in reading.companies] == [False]


def test_detail_calls_batch_by_size_and_leave_out_whole_postings(made):
    boss = made.platform("boss", BOSS_BATCH_SIZE=3)
    jobs = listed(boss, made, 9)
    jobs[0].description = "whole"
    jobs[1].handle.clear()
    calls = boss.detail_calls(jobs)

    assert [(call.kind, len(call.jobs)) for call in calls] == [("batch", 3), ("batch", 3), ("detail", 1)]
    given = dict(parse_qsl(urlsplit(calls[0].url).query))
    feed = orjson.loads(given["batch_method_feed"])
    assert feed[0] == (
        "method=/wapi/zpgeek/miniapp/job/detail.json&securityId=made-security-2~&jobId=made0up00021nx73di4GVBT~&lid=madeupabcde.search.2&source=11&scene="
    )
    single = dict(parse_qsl(urlsplit(calls[2].url).query))
    assert single["securityId"] == "made-security-8~"


def batch_of(boss, made, inner, jobs=3):
    (call,) = made.platform("boss", BOSS_BATCH_SIZE=20).detail_calls(listed(boss, made, jobs))
    return call, made.answer({"code": 0, "message": "Success", "zpData": inner})


@pytest.mark.parametrize("form", ["path_and_query", "number", "list", "text"])
def test_batch_is_matched_to_its_postings_however_it_is_keyed(boss, made, form):
    details = [made.boss_detail(n) for n in range(3)]
    keyed = {
        "path_and_query": {f"/job/detail.json?securityId=made-security-{n}~": detail for n, detail in enumerate(details)},
        "number": {str(n): detail for n, detail in enumerate(details)},
        "list": {"/job/detail.json": details},
        "text": {str(n): orjson.dumps(detail).decode() for n, detail in enumerate(details)},
    }[form]
    reading = boss.read(*batch_of(boss, made, keyed))

    assert reading.verdict is Verdict.OK
    assert len(reading.jobs) == 3
    assert (reading.missing, reading.inner, len(reading.companies)) == ([], [], 1)


def test_batch_with_bad_parts_keeps_the_good_and_names_the_missing(boss, made):
    inner = {
        "/d?securityId=made-security-0~": made.boss_detail(0),
        "/d?securityId=made-security-1~": {"code": 37, "message": "您的环境存在异常."},
    }
    reading = boss.read(*batch_of(boss, made, inner))

    assert reading.verdict is Verdict.OK
    assert [job.job_id for job in reading.missing] == ["made0up00011nx73di4GVBT~", "made0up00021nx73di4GVBT~"]
    assert reading.inner == [(Verdict.CHALLENGE, "code 37: 您的环境存在异常.")]


def test_batch_part_that_is_gone_is_answered_and_not_missing(boss, made):
    inner = {
        "a": made.boss_detail(0),
        "/d?jobId=made0up00011nx73di4GVBT~": {"code": 1004, "message": "该职位已关闭"},
        "c": made.boss_detail(2),
    }
    reading = boss.read(*batch_of(boss, made, inner))

    assert (reading.missing, reading.inner[0][0]) == ([], Verdict.NOT_FOUND)


def test_batch_without_any_good_part_has_its_worst_verdict(boss, made):
    inner = {"a": {"code": 9, "message": ""}, "b": {"code": 36, "message": "您的账户存在异常行为."}, "c": 5}
    reading = boss.read(*batch_of(boss, made, inner))

    assert (reading.verdict, reading.reason) == (Verdict.ACCOUNT_BANNED, "code 36: 您的账户存在异常行为.")
    assert len(reading.missing) == 3


def test_batch_that_is_blank_or_broken_is_a_changed_schema(boss, made):
    assert boss.read(*batch_of(boss, made, {})).verdict is Verdict.SCHEMA_CHANGED
    assert boss.read(*batch_of(boss, made, 7)).verdict is Verdict.SCHEMA_CHANGED
    assert boss.read(*batch_of(boss, made, {str(n): made.boss_detail(n, jobDesc=7) for n in range(3)})).verdict is Verdict.SCHEMA_CHANGED


# -- brands -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrapped", [True, False])
def test_brand_page_is_read_flat_or_wrapped(boss, made, wrapped):
    call = boss.company_call("madeupbrand1~")
    data = {"brandComInfoVO": made.boss_brand()} if wrapped else made.boss_brand(encryptBrandId=None)
    reading = boss.read(call, made.answer({"code": 0, "zpData": data}))

    assert call.url == "https://www.zhipin.com/wapi/zpgeek/miniapp/brand/detail.json?brandId=madeupbrand1~&appId=10002"
    assert [(c.company_id, c.name, c.complete) for c in reading.companies] == [("madeupbrand1~", "造物科技", True)]


def test_brand_page_that_is_blank_is_not_found(boss, made):
    assert boss.read(boss.company_call("x"), made.answer({"code": 0, "zpData": {}})).verdict is Verdict.NOT_FOUND
    assert boss.read(boss.company_call("x"), made.answer({"code": 0, "zpData": {"logo": "l"}})).verdict is Verdict.SCHEMA_CHANGED
