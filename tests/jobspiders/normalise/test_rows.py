"""Rows: every column filled, texts kept, problems noted, contacts gone, hash as the contract says."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobschema import Company, Education, Employment, Job, Kind, Period, Platform, columns
from jobschema.content import content_hash
from jobspiders.normalise import mask_contacts, normalise_company, normalise_job
from jobspiders.platforms.base import RawCompany, RawJob

FETCHED = datetime(2024, 3, 1, 2, 30, tzinfo=UTC)
JOB = RawJob(
    job_id="1001",
    title="后端工程师",
    url="https://jobs.example/1001",
    company_id="c-1",
    company_name="某某科技有限公司",
    place_text="深圳·南山区·科技园",
    city_code="040000",
    address="科苑路1号",
    longitude=113.95,
    latitude=22.54,
    salary_text="1.5-2万·15薪",
    experience_text="3-4年",
    education_text="本科",
    employment_text="全职",
    skills=["Java", "Spring"],
    welfare=["五险一金"],
    industry="互联网",
    description="职责：写代码\n要求：会写代码",
    recruits_text="招5人",
    published_text="2024-02-28 04:00:28",
    updated_text="昨天",
    raw={"jobId": "1001", "jobDescribe": "职责：写代码\n要求：会写代码"},
)
COMPANY = RawCompany(
    company_id="c-1",
    name="某某",
    full_name="某某科技有限公司",
    industry="互联网",
    size_text="100-499人",
    kind="民营",
    stage="A轮",
    address="浙江省杭州市余杭区某路1号",
    longitude=120.0,
    latitude=30.2,
    introduction="做软件的",
    capital_text="100万美元",
    founded_text="2016-05-04",
    status="存续",
    business_scope="软件开发",
    raw={"brandName": "某某"},
)


def job(raw: RawJob, **options: Any) -> Job:
    return normalise_job(raw, **{"platform": Platform.QCWY, "keyword": "Java", "crawled_at": FETCHED, **options})


def company(raw: RawCompany, **options: Any) -> Company:
    return normalise_company(raw, **{"platform": Platform.BOSS, "crawled_at": FETCHED, **options})


def test_normalise_job_whole_posting_fills_every_column() -> None:
    row = job(JOB)
    derived = {
        "platform": Platform.QCWY,
        "city": "深圳",
        "district": "南山区",
        "area": "科技园",
        "salary_low": 15000,
        "salary_high": 20000,
        "salary_period": Period.MONTH,
        "salary_months": 15,
        "month_low": 15000,
        "month_high": 20000,
        "year_low": 225000,
        "year_high": 300000,
        "negotiable": False,
        "experience_low": 3,
        "experience_high": 4,
        "education": Education.BACHELOR,
        "employment": Employment.FULL_TIME,
        "recruits": 5,
        "recruiter": None,
        "published_at": datetime(2024, 2, 27, 20, 0, 28, tzinfo=UTC),
        "updated_at": datetime(2024, 2, 28, 16, tzinfo=UTC),
        "problems": [],
        "keyword": "Java",
        "crawled_at": FETCHED,
        "raw": orjson.dumps(JOB.raw).decode(),
    }
    for field in fields(RawJob):  # every raw twin is there as it came
        if field.name not in {*derived, "handle"}:
            assert getattr(row, field.name) == getattr(JOB, field.name), field.name
    assert {name: getattr(row, name) for name in derived} == derived
    assert row.content_hash == content_hash(Job, asdict(row))


def test_normalise_company_whole_profile_fills_every_column() -> None:
    row = company(COMPANY)
    assert (row.size_low, row.size_high) == (100, 499)
    assert (row.registered_capital, row.capital_currency) == (1_000_000, "USD")
    assert (row.founded_on, row.city, row.problems) == (date(2016, 5, 4), "杭州", [])
    assert (row.name, row.full_name, row.status, row.introduction) == ("某某", "某某科技有限公司", "存续", "做软件的")
    assert row.content_hash == content_hash(Company, asdict(row))


def test_normalise_job_unreadable_texts_are_kept_with_problems() -> None:
    row = job(
        replace(
            JOB,
            salary_text="-K·薪",
            experience_text="资深",
            education_text="其他",
            employment_text="志愿者",
            recruits_text="许多",
            published_text="2023-13-01",
            place_text="北京,上海",
            longitude=22.54,
            latitude=113.95,
        )
    )
    assert sorted(row.problems) == [
        "education_text:unknown_form",
        "employment_text:unknown_form",
        "experience_text:unknown_form",
        "latitude:out_of_range",
        "longitude:out_of_range",
        "place_text:ambiguous",
        "published_text:out_of_range",
        "recruits_text:unknown_form",
        "salary_text:unknown_form",
    ]
    assert (row.salary_text, row.place_text, row.published_text) == ("-K·薪", "北京,上海", "2023-13-01")
    figures = (
        row.salary_low,
        row.month_high,
        row.experience_low,
        row.education,
        row.recruits,
        row.published_at,
        row.longitude,
        row.latitude,
    )
    assert figures == (None,) * 8
    assert row.negotiable is False


def test_normalise_job_lost_digits_are_never_guessed() -> None:
    row = job(replace(JOB, salary_text="\ue031\ue032-\ue033K"))
    assert row.problems == ["salary_text:font_trick"]
    assert row.month_low is None


@pytest.mark.parametrize(
    ("given_parts", "text", "parts"),
    [
        (("", "", ""), "深圳·南山区·科技园", ("深圳", "南山区", "科技园")),
        (("深圳市", "", ""), "深圳·南山区", ("深圳", "南山区", "")),
        (("深圳", "福田区", ""), "深圳·南山区·科技园", ("深圳", "福田区", "科技园")),
        (("上海", "", ""), "深圳·南山区", ("上海", "", "")),
        (("上海", "浦东", "张江"), "\ue031", ("上海", "浦东", "张江")),
    ],
)
def test_normalise_job_place_text_fills_only_what_was_not_given(given_parts: Any, text: str, parts: Any) -> None:
    city, district, area = given_parts
    row = job(replace(JOB, city=city, district=district, area=area, place_text=text))
    assert (row.city, row.district, row.area) == parts
    assert row.problems == []


@pytest.mark.parametrize(
    ("longitude", "latitude", "problems"),
    [
        (0.0, 0.0, []),
        (None, None, []),
        (113.9, 0.0, ["latitude:out_of_range"]),
        (float("nan"), 30.0, ["longitude:out_of_range"]),
        (-73.9, 40.7, ["longitude:out_of_range"]),
    ],
)
def test_normalise_job_point_outside_china_is_dropped(longitude: Any, latitude: Any, problems: list[str]) -> None:
    row = job(replace(JOB, longitude=longitude, latitude=latitude))
    assert (row.longitude, row.latitude, row.problems) == (None, None, problems)


def test_normalise_job_contacts_are_masked_in_columns_and_raw() -> None:
    raw = {
        "jobDescribe": "电话\n13800001234",
        "nested": [{"text": "微信：zhang_san", "mail": "hr@example.com"}],
        "phone": 13800001234,
        "contactTel": "138-0000-1234",
        "jobId": "90fb07dd13800001234nNz3di4ElpY",
        "url": "https://jobs.example/13800001234.htm",
        "count": 13800001234,
    }
    row = job(replace(JOB, title="急聘 13800001234", description="电话\n13800001234", welfare=["QQ:12345678"], raw=raw))
    assert (row.title, row.description, row.welfare) == ("急聘 [PHONE]", "电话\n[PHONE]", ["QQ:[QQ]"])
    assert orjson.loads(row.raw) == {
        "jobDescribe": "电话\n[PHONE]",
        "nested": [{"text": "微信：[WECHAT]", "mail": "[EMAIL]"}],
        "phone": "[PHONE]",
        "contactTel": "[PHONE]",
        "jobId": "90fb07dd13800001234nNz3di4ElpY",
        "url": "https://jobs.example/13800001234.htm",
        "count": 13800001234,
    }
    assert raw["phone"] == 13800001234  # what was passed in is not touched


def test_normalise_job_mask_off_keeps_contacts() -> None:
    row = job(replace(JOB, description="电话13800001234", raw={"a": "电话13800001234"}), mask=False)
    assert row.description == "电话13800001234"
    assert row.raw == '{"a":"电话13800001234"}'


def test_normalise_company_contacts_are_masked() -> None:
    row = company(replace(COMPANY, introduction="加V：zhang_san", raw={"introduce": "加V：zhang_san"}))
    assert row.introduction == "加V：[WECHAT]"
    assert row.raw == '{"introduce":"加V：[WECHAT]"}'


def test_normalise_job_too_long_texts_are_cut_and_noted() -> None:
    row = job(replace(JOB, title="长" * 300, experience_text="3-4年" * 40, description="长" * 9000))
    assert (len(row.title), len(row.experience_text), len(row.description or "")) == (255, 64, 9000)
    assert row.problems == ["title:too_long", "experience_text:too_long", "experience_text:unknown_form"]


def test_normalise_job_characters_no_store_accepts_are_replaced_and_noted() -> None:
    raw = {"a": "x\x00y", "b": "\ud800", "n\x00": 2**70, "u": "\\u0000"}
    row = job(replace(JOB, title="a\x00b", skills=["\udc00"], published_text="\x00", raw=raw), keyword="\ud800")
    assert (row.title, row.skills, row.published_text, row.keyword) == ("a\ufffdb", ["\ufffd"], "\ufffd", "\ufffd")
    assert sorted(row.problems) == [
        "published_text:bad_characters",
        "published_text:unknown_form",
        "skills:bad_characters",
        "title:bad_characters",
    ]
    assert orjson.loads(row.raw) == {"a": "x\ufffdy", "b": "\ufffd", "n\ufffd": str(2**70), "u": "\\u0000"}


def test_normalise_job_published_text_alone_decides_the_hash() -> None:
    said = job(JOB).content_hash
    assert job(replace(JOB, raw={"rank": 2}, published_text="刚刚", handle={"lid": "9"}), keyword="Go").content_hash == said
    assert job(replace(JOB, salary_text="2-3万")).content_hash != said


def test_normalise_job_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        job(JOB, crawled_at=datetime(2024, 3, 1))  # noqa: DTZ001 - the point of the test


TEXT = st.text(st.characters(), max_size=12) | st.sampled_from(
    ["1-2万", "15-K", "\x00", "\ud800", "电话13800001234", "深圳·南山区", "长" * 300, "\\u0000"]
)
NUMBER = st.none() | st.floats() | st.floats(73, 136) | st.integers(3, 54)
LEAF = TEXT | st.none() | st.booleans() | st.integers() | st.floats()
DOCUMENT = st.dictionaries(
    TEXT, st.recursive(LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)), max_size=4
)


def texts_of(raw: type, *, left_out: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in fields(raw):
        if field.name in left_out:
            continue
        found[field.name] = {"str": TEXT, "str | None": st.none() | TEXT, "list[str]": st.lists(TEXT, max_size=3), "float | None": NUMBER}[
            str(field.type)
        ]
    return found


RAW_JOBS = st.builds(
    RawJob,
    **texts_of(RawJob, left_out={"employment", "recruiter", "handle", "raw"}),
    employment=st.none() | st.sampled_from(Employment),
    recruiter=st.none() | DOCUMENT,
    raw=DOCUMENT,
)
RAW_COMPANIES = st.builds(RawCompany, **texts_of(RawCompany, left_out={"complete", "raw"}), raw=DOCUMENT)


@given(raw=RAW_JOBS, keyword=TEXT, mask=st.booleans())
@settings(max_examples=400)
def test_normalise_job_any_raw_job_gives_a_storable_row(raw: RawJob, keyword: str, mask: bool) -> None:
    row = job(raw, keyword=keyword, mask=mask)
    check_storable(row)
    assert row.content_hash == content_hash(Job, asdict(row))
    if mask and row.description is not None:
        assert mask_contacts(row.description) == row.description


@given(raw=RAW_COMPANIES, mask=st.booleans())
def test_normalise_company_any_raw_company_gives_a_storable_row(raw: RawCompany, mask: bool) -> None:
    row = company(raw, mask=mask)
    check_storable(row)
    assert row.content_hash == content_hash(Company, asdict(row))


def check_storable(row: Job | Company) -> None:
    for column in columns(Job if isinstance(row, Job) else Company):
        value = getattr(row, column.name)
        assert column.nullable or value is not None, column.name
        texts = value if isinstance(value, list) else [value] if isinstance(value, str) else []
        for text in texts:
            text.encode()  # no lone surrogate
            assert "\x00" not in text, column.name
        if column.kind is Kind.TEXT:
            assert len(value) <= column.length, column.name
        if column.kind is Kind.JSON and value is not None:
            assert isinstance(orjson.loads(value), dict)
