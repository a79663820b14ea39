"""What holds for every text: readers raise nothing but Unreadable, figures are never negative and in order, well-formed texts survive."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobschema import Period
from jobspiders.normalise import (
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
from jobspiders.normalise.salary import MOST

NOW = datetime(2024, 3, 1, 2, 30, tzinfo=UTC)
PIECES = (
    "0 1 2 5 9 10 13 15 99 999 8000 2024 . , - – ~ 至 到 / · ・ * ( ） 千 万 亿 K k w 元 薪 年 月 天 周 时 小时 次 人 以上 "
    "及以下 以内 起 前 昨天 市 区 省 面议 不限 本科 中专 人民币 美元 １ － Ｋ \ue031 \x00"
)
REASONS = {"digits_lost", "font_trick", "unknown_form", "out_of_range", "bounds_swapped", "ambiguous", "needs_now"}
ANY_TEXT = st.text(max_size=40) | st.lists(st.sampled_from([*PIECES.split(), " "]), max_size=9).map("".join)
READERS: list[Callable[[str], Any]] = [
    parse_salary,
    parse_experience,
    parse_education,
    parse_company_size,
    parse_place,
    parse_capital,
    parse_date,
    parse_employment,
    parse_recruits,
    lambda text: parse_time(text, now=NOW),
    parse_time,
    city_of_address,
]
UNITS = {"元": 1, "千": 1000, "K": 1000, "k": 1000, "万": 10_000, "w": 10_000}
PER = {
    "/时": Period.HOUR,
    "/天": Period.DAY,
    "/周": Period.WEEK,
    "/月": Period.MONTH,
    "/年": Period.YEAR,
    "/次": Period.ONCE,
    "": Period.MONTH,
}


@pytest.mark.parametrize("read", READERS)
@given(text=ANY_TEXT | st.text())
def test_reader_any_text_raises_only_unreadable(read: Callable[[str], Any], text: str) -> None:
    refused: list[Unreadable] = []
    try:
        read(text)
    except Unreadable as error:
        refused.append(error)
    assert all(error.text == text and error.reason in REASONS for error in refused)


@given(text=ANY_TEXT)
def test_parse_salary_any_text_gives_ordered_figures_that_agree(text: str) -> None:
    try:
        salary = parse_salary(text)
    except Unreadable:
        return
    for low, high in ((salary.low, salary.high), (salary.month_low, salary.month_high), (salary.year_low, salary.year_high)):
        assert low is None or 0 <= low <= MOST * 12 * 250
        assert high is None or low is None or low <= high
    assert salary.negotiable == (salary.low is None and salary.high is None)
    assert 12 <= salary.months <= 36
    if salary.year_high is not None and salary.month_high is not None:
        assert salary.year_high == pytest.approx(salary.month_high * salary.months, abs=0.01 * salary.months)


@given(
    low=st.integers(1, 900),
    more=st.integers(0, 99),
    unit=st.sampled_from(sorted(UNITS)),
    both=st.booleans(),
    per=st.sampled_from(sorted(PER)),
    months=st.none() | st.integers(12, 36),
    dash=st.sampled_from("-–—~～"),
)
def test_parse_salary_composed_text_round_trips(**said: Any) -> None:
    low, high, factor = said["low"] / 10, (said["low"] + said["more"]) / 10, UNITS[said["unit"]]
    tail = "" if said["months"] is None else f"·{said['months']}薪"
    text = f"{low:g}{said['unit'] if said['both'] else ''}{said['dash']}{high:g}{said['unit']}{said['per']}{tail}"
    salary = parse_salary(text)
    assert salary.low == pytest.approx(low * factor)
    assert salary.high == pytest.approx(high * factor)
    assert (salary.period, salary.months) == (PER[said["per"]], said["months"] or 12)


@given(text=ANY_TEXT)
def test_parse_experience_any_text_gives_ordered_years(text: str) -> None:
    try:
        years = parse_experience(text)
    except Unreadable:
        return
    assert years.low is None or 0 <= years.low <= 60
    assert years.high is None or (years.low is not None and years.low <= years.high)


@given(text=ANY_TEXT)
def test_parse_company_size_any_text_gives_ordered_bounds(text: str) -> None:
    try:
        size = parse_company_size(text)
    except Unreadable:
        return
    assert size.low is None or size.low >= 0
    assert size.high is None or (size.low is not None and size.low <= size.high)


@given(low=st.integers(0, 40), more=st.integers(0, 20))
def test_parse_experience_composed_range_round_trips(low: int, more: int) -> None:
    years = parse_experience(f"{low}-{low + more}年")
    assert (years.low, years.high) == (low, low + more)


@given(low=st.integers(0, 100_000), more=st.integers(0, 100_000))
def test_parse_company_size_composed_range_round_trips(low: int, more: int) -> None:
    size = parse_company_size(f"{low}-{low + more}人")
    assert (size.low, size.high) == (low, low + more)


@given(cents=st.integers(0, 10**9), currency=st.sampled_from([("人民币", "CNY"), ("美元", "USD"), ("港元", "HKD"), ("欧元", "EUR")]))
def test_parse_capital_composed_text_round_trips(cents: int, currency: tuple[str, str]) -> None:
    capital = parse_capital(f"{cents / 100:.2f}万{currency[0]}")
    assert capital is not None
    assert capital.amount == pytest.approx(cents * 100)
    assert capital.currency == currency[1]


@given(seconds=st.integers(0, 100 * 365 * 86_400))
def test_parse_time_composed_text_is_eight_hours_ahead_of_utc(seconds: int) -> None:
    moment = datetime(1992, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    assert parse_time((moment + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S")) == moment


@given(day=st.dates(date(1800, 1, 1), date(2100, 12, 31)))
def test_parse_date_composed_text_round_trips(day: date) -> None:
    assert parse_date(day.isoformat()) == parse_date(day.strftime("%Y年%m月%d日")) == day
