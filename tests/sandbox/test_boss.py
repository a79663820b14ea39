"""The fake Boss: shapes, headers, tokens, signature, security ids, batch, brand, end of paging."""

from __future__ import annotations

import json
import re
from urllib.parse import quote, urlencode

import pytest

LIST_KEYS = {
    "jobName", "encryptJobId", "securityId", "lid", "salaryDesc", "jobExperience", "jobDegree", "jobLabels", "highlightJobLabels", "skills",
    "cityName", "districtName", "businessName", "brandName", "brandLogo", "brandScale", "brandStage", "comName", "bossName", "bossTitle",
    "bossAvatar", "bossCert", "bossOnline", "activeMsg", "jobType", "performance", "jobValidStatus", "jobSource", "proxyJob", "distance",
    "sessionId", "replayRate", "iconUrl", "positionName", "commuteInfo", "optimalTag", "afterNameIcon", "afterNameIcons", "beforeNameIcons",
    "picVideoList", "welfares", "contact",
}  # fmt: skip
DETAIL_KEYS = {
    "pageType", "securityId", "bossBaseInfoVO", "jobBaseInfoVO", "brandComInfoVO", "relationInfoVO", "relatedJobInfo", "safeTipInfo",
    "workEnvironment", "bannerList", "commitment", "homeAddressInfo", "handicappedInfo", "highlightInfo", "atsOnlineApplicationInfo",
    "showGroupTip",
}  # fmt: skip


def test_search_right_headers_gives_documented_shape(visit):
    body = visit().boss_search("Java")
    assert (body["code"], body["message"]) == (0, "Success")
    assert set(body["zpData"]) == {"hasMore", "list"}
    item = body["zpData"]["list"][0]
    assert item.keys() >= LIST_KEYS
    assert "encryptBrandId" not in item
    assert len(item["encryptJobId"]) == 28
    assert 108 <= len(item["securityId"]) <= 152
    assert re.fullmatch(r"[0-9a-zA-Z]{11}\.search\.1", item["lid"])
    assert item["bossName"]


def test_search_same_page_twice_gives_other_security_ids_and_same_jobs(visit):
    visitor = visit()
    first, second = (visitor.boss_search("Java")["zpData"]["list"] for _ in range(2))
    assert [item["encryptJobId"] for item in first] == [item["encryptJobId"] for item in second]
    assert not {item["securityId"] for item in first} & {item["securityId"] for item in second}


def test_search_all_pages_ends_with_has_more_false_and_ranks_run_on(visit):
    visitor, ranks, jobs, page = visit(), [], [], 1
    while True:
        found = visitor.boss_search("工程师", page=page)["zpData"]
        ranks += [int(item["lid"].rpartition(".")[2]) for item in found["list"]]
        jobs += [item["encryptJobId"] for item in found["list"]]
        if not found["hasMore"]:
            break
        page += 1
    assert page > 2
    assert ranks == list(range(1, len(jobs) + 1))
    assert len(set(jobs)) == len(jobs)
    assert visitor.boss_search("工程师", page=page + 1)["zpData"] == {"hasMore": False, "list": []}


def test_search_without_results_is_an_empty_success(visit):
    visitor = visit()
    assert visitor.boss_search("没有这样的职位")["zpData"] == {"hasMore": False, "list": []}
    assert visitor.last.verdict == "empty"


@pytest.mark.parametrize(
    ("changed", "code", "cause"),
    [
        ({"mpt": None}, 7, "token_missing"),
        ({"mpt": "f" * 32}, 7, "token_unknown"),
        ({"zp_app_id": None}, 37, "header_app_id"),
        ({"zp_app_id": "1"}, 37, "header_app_id"),
        ({"traceid": None}, 37, "header_traceid"),
        ({"traceid": "F-XYZ"}, 37, "header_traceid"),
    ],
)
def test_search_wrong_headers_are_blocked(visit, changed, code, cause):
    visitor = visit()
    body = visitor.boss_search(headers=visitor.boss_headers(**changed))
    assert (body["code"], visitor.last.cause) == (code, cause)
    assert "list" not in (body.get("zpData") or {})


def test_search_older_app_id_header_is_accepted(visit):
    visitor = visit()
    assert visitor.boss_search(headers=visitor.boss_headers(zp_app_id=None, zpAppId="10002"))["code"] == 0


@pytest.mark.parametrize(
    ("switches", "key", "has_brand"), [({"list_key": "jobList"}, "jobList", False), ({"list_brand_id": True}, "list", True)]
)
def test_search_list_switches_change_the_answer(visit, switches, key, has_brand):
    item = visit(boss=switches).boss_search("Java")["zpData"][key][0]
    assert ("encryptBrandId" in item) == has_brand


def test_search_filters_partition_the_results(visit):
    visitor = visit()
    everything = {item["encryptJobId"] for page in range(1, 20) for item in visitor.boss_search(page=page, size=30)["zpData"]["list"]}
    parts: list[set[str]] = []
    for code in ("102", "101", "103", "104", "105", "106", "107", "108", ""):
        pages = (visitor.boss_search(page=page, size=30, experience=code)["zpData"]["list"] for page in range(1, 20))
        parts.append({item["encryptJobId"] for page in pages for item in page})
    assert parts[-1] == everything
    assert sum(map(len, parts[:-1])) <= len(everything)
    assert len(visitor.boss_search(experience="104,105")["zpData"]["list"]) == 15


# --- the optional signature


def test_signature_right_gives_data(visit):
    visitor = visit(boss={"sign": True})
    assert visitor.boss_search(headers=visitor.boss_signed())["code"] == 0


@pytest.mark.parametrize(
    ("secret", "changed", "cause"),
    [
        ("other", {}, "sign_wrong"),
        ("signing-secret", {"x-sign": "0" * 32}, "sign_wrong"),
        ("signing-secret", {"x-sign": ""}, "sign_missing"),
        ("signing-secret", {"x-sign": "签"}, "sign_wrong"),
        ("signing-secret", {"x-sign-time": "1799999939000"}, "sign_stale"),
        ("signing-secret", {"x-sign-time": "1800000061000"}, "sign_stale"),
        ("signing-secret", {"x-sign-time": "soon"}, "sign_stale"),
    ],
)
def test_signature_faulty_gives_code_37(visit, secret, changed, cause):
    visitor = visit(boss={"sign": True})
    body = visitor.boss_search(headers=visitor.boss_signed(secret, **changed))
    assert (body["code"], body["message"]) == (37, "您的访问行为异常.")
    assert set(body["zpData"]) == {"name", "seed", "ts"}
    assert visitor.last.cause == cause


def test_signature_replayed_gives_code_37(visit):
    visitor = visit(boss={"sign": True})
    headers = visitor.boss_signed()
    assert visitor.boss_search(headers=headers)["code"] == 0
    assert visitor.boss_search(headers=headers)["code"] == 37
    assert visitor.last.cause == "sign_replayed"


def test_signature_of_other_query_gives_code_37(visit):
    visitor = visit(boss={"sign": True})
    assert visitor.boss_search(page=2, headers=visitor.boss_signed())["code"] == 37


# --- detail, brand, batch


def test_detail_with_its_security_id_gives_documented_shape(visit):
    visitor = visit()
    item = visitor.boss_search("Java")["zpData"]["list"][0]
    data = visitor.boss_detail(item)["zpData"]
    assert set(data) == DETAIL_KEYS
    assert data["jobBaseInfoVO"]["encryptJobId"] == item["encryptJobId"]
    assert data["jobBaseInfoVO"]["positionName"] == item["jobName"]
    assert data["jobBaseInfoVO"]["jobDesc"]
    assert data["brandComInfoVO"]["encryptBrandId"]
    assert data["bossBaseInfoVO"]["name"] == item["bossName"]
    assert data["securityId"] != item["securityId"]


@pytest.mark.parametrize("forge", [lambda text: "", lambda text: "x" * 108, lambda text: text[:-2] + ("AB" if text[-2:] != "AB" else "CD")])
def test_detail_with_forged_security_id_is_refused(visit, forge):
    visitor = visit()
    item = visitor.boss_search("Java")["zpData"]["list"][0]
    assert visitor.boss_detail(item, securityId=forge(item["securityId"]))["code"] == 37


def test_detail_with_security_id_of_another_job_is_refused(visit):
    visitor = visit()
    first, second = visitor.boss_search("Java")["zpData"]["list"][:2]
    assert visitor.boss_detail(first, jobId=second["encryptJobId"])["code"] == 37
    assert visitor.last.cause == "security_id_of_other_job"


def test_brand_known_gives_company_facts_flat(visit):
    visitor = visit()
    brand = visitor.boss_detail(visitor.boss_search("Java")["zpData"]["list"][0])["zpData"]["brandComInfoVO"]
    path = "/wapi/zpgeek/miniapp/brand/detail.json"
    body = visitor.ask("GET", path, f"brandId={quote(brand['encryptBrandId'])}&appId=10002", visitor.boss_headers())
    assert body["zpData"] == brand
    assert visitor.ask("GET", path, "brandId=nobody", visitor.boss_headers())["zpData"] == {}
    assert visitor.last.verdict == "not_found"


def batch_feed(items):
    """The feed of details of `items`, as the mini-program writes it."""
    lines = [
        "method=/wapi/zpgeek/miniapp/job/detail.json&"
        + urlencode({"securityId": item["securityId"], "jobId": item["encryptJobId"], "lid": item["lid"], "source": "11", "scene": ""})
        for item in items
    ]
    return json.dumps(lines)


def ask_batch(visitor, items, method="GET"):
    form = urlencode({"batch_method_feed": batch_feed(items), "appId": "10002"})
    query, body = (form, b"") if method == "GET" else ("appId=10002", form.encode())
    return visitor.ask(method, "/wapi/batch/batchRunV3", query, visitor.boss_headers(), body)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_batch_path_query_keys_give_every_part(visit, method):
    visitor = visit()
    items = visitor.boss_search("Java")["zpData"]["list"][:3]
    body = ask_batch(visitor, items, method)
    assert body["code"] == 0
    feed = json.loads(batch_feed(items))
    assert list(body["zpData"]) == [line.removeprefix("method=").replace("&", "?", 1) for line in feed]
    got = [part["zpData"]["jobBaseInfoVO"]["encryptJobId"] for part in body["zpData"].values()]
    assert got == [item["encryptJobId"] for item in items]


def test_batch_path_keys_keep_the_last_part_only(visit):
    visitor = visit(boss={"batch_keys": "path"})
    items = visitor.boss_search("Java")["zpData"]["list"][:3]
    parts = ask_batch(visitor, items)["zpData"]
    assert list(parts) == ["/wapi/zpgeek/miniapp/job/detail.json"]
    (part,) = parts.values()
    assert part["zpData"]["jobBaseInfoVO"]["encryptJobId"] == items[-1]["encryptJobId"]


def test_batch_inner_errors_sit_in_a_good_envelope(visit):
    visitor = visit(boss={"inner_error_rate": 0.5, "inner_error": "account_banned"})
    body = ask_batch(visitor, visitor.boss_search("工程师", size=30)["zpData"]["list"])
    codes = [part["code"] for part in body["zpData"].values()]
    assert body["code"] == 0
    assert set(codes) == {0, 36}
    verdicts = visitor.world.platforms["boss"].book.report()["verdicts"]
    assert verdicts["inner:account_banned"] == codes.count(36)


def test_batch_part_with_forged_security_id_fails_alone(visit):
    visitor = visit()
    items = visitor.boss_search("Java")["zpData"]["list"][:2]
    items[0] = {**items[0], "securityId": "forged"}
    assert [part["code"] for part in ask_batch(visitor, items)["zpData"].values()] == [37, 0]


@pytest.mark.parametrize("feed", ["", "{}", '["detail"]', "[1]"])
def test_batch_malformed_feed_is_refused(visit, feed):
    visitor = visit()
    body = visitor.ask("GET", "/wapi/batch/batchRunV3", urlencode({"batch_method_feed": feed}), visitor.boss_headers())
    assert body["code"] == 1
