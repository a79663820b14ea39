"""The fake 51job: three doors, HMAC, trails, the cap, repeats, ads, filters that share out every posting."""

from __future__ import annotations

import json

import pytest

ITEM_KEYS = {
    "property", "jobId", "jobType", "jobName", "jobTags", "jobNumString", "workAreaCode", "jobAreaCode", "jobAreaString",
    "hrefAreaPinYin", "jobAreaLevelDetail", "provideSalaryString", "issueDateString", "confirmDateString", "workYear", "workYearString",
    "degreeString", "industryType1", "industryType2", "industryType1Str", "industryType2Str", "funcType1Code", "funcType2Code",
    "major1Str", "major2Str", "encCoId", "companyName", "fullCompanyName", "companyLogo", "companyTypeString", "companySizeString",
    "companySizeCode", "companyIndustryType1Str", "companyIndustryType2Str", "hrUid", "hrName", "smallHrLogoUrl", "hrPosition",
    "hrMedalTitle", "hrMedalLevel", "showHrMedalTitle", "hrIsOnline", "isOnline", "hrLabels", "updateDateTime", "lon", "lat",
    "isCommunicate", "isFromXyx", "isIntern", "isModelEmployer", "isQuickFeedback", "isAd", "adId", "isPromotion", "isApply", "isExpire",
    "jobHref", "jobDescribe", "companyHref", "allowChatOnline", "ctmId", "term", "termStr", "landmarkId", "landmarkString",
    "retrieverName", "exrInfo02", "hrInfoType", "isRemoteWork", "contactAllowed", "contactDay", "contactTime", "hasHrMobile",
    "jobTagsForOrder", "isAllowChat", "sesameLabelList", "jobWelfareCodeDataList", "jobSalaryMax", "jobSalaryMin", "jobScheme", "coId",
    "hrActiveStatusGreen",
}  # fmt: skip
OPTIONAL = {
    "isAd", "adId", "hrActiveStatusGreen", "hrLabels", "sesameLabelList", "companyIndustryType1Str", "companyIndustryType2Str",
    "jobAreaLevelDetail", "hrUid", "hrName", "smallHrLogoUrl", "hrPosition", "hrMedalTitle", "hrMedalLevel", "showHrMedalTitle",
    "hrIsOnline",
    "isOnline", "hasHrMobile",
}  # fmt: skip


def walk(visitor, **asked):
    """Every item of a search, page after page, in order; and the totalCount of the first page."""
    first = visitor.qcwy_open(**asked)["resultbody"]["job"]
    items, page = list(first["items"]), 2
    while len(items) < first["totalCount"]:
        items += visitor.qcwy_open(page=page, **asked)["resultbody"]["job"]["items"]
        page += 1
    return items, first["totalCount"]


def test_search_open_door_gives_documented_envelope_and_83_keys(visit):
    body = visit().qcwy_open()
    assert (body["status"], body["message"]) == ("1", "成功")
    job = body["resultbody"]["job"]
    assert job["totalCount"] == job["totalcount"]
    assert job["requestId"] == body["resultbody"]["requestId"]
    assert len(ITEM_KEYS) == 83
    for item in job["items"]:
        assert ITEM_KEYS - OPTIONAL <= set(item) <= ITEM_KEYS
        assert (item["jobTags"][0], item["jobTagsForOrder"]) == (item["workYearString"], item["jobTags"])


def test_search_every_optional_key_occurs_and_is_missing_somewhere(visit):
    items, _ = walk(visit(), size=100)
    keys = [set(item) for item in items]
    assert set.union(*keys) >= ITEM_KEYS - {"isAd", "adId"}
    assert any("hrName" not in held for held in keys)
    assert any("hrLabels" not in held for held in keys)


def test_search_tracking_follows_the_request(visit):
    visitor = visit()
    job = visitor.qcwy_open('开发"\\')["resultbody"]["job"]
    assert job["items"] == []
    job = visitor.qcwy_open("工程师", page=2)["resultbody"]["job"]
    for rank, item in enumerate(job["items"], 20):
        trail = json.loads(item["property"])
        assert (trail["jobRank"], trail["pageNum"], trail["keyword"]) == (str(rank), "2", "工程师")
        assert trail["requestId"] == job["requestId"]
        assert item["jobHref"].endswith(job["requestId"])
        assert "%E5%B7%A5%E7%A8%8B%E5%B8%88" in item["jobScheme"]
    assert json.loads(job["items"][0]["exrInfo02"])["retrieverName"]


def test_search_keyword_with_quotes_keeps_json_whole(visit):
    visitor = visit()
    entry = visitor.world.platforms["qcwy"].shelf.entries[0]
    visitor.world.platforms["qcwy"].shelf._terms['"x\\'] = frozenset({entry.index})
    (item,) = visitor.qcwy_open('"x\\')["resultbody"]["job"]["items"]
    assert json.loads(item["property"])["keyword"] == '"x\\'


def test_search_request_id_is_fresh_on_page_one_and_kept_on_later_pages(visit):
    visitor = visit()
    one, two = (visitor.qcwy_open()["resultbody"]["requestId"] for _ in range(2))
    assert one != two
    assert visitor.qcwy_open(page=2, requestId=one)["resultbody"]["requestId"] == one


def test_signed_door_right_signature_gives_data(visit):
    assert visit().qcwy_signed()["resultbody"]["job"]["items"]


@pytest.mark.parametrize(
    ("asked", "cause"),
    [
        ({"key": "f" * 64}, "sign_wrong"),
        ({"headers": {}}, "sign_missing"),
        ({"headers": {"sign": "签"}}, "sign_wrong"),
        ({"stamp": 1_799_999_699}, "sign_stale"),
        ({"stamp": 1_800_000_301}, "sign_stale"),
        ({"stamp": 1_800_000_000_000}, "sign_stale"),
        ({"sent": "timestamp=1800000000&api_key=51job&keyword=%E5%BC%80%E5%8F%91&jobArea=000000&pageNum=1"}, "sign_wrong"),
    ],
)
def test_signed_door_faulty_signature_is_refused(visit, asked, cause):
    visitor = visit()
    assert visitor.qcwy_signed(**asked) == {"status": 0, "message": "请完成验证"}
    assert visitor.last.cause == cause


def test_post_door_signed_body_gives_the_same_jobs(visit):
    visitor = visit()
    body = json.dumps({"keyword": "开发", "jobArea": "020000", "pageNum": 1, "pageSize": 20}, separators=(",", ":")).encode()
    posted = visitor.qcwy_posted(body)["resultbody"]["job"]
    opened = visitor.qcwy_open("开发", "020000")["resultbody"]["job"]
    assert [item["jobId"] for item in posted["items"]] == [item["jobId"] for item in opened["items"]] != []


@pytest.mark.parametrize(
    ("body", "signed", "domain", "cause"),
    [
        (b'{"keyword":"x"}', b"", "51job_weixin_wxapp", "sign_wrong"),
        (b'{"keyword":"x"}', None, "51job_web", "header_from_domain"),
        (b'{"keyword": "x"}', None, "51job_weixin_wxapp", "body_not_compact_json"),
        (b"[]", None, "51job_weixin_wxapp", "body_not_compact_json"),
    ],
)
def test_post_door_faulty_request_is_refused(visit, body, signed, domain, cause):
    visitor = visit()
    assert visitor.qcwy_posted(body, signed, domain)["status"] == 0
    assert visitor.last.cause == cause


def test_waf_after_limit_shows_slider_then_recovers(visit):
    visitor = visit(qcwy={"waf_after": 2, "waf_seconds": 70.0})
    assert [isinstance(visitor.qcwy_open(), dict) for _ in range(4)] == [True, True, False, False]
    assert 15_500 < len(visitor.last.body) < 16_500
    for marker in ("滑动验证页面", "访问验证", "nocaptcha", "TraceID: ", "requestInfo", "_waf_is_mobile", "awsc.js"):
        assert marker.encode() in visitor.last.body
    visitor.now += 71
    assert visitor.qcwy_open()["status"] == "1"
    visitor.ip = "127.0.0.2"
    assert visitor.qcwy_open()["status"] == "1"


def test_cap_hides_what_lies_beyond_and_counts_no_further(visit):
    visitor = visit(qcwy={"cap": 50})
    items, total = walk(visitor)
    assert (total, len(items)) == (50, 50)
    assert visitor.qcwy_open(page=4)["resultbody"]["job"]["items"] == []


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("workYear", ["01", "02", "03", "04", "05", "06", "07"]),
        ("degree", ["01", "02", "03", "04", "05", "06", "07", "08"]),
        ("companySize", ["01", "02", "03", "04", "05", "06", "07", "08"]),
    ],
)
def test_filters_share_out_every_posting_once(visit, name, codes):
    visitor = visit(qcwy={"repeat_share": 0.0})
    shares = [[item["jobId"] for item in walk(visitor, size=100, **{name: code})[0]] for code in codes]
    everything = [item["jobId"] for item in walk(visitor, size=100)[0]]
    assert sorted(job for share in shares for job in share) == sorted(everything)
    joined, _ = walk(visitor, size=100, **{name: ",".join(codes[:2])})
    assert len(joined) == len(shares[0]) + len(shares[1])


def test_area_codes_hold_their_districts(visit):
    visitor = visit()
    guangzhou, _ = walk(visitor, area="030200", size=100)
    assert guangzhou
    assert all(item["jobAreaString"].startswith("广州") for item in guangzhou)
    both, _ = walk(visitor, area="030200,040000", size=100)
    assert len(both) > len(guangzhou)
    assert [item["jobId"] for item in walk(visitor, area="广州", size=100)[0]] == [item["jobId"] for item in guangzhou]


def test_repeats_come_again_on_a_later_page_and_lose_nothing(visit):
    visitor = visit(qcwy={"repeat_share": 1.0})
    items, total = walk(visitor)
    jobs = [item["jobId"] for item in items]
    repeated = len(jobs) - len(set(jobs))
    assert repeated in (1, 2)
    assert total == len(jobs)
    assert len(set(jobs)) == len(visitor.world.platforms["qcwy"].shelf.entries)
    again = next(job for job in jobs if jobs.count(job) == 2)
    assert jobs.index(again) // 20 != (len(jobs) - 1 - jobs[::-1].index(again)) // 20


def test_salary_text_agrees_with_its_numbers(visit):
    items, _ = walk(visit(), size=100)
    for item in items:
        yearly = item["provideSalaryString"].endswith(("/年", "/天", "")) and not item["jobSalaryMax"]
        assert bool(item["jobSalaryMax"]) != yearly
        if item["jobSalaryMin"]:
            assert 0 <= int(item["jobSalaryMin"]) <= int(item["jobSalaryMax"])
