"""Every form the readers know, and every way they refuse, as tables: text -> meaning."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from jobschema import Education, Employment, Period
from jobspiders.normalise import (
    Capital,
    CompanySize,
    Experience,
    Place,
    Salary,
    Unreadable,
    parse_capital,
    parse_company_size,
    parse_date,
    parse_education,
    parse_employment,
    parse_experience,
    parse_place,
    parse_recruits,
    parse_salary,
    parse_time,
)
from jobspiders.normalise.place import city_of_address

NOW = datetime(2024, 3, 1, 2, 30, tzinfo=UTC)  # 10:30 in China

HOUR, DAY, WEEK, MONTH, YEAR, ONCE = Period
# text, low, high, period, months, month_low, month_high, year_low, year_high
SALARIES: list[tuple[Any, ...]] = [
    ("15-25K", 15000, 25000, MONTH, 12, 15000, 25000, 180000, 300000),
    ("20-40K·15薪", 20000, 40000, MONTH, 15, 20000, 40000, 300000, 600000),
    ("18-25k", 18000, 25000, MONTH, 12, 18000, 25000, 216000, 300000),
    ("30-60K・15 薪", 30000, 60000, MONTH, 15, 30000, 60000, 450000, 900000),
    ("30-60K • 15薪", 30000, 60000, MONTH, 15, 30000, 60000, 450000, 900000),
    ("30-60K 15薪", 30000, 60000, MONTH, 15, 30000, 60000, 450000, 900000),
    ("30-60K*13薪", 30000, 60000, MONTH, 13, 30000, 60000, 390000, 780000),
    ("30-60K(13薪)", 30000, 60000, MONTH, 13, 30000, 60000, 390000, 780000),
    ("３０－６０Ｋ·１３薪", 30000, 60000, MONTH, 13, 30000, 60000, 390000, 780000),
    ("300-310元/天", 300, 310, DAY, 12, 6525, 6742.5, 78300, 80910),
    ("20-25元/时", 20, 25, HOUR, 12, 3480, 4350, 41760, 52200),
    ("20-25元/小时", 20, 25, HOUR, 12, 3480, 4350, 41760, 52200),
    ("1000-20000元/月", 1000, 20000, MONTH, 12, 1000, 20000, 12000, 240000),
    ("1200-1500元/周", 1200, 1500, WEEK, 12, 5200, 6500, 62400, 78000),
    ("1.5-2万", 15000, 20000, MONTH, 12, 15000, 20000, 180000, 240000),
    ("8千-1.2万", 8000, 12000, MONTH, 12, 8000, 12000, 96000, 144000),
    ("1.2-1.5万·15薪", 12000, 15000, MONTH, 15, 12000, 15000, 180000, 225000),
    ("6-8千", 6000, 8000, MONTH, 12, 6000, 8000, 72000, 96000),
    ("6千-1万·13薪", 6000, 10000, MONTH, 13, 6000, 10000, 78000, 130000),
    ("6-8千·13薪", 6000, 8000, MONTH, 13, 6000, 8000, 78000, 104000),
    ("30-35万/年", 300000, 350000, YEAR, 12, 25000, 29166.67, 300000, 350000),
    ("26万/年·13薪", 260000, 260000, YEAR, 13, 20000, 20000, 260000, 260000),
    ("3千及以下", None, 3000, MONTH, 12, None, 3000, None, 36000),
    ("3千及以下·13薪", None, 3000, MONTH, 13, None, 3000, None, 39000),
    ("3万及以下/年", None, 30000, YEAR, 12, None, 2500, None, 30000),
    ("3千以下", None, 3000, MONTH, 12, None, 3000, None, 36000),
    ("5万以上", 50000, None, MONTH, 12, 50000, None, 600000, None),
    ("100万以上/年", 1000000, None, YEAR, 12, 83333.33, None, 1000000, None),
    ("1万/月以上", 10000, None, MONTH, 12, 10000, None, 120000, None),
    ("1万起", 10000, None, MONTH, 12, 10000, None, 120000, None),
    ("180元/天", 180, 180, DAY, 12, 3915, 3915, 46980, 46980),
    ("180元/日", 180, 180, DAY, 12, 3915, 3915, 46980, 46980),
    ("1.5千/天", 1500, 1500, DAY, 12, 32625, 32625, 391500, 391500),
    ("200/天", 200, 200, DAY, 12, 4350, 4350, 52200, 52200),
    ("8000-12000元", 8000, 12000, MONTH, 12, 8000, 12000, 96000, 144000),
    ("8000-12000元·13薪", 8000, 12000, MONTH, 13, 8000, 12000, 104000, 156000),
    ("8000-12000 13薪", 8000, 12000, MONTH, 13, 8000, 12000, 104000, 156000),
    ("8,000-12,000元", 8000, 12000, MONTH, 12, 8000, 12000, 96000, 144000),
    ("¥8000-12000", 8000, 12000, MONTH, 12, 8000, 12000, 96000, 144000),
    ("8000元", 8000, 8000, MONTH, 12, 8000, 8000, 96000, 96000),
    ("400-800元/次", 400, 800, ONCE, 12, None, None, None, None),
    ("3.5K-4K", 3500, 4000, MONTH, 12, 3500, 4000, 42000, 48000),
    ("5千-8千", 5000, 8000, MONTH, 12, 5000, 8000, 60000, 96000),
    ("1.6万-1.7万", 16000, 17000, MONTH, 12, 16000, 17000, 192000, 204000),
    ("8001-10000", 8001, 10000, MONTH, 12, 8001, 10000, 96012, 120000),
    ("3.5-5千/月", 3500, 5000, MONTH, 12, 3500, 5000, 42000, 60000),
    ("2-2万", 20000, 20000, MONTH, 12, 20000, 20000, 240000, 240000),
    ("1–2万", 10000, 20000, MONTH, 12, 10000, 20000, 120000, 240000),
    ("1—2万", 10000, 20000, MONTH, 12, 10000, 20000, 120000, 240000),
    ("1~2万", 10000, 20000, MONTH, 12, 10000, 20000, 120000, 240000),
    ("1～2万", 10000, 20000, MONTH, 12, 10000, 20000, 120000, 240000),
    ("8千至1.2万", 8000, 12000, MONTH, 12, 8000, 12000, 96000, 144000),
    ("1-2万元/月", 10000, 20000, MONTH, 12, 10000, 20000, 120000, 240000),
    ("2万-1.5万", 15000, 20000, MONTH, 12, 15000, 20000, 180000, 240000),
    ("20-15K", 15000, 20000, MONTH, 12, 15000, 20000, 180000, 240000),
]


@pytest.mark.parametrize("row", SALARIES, ids=lambda row: row[0])
def test_parse_salary_known_form_gives_figures(row: tuple[Any, ...]) -> None:
    text, *figures = row
    assert parse_salary(text) == Salary(*figures)


@pytest.mark.parametrize("text", ["", "  ", "面议", "薪资面议", "工资面议", "面谈", "可面议", "校招", "薪资保密"])
def test_parse_salary_negotiable_gives_no_figures(text: str) -> None:
    assert parse_salary(text) == Salary(negotiable=True)


def test_parse_salary_negotiable_keeps_stated_months() -> None:
    assert parse_salary("面议·14薪") == Salary(months=14, negotiable=True)


def test_parse_salary_period_given_holds_only_where_text_names_none() -> None:
    assert parse_salary("200-300元", period=DAY).month_low == 4350
    assert parse_salary("200-300元/时", period=DAY).period is HOUR


REFUSALS: list[tuple[Any, str, str]] = [
    (parse_salary, "元", "digits_lost"),
    (parse_salary, "-K", "digits_lost"),
    (parse_salary, "15-K", "digits_lost"),
    (parse_salary, "-25K·13薪", "digits_lost"),
    (parse_salary, "元/天", "digits_lost"),
    (parse_salary, "**-**K", "digits_lost"),
    (parse_salary, "\ue031\ue035-\ue032K", "font_trick"),
    (parse_salary, "&#xe031;&#xe035;K", "font_trick"),
    (parse_salary, "8-1.2万", "bounds_swapped"),
    (parse_salary, "8000-1.2万", "bounds_swapped"),
    (parse_salary, "8千-12", "unknown_form"),
    (parse_salary, "15-25", "unknown_form"),
    (parse_salary, "1-2万以上", "unknown_form"),
    (parse_salary, "三千左右", "unknown_form"),
    (parse_salary, "1-2-3万", "unknown_form"),
    (parse_salary, "1-2万美元", "unknown_form"),
    (parse_salary, "1²-2万", "unknown_form"),
    (parse_salary, "高薪" * 40, "unknown_form"),
    (parse_salary, "0元", "out_of_range"),
    (parse_salary, "0-0K", "out_of_range"),
    (parse_salary, "1-2000万", "out_of_range"),
    (parse_salary, "1-2万·99薪", "out_of_range"),
    (parse_salary, "1-2万·3薪", "out_of_range"),
    (parse_experience, "很多年", "digits_lost"),
    (parse_experience, "100年", "out_of_range"),
    (parse_experience, "资深", "unknown_form"),
    (parse_experience, "\ue031年", "font_trick"),
    (parse_education, "其他", "unknown_form"),
    (parse_education, "本科/", "unknown_form"),
    (parse_company_size, "很多", "unknown_form"),
    (parse_company_size, "人", "digits_lost"),
    (parse_company_size, "99999999人", "out_of_range"),
    (parse_place, "北京,上海", "ambiguous"),
    (parse_place, "123", "unknown_form"),
    (parse_place, "\ue031\ue032", "font_trick"),
    (parse_capital, "万人民币", "digits_lost"),
    (parse_capital, "100万贝壳", "unknown_form"),
    (parse_capital, "美元100万港元", "unknown_form"),
    (parse_capital, "99999999999999亿", "out_of_range"),
    (parse_time, "2023-13-01", "out_of_range"),
    (parse_time, "2023-01-01 25:00:00", "out_of_range"),
    (parse_time, "0001-01-01", "out_of_range"),
    (parse_time, "12345", "unknown_form"),
    (parse_time, "3天前", "needs_now"),
    (parse_time, "不久", "unknown_form"),
    (parse_date, "2023-02-30", "out_of_range"),
    (parse_date, "去年", "unknown_form"),
    (parse_employment, "全职/兼职", "ambiguous"),
    (parse_employment, "志愿者", "unknown_form"),
    (parse_recruits, "1-3人", "unknown_form"),
    (parse_recruits, "999999999", "out_of_range"),
    (parse_recruits, "00", "out_of_range"),
]


@pytest.mark.parametrize(("parse", "text", "reason"), REFUSALS, ids=[f"{parse.__name__}:{text[:12]}" for parse, text, _ in REFUSALS])
def test_parse_unreadable_text_raises_with_reason_and_text(parse: Any, text: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason) as caught:
        parse(text)
    assert (caught.value.reason, caught.value.text) == (reason, text)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("", None, None),
        ("4天/周 3个月", None, None),
        ("5天/周", None, None),
        ("3个月", None, None),
        ("经验不限", 0, None),
        ("不限", 0, None),
        ("无经验", 0, None),
        ("无需经验", 0, None),
        ("无需工作经验", 0, None),
        ("在校生/应届生", 0, 0),
        ("在校/应届", 0, 0),
        ("应届/校招", 0, 0),
        ("应届毕业生", 0, 0),
        ("1年以内", 0, 1),
        ("1年以下", 0, 1),
        ("一年以内", 0, 1),
        ("10年以上", 10, None),
        ("3年及以上", 3, None),
        ("三年以上工作经验", 3, None),
        ("5年+", 5, None),
        ("3-4年", 3, 4),
        ("1-3 年", 1, 3),
        ("3～5年经验", 3, 5),
        ("3年-5年", 3, 5),
        ("5-3年", 3, 5),
        ("2年", 2, 2),
        ("1.5年", 1.5, 1.5),
        ("十五年以上", 15, None),
    ],
)
def test_parse_experience_known_form_gives_years(text: str, low: float | None, high: float | None) -> None:
    assert parse_experience(text) == Experience(low, high)


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("", None),
        ("学历不限", Education.UNLIMITED),
        ("不限", Education.UNLIMITED),
        ("无学历要求", Education.UNLIMITED),
        ("初中及以下", Education.JUNIOR_HIGH),
        ("中专及以下", Education.JUNIOR_HIGH),
        ("高中", Education.HIGH_SCHOOL),
        ("高中/中专", Education.HIGH_SCHOOL),
        ("中专", Education.VOCATIONAL),
        ("中技", Education.VOCATIONAL),
        ("中专/中技", Education.VOCATIONAL),
        ("中技/中专", Education.VOCATIONAL),
        ("大专", Education.COLLEGE),
        ("大专及以上", Education.COLLEGE),
        ("本科", Education.BACHELOR),
        ("统招本科", Education.BACHELOR),
        ("本科及以上学历", Education.BACHELOR),
        ("本科/硕士", Education.BACHELOR),
        ("硕士", Education.MASTER),
        ("研究生", Education.MASTER),
        ("MBA/EMBA", Education.MASTER),
        ("博士", Education.DOCTOR),
    ],
)
def test_parse_education_known_form_gives_least_level(text: str, level: Education | None) -> None:
    assert parse_education(text) is level


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("", None, None),
        ("不限", None, None),
        ("0-20人", 0, 20),
        ("20-99人", 20, 99),
        ("1000-9999人", 1000, 9999),
        ("10000人以上", 10000, None),
        ("1万人以上", 10000, None),
        ("1-2万人", 10000, 20000),
        ("少于50人", 0, 50),
        ("20人以下", 0, 20),
        ("５００－１０００人", 500, 1000),
        ("1,000-5,000人", 1000, 5000),
        ("超过500人", 500, None),
        ("120人", 120, 120),
    ],
)
def test_parse_company_size_known_form_gives_bounds(text: str, low: int | None, high: int | None) -> None:
    assert parse_company_size(text) == CompanySize(low, high)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", Place()),
        ("深圳·罗湖区", Place("深圳", "罗湖区")),
        ("北京·朝阳·建外", Place("北京", "朝阳", "建外")),
        ("南京-建邺区", Place("南京", "建邺区")),
        ("上海", Place("上海")),
        ("北京 朝阳区", Place("北京", "朝阳区")),
        ("杭州市·西湖区", Place("杭州", "西湖区")),
        ("无锡·江阴市", Place("无锡", "江阴市")),
        ("荆州・沙市区", Place("荆州", "沙市区")),
        ("江苏省-南京市-建邺区", Place("南京", "建邺区")),
        ("吉林·船营区", Place("吉林", "船营区")),
        ("广东省", Place()),
        ("异地招聘", Place()),
        ("全国", Place()),
        ("杭州·西湖区·西溪·文三路", Place("杭州", "西湖区", "西溪·文三路")),
        ("成都·高新区·至善路", Place("成都", "高新区", "至善路")),
    ],
)
def test_parse_place_known_form_gives_parts(text: str, place: Place) -> None:
    assert parse_place(text) == place


@pytest.mark.parametrize(
    ("address", "city"),
    [
        ("浙江省杭州市余杭区文一西路1号", "杭州"),
        ("杭州市西湖区文三路", "杭州"),
        ("天津经济技术开发区第一大街", "天津"),
        ("中国（上海）自由贸易试验区", "上海"),
        ("广西壮族自治区南宁市青秀区", "南宁"),
        ("文一西路1号", ""),
        ("", ""),
    ],
)
def test_city_of_address_reads_only_the_head(address: str, city: str) -> None:
    assert city_of_address(address) == city


@pytest.mark.parametrize(
    ("text", "capital"),
    [
        ("", None),
        ("-", None),
        ("无", None),
        ("100万人民币", Capital(1_000_000, "CNY")),
        ("123.45678万美元", Capital(1_234_567.8, "USD")),
        ("1650万香港元", Capital(16_500_000, "HKD")),
        ("1650万港元", Capital(16_500_000, "HKD")),
        ("2200万欧元", Capital(22_000_000, "EUR")),
        ("10000万元", Capital(100_000_000, "CNY")),
        ("10000万元人民币", Capital(100_000_000, "CNY")),
        ("10万", Capital(100_000, "CNY")),
        ("1.2亿元", Capital(120_000_000, "CNY")),
        ("500000元", Capital(500_000, "CNY")),
        ("人民币 100 万元", Capital(1_000_000, "CNY")),
        ("１００万日元", Capital(1_000_000, "JPY")),
        ("1,000万英镑", Capital(10_000_000, "GBP")),
    ],
)
def test_parse_capital_known_form_gives_amount_and_currency(text: str, capital: Capital | None) -> None:
    assert parse_capital(text) == capital


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", None),
        ("全职", Employment.FULL_TIME),
        ("兼职", Employment.PART_TIME),
        ("兼职/临时", Employment.PART_TIME),
        ("实习", Employment.INTERN),
        ("实习生", Employment.INTERN),
        ("校招", Employment.CAMPUS),
        ("校园", Employment.CAMPUS),
    ],
)
def test_parse_employment_known_form_gives_kind(text: str, kind: Employment | None) -> None:
    assert parse_employment(text) is kind


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", None),
        ("若干", None),
        ("招若干人", None),
        ("0", None),
        ("5", 5),
        ("招5人", 5),
        ("招聘10人", 10),
        ("3名", 3),
        ("招聘人数：2人", 2),
    ],
)
def test_parse_recruits_known_form_gives_count(text: str, count: int | None) -> None:
    assert parse_recruits(text) == count
