"""Personal data leaves an item at any depth, from strings that hold JSON too."""

from __future__ import annotations

import orjson
import pytest

from jobspiders.platforms.privacy import is_personal, strip_personal


@pytest.mark.parametrize(
    "key",
    [
        "bossName",
        "bossTitle",
        "bossAvatar",
        "encryptBossId",
        "bossId",
        "bossBaseInfoVO",
        "tinyAvatar",
        "legalPerson",
        "legalPersonName",
        "hrUid",
        "hrName",
        "smallHrLogoUrl",
        "hrPosition",
        "hrLabels",
        "hasHrMobile",
        "staffCard",
        "staffName",
        "avatar",
        "hrJob",
        "contactPhone",
        "linkMan",
        "contactName",
        "phone",
        "mobile",
        "companyPhone",
        "email",
        "userEmail",
        "wechat",
        "geekId",
        "expectId",
        "resumeNumber",
    ],
)
def test_key_of_a_person_is_personal(key):
    assert is_personal(key)


@pytest.mark.parametrize(
    "key",
    [
        "brandName",
        "hrefAreaPinYin",
        "contact",
        "contactAllowed",
        "contactDay",
        "company",
        "companyName",
        "embossed",
        "jobHref",
        "threshold",
        "chatWindow",
        "isFromXyx",
        "tel_area",
        "hotel",
        "title",
        "name",
    ],
)
def test_key_of_a_posting_is_not_personal(key):
    assert not is_personal(key)


def test_strip_personal_reaches_into_lists_objects_and_texts():
    inner = orjson.dumps({"hrName": "李造", "rank": 1, "deep": orjson.dumps({"staffName": "孙造"}).decode()}).decode()
    item = {
        "a": [{"bossName": "王造", "b": 1}, [{"avatar": "x"}], inner],
        "text": inner,
        "link": "app://x?p=%7B%22hrName%22%3A%22L%22%7D",
        "say": "[职位] 好",
    }
    kept = strip_personal(item, keep=True)

    assert "造" not in str(item)
    assert item["a"][0] == {"b": 1}
    assert orjson.loads(item["text"]) == {"rank": 1, "deep": "{}"}
    assert (item["link"], item["say"]) == ("", "[职位] 好")
    assert (kept["bossName"], kept["hrName"]) == ("王造", "李造")


def test_strip_personal_blanks_json_text_that_cannot_be_rewritten():
    item = {"text": '{"hrName":"李造"', "other": '{"rank":1'}
    strip_personal(item)

    assert item == {"text": "", "other": '{"rank":1'}


def test_strip_personal_cuts_off_what_is_nested_beyond_reason():
    item = {"a": 1}
    for _ in range(900):
        item = {"a": item, "bossName": "x"}
    strip_personal(item)

    assert "bossName" not in str(item)
