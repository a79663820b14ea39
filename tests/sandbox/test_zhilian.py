"""The fake Zhilian: both shapes, page-request ids, logins, ad cards, the end of paging."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

ITEM_KEYS = {
    "number", "jobId", "companyId", "companyRootId", "name", "salary60", "salaryReal", "salaryCount", "salaryType", "workCity",
    "cityDistrict",
    "streetName", "tradingArea", "cityId", "streetId", "education", "workingExp", "workType", "workTypeCode", "companyName",
    "companyNumber",
    "rootCompanyNumber", "companySize", "companyUrl", "companyLogo", "property", "propertyName", "propertyCode", "industryName",
    "financingStage", "publishTime", "firstPublishTime", "jobSummary", "recruitNumber", "skillLabel", "jobSkillTags", "showSkillTags",
    "welfareLabel", "welfareTagList", "needMajor", "positionHighlight", "subJobTypeLevel", "subJobTypeLevelName", "staffCard", "matchInfo",
    "recallSign", "liveCard", "chatWindow", "applyType", "cardCustomJson", "uuid",
}  # fmt: skip
OLD_KEYS = {
    "number", "jobName", "salary", "workingExp", "eduLevel", "company", "city", "jobType", "geo", "emplType", "recruitCount", "welfare",
    "positionURL", "updateDate", "createDate", "endDate", "timeState", "feedbackRation", "score", "vipLevel", "tags",
}  # fmt: skip
STAFF_KEYS = {"id", "staffName", "hrJob", "avatar", "hrOnlineState", "hrStateInfo", "lastOnlineTime"}
RIGHT_LOGIN = {"at": "d" * 32, "rt": "e" * 32}


def walk(visitor, **asked):
    """Every list element of a search up to isEndPage."""
    elements, page = [], 1
    while True:
        data = visitor.zhilian_search(page=page, **asked)["data"]
        elements += data["list"]
        if data["isEndPage"]:
            return elements
        page += 1


def test_search_right_ids_give_documented_shape(visit):
    body = visit(zhilian={"ad_share": 0.0}).zhilian_search("开发")
    assert (body["code"], body["apiCode"]) == (200, 200)
    assert {name: body["data"][name] for name in ("count", "isEndPage", "isVerification", "statusCode")} == {
        "count": 100, "isEndPage": 0, "isVerification": 0, "statusCode": 200,
    }  # fmt: skip
    assert len(body["data"]["list"]) == 20
    for item in body["data"]["list"]:
        assert item.keys() >= ITEM_KEYS
        assert ("positionURL" in item) != ("positionUrl" in item)
        assert item["staffCard"].keys() == STAFF_KEYS
        assert json.loads(item["cardCustomJson"])["salary60"] == item["salary60"]


def test_search_most_items_hold_the_whole_description_and_some_do_not(visit):
    items = [item for item in walk(visit(), size=100) if "number" in item]
    whole = [item for item in items if "jobDetailData" in item]
    assert 0.6 < len(whole) / len(items) < 0.95
    position = whole[0]["jobDetailData"]["position"]
    assert position["base"]["positionNumber"] == whole[0]["number"]
    assert "岗位职责" in position["desc"]["description"]


def test_search_walk_to_end_page_meets_every_job_once_and_ad_cards(visit):
    visitor = visit()
    elements = walk(visitor)
    numbers = [element["number"] for element in elements if "number" in element]
    ads = [element for element in elements if "number" not in element]
    assert sorted(numbers) == sorted(entry.job_id for entry in visitor.world.platforms["zhilian"].shelf.entries)
    assert ads
    assert all("adResponse" in ad and "name" not in ad for ad in ads)


def test_search_page_size_up_to_100(visit):
    visitor = visit(zhilian={"ad_share": 0.0})
    assert [len(visitor.zhilian_search(size=size)["data"]["list"]) for size in (7, 100, 500)] == [7, 100, 100]


def test_search_without_results_differs_from_the_soft_blocks(visit):
    visitor = visit()
    data = visitor.zhilian_search("没有这样的职位")["data"]
    assert (data["count"], data["isEndPage"], data["list"]) == (0, 1, [])
    assert visitor.last.verdict == "empty"


@pytest.mark.parametrize("country", ["0", "489", ""])
def test_search_whole_country_codes_find_everything(visit, country):
    visitor = visit()
    assert len([e for e in walk(visitor, city=country, size=100) if "number" in e]) == 400


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"params": {"x-zp-page-request-id": None}}, "page_request_id_form"),
        ({"params": {"x-zp-page-request-id": f"{'f' * 32}-1799999699999-1"}}, "page_request_id_stale"),
        ({"params": {"_v": "0.1"}}, "v_form"),
        ({"params": {"x-zp-client-id": "me"}}, "client_id_form"),
        ({"params": {"platform": None}}, "platform_or_version"),
        ({"headers": {"x-zp-platform": "12"}}, "header_platform"),
        ({"body": {"actionid": "other"}}, "action_id_form"),
    ],
)
def test_search_wrong_ids_give_the_soft_block(visit, changed, cause):
    visitor = visit()
    assert visitor.zhilian_search(**changed) == {"code": 200, "apiCode": 200, "data": {"count": 0, "list": []}}
    assert (visitor.last.cause, visitor.last.verdict) == (cause, "soft_ban")


def test_search_reused_action_id_gives_the_soft_block(visit):
    visitor = visit()
    same = "99999999-2222-3333-4444-555555555555"
    answers = [visitor.zhilian_search(headers={"x-zp-action-id": same}, body={"actionid": same}) for _ in range(2)]
    assert bool(answers[0]["data"]["list"])
    assert answers[1]["data"]["list"] == []
    assert visitor.last.cause == "action_id_reused"


@pytest.mark.parametrize(
    ("params", "body", "code", "cause"),
    [
        (RIGHT_LOGIN, {}, 200, ""),
        (RIGHT_LOGIN, RIGHT_LOGIN, 200, ""),
        ({}, {}, 210, "at_missing"),
        ({"at": "d" * 32}, {}, 210, "rt_missing"),
        ({"at": "0" * 32, "rt": "e" * 32}, {}, 210, "at_wrong"),
        (RIGHT_LOGIN, {"rt": "0"}, 210, "rt_wrong"),
    ],
)
def test_search_login_demanded(visit, params, body, code, cause):
    visitor = visit(zhilian={"login": True})
    assert visitor.zhilian_search(params=params, body=body)["code"] == code
    assert visitor.last.cause == cause


def test_search_experience_filters_share_out_every_posting(visit):
    visitor = visit()
    codes = ("-1", "0000", "0001", "0103", "0305", "0510", "1099")
    found = [walk(visitor, size=100, body={"S_SOU_WORK_EXPERIENCE": code}) for code in codes[1:]]
    for code, elements in zip(codes[1:], found, strict=True):
        assert {e["workingExp"] for e in elements if "number" in e} <= {
            {"0000": "无经验", "0001": "1年以下", "0103": "1-3年", "0305": "3-5年", "0510": "5-10年", "1099": "10年以上"}[code]
        }


def test_old_search_gives_the_2018_shape_of_the_same_jobs(visit):
    visitor = visit()
    query = urlencode({"start": 0, "pageSize": 60, "cityId": "489", "kw": "开发", "kt": 3, "workExperience": -1, "education": -1})
    data = visitor.ask("GET", "/c/i/sou", query, {})["data"]
    assert data["numFound"] == data["numTotal"] >= len(data["results"])
    assert all(item.keys() >= OLD_KEYS for item in data["results"])
    numbers = [e["number"] for e in walk(visitor, text="开发") if "number" in e]
    assert [item["number"] for item in data["results"]] == numbers[:60]
    second = visitor.ask("GET", "/c/i/sou", query.replace("start=0", "start=60"), {})["data"]["results"]
    assert [item["number"] for item in second] == numbers[60:120]


def test_detail_known_and_unknown(visit):
    visitor = visit()
    item = next(e for e in walk(visitor) if "number" in e and "jobDetailData" not in e)
    data = visitor.ask("GET", "/c/i/jobs/position-detailv2", f"number={item['number']}", {})["data"]
    assert data["detailedPosition"]["number"] == item["number"]
    assert "<div>岗位职责" in data["detailedPosition"]["jobDesc"]
    assert data["detailedCompany"]["companyNumber"] == item["companyNumber"]
    assert visitor.ask("GET", "/c/i/jobs/position-detailv2", "number=CC1", {})["data"]["detailedPosition"] is None
    assert visitor.last.verdict == "not_found"
