"""Read a published salary into CNY figures a month and a year: the text of a RawJob -> the salary columns of a Job.

Forms, factors and refusals are listed in docs/normalising.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from jobschema import Period
from jobspiders.normalise.errors import Unreadable
from jobspiders.normalise.folding import fold, fold_tight

WORK_DAYS = 21.75  # paid days in a month, the statutory figure (365 - 104) / 12
WORK_HOURS = 8.0  # paid hours in a day
WEEKS = 52 / 12  # weeks in a month
MOST = 10_000_000.0  # CNY per period; more than that is a misreading
MONTHS = range(12, 37)  # monthly salaries paid a year that are believed
LONGEST = 64  # characters; the longest text that was ever a salary has a third of them

_UNITS = {"": 1.0, "元": 1.0, "块": 1.0, "k": 1e3, "千": 1e3, "w": 1e4, "万": 1e4}
_PERIODS = {
    "时": Period.HOUR,
    "小时": Period.HOUR,
    "钟头": Period.HOUR,
    "h": Period.HOUR,
    "天": Period.DAY,
    "日": Period.DAY,
    "周": Period.WEEK,
    "星期": Period.WEEK,
    "月": Period.MONTH,
    "年": Period.YEAR,
    "次": Period.ONCE,
    "单": Period.ONCE,
}
_TO_MONTH = {Period.HOUR: WORK_HOURS * WORK_DAYS, Period.DAY: WORK_DAYS, Period.WEEK: WEEKS, Period.MONTH: 1.0}
_NEGOTIABLE = re.compile(r"(?:薪[资酬水]|工资|待遇|月薪|年薪)?(?:可?面议|面谈|详谈|电议|协商|保密)|校招|校园招聘|薪[资酬]?不限")

_SPACED_MONTHS = re.compile(r"\s+(?=[0-9]+\s*薪)")
_SAID_MONTHS = re.compile(r"(?:[·*×x|/(]+|(?<![0-9.]))([0-9]{1,2})薪\)?$")
_SAID_PERIOD = re.compile(r"(?:/|每|\(每)(小时|钟头|星期|[时天日周月年次单h])\)?$")
_SAID_OPEN = re.compile(r"(?:及?以([下上内])|(起))$")
_NUMBER = r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+(?:\.[0-9]+)?)"
_UNIT = r"(万元?|千元?|k元?|w|元|块)?"
_FIGURES = re.compile(f"{_NUMBER}{_UNIT}(?:-{_NUMBER}{_UNIT})?")
_HOLED = re.compile(r"[0-9.]*[万千kw元块]*(?:-[0-9.]*[万千kw元块]*)?")
_MASKS = re.compile(r"[*?□■█]")


@dataclass(frozen=True, slots=True)
class Salary:
    """What a salary text says. Figures are CNY: `low`/`high` per `period`, `month_*` per paid month, `year_*` a year.

    None = the text does not say (an open end, negotiable, or paid once). `months` is the number of monthly salaries a year.
    """

    low: float | None = None
    high: float | None = None
    period: Period | None = None
    months: int = 12
    month_low: float | None = None
    month_high: float | None = None
    year_low: float | None = None
    year_high: float | None = None
    negotiable: bool = False


@dataclass(frozen=True, slots=True)
class _Parts:
    """A salary text taken apart: the figures alone, and what was said around them."""

    figures: str
    period: Period | None
    months: int
    end: str  # "" both ends stated, "下" open below, "上" open above


@lru_cache(maxsize=16_384)
def parse_salary(text: str, *, period: Period | None = None) -> Salary:
    """Read `text`; `period` holds when the text names none, and is a month when neither does.

    Raises Unreadable: digits_lost, font_trick, bounds_swapped, out_of_range, unknown_form. Nothing is ever guessed.
    """
    if not text.strip():
        return Salary(negotiable=True)
    parts = _take_apart(text)
    if _NEGOTIABLE.fullmatch(parts.figures) and not parts.end:
        return Salary(months=parts.months, negotiable=True)
    found = _FIGURES.fullmatch(parts.figures)
    if found is None:
        raise Unreadable("digits_lost" if _has_lost_digits(parts.figures) else "unknown_form", text)
    paid = parts.period or period or Period.MONTH
    low, high = _bounds(found, text, paid)
    if parts.end and found[3]:
        raise Unreadable("unknown_form", text)  # "1-2万以上" has two meanings
    _check_range(low, high, text)
    return _salary(None if parts.end == "下" else low, None if parts.end == "上" else high, paid, parts.months)


def _take_apart(text: str) -> _Parts:
    """Strip what stands around the figures, from the end: 薪, /年, 以上 come in any order."""
    if len(text) > LONGEST:
        raise Unreadable("unknown_form", text)
    rest = fold_tight(_SPACED_MONTHS.sub("·", fold(text))).lower()
    rest = rest.removeprefix("rmb").removeprefix("人民币").removeprefix("¥")
    months, period, end = "", "", ""
    for _ in range(3):
        if not months and (found := _SAID_MONTHS.search(rest)):
            months, rest = found[1], rest[: found.start()]
        if not period and (found := _SAID_PERIOD.search(rest)):
            period, rest = found[1], rest[: found.start()]
        if not end and (found := _SAID_OPEN.search(rest)):
            end, rest = ("上" if found[2] or found[1] == "上" else "下"), rest[: found.start()]
    if months and int(months) not in MONTHS:
        raise Unreadable("out_of_range", text)
    return _Parts(rest, _PERIODS.get(period), int(months or 12), end)


def _has_lost_digits(figures: str) -> bool:
    """Whether this has the look of a salary whose digits were taken out or blotted over: "元", "-K", "15-K", "**K"."""
    if _MASKS.search(figures):
        return bool(_FIGURES.fullmatch(_MASKS.sub("1", figures)))
    return bool(_HOLED.fullmatch(figures))


def _bounds(found: re.Match[str], text: str, period: Period) -> tuple[float, float]:
    """The two figures in yuan. A unit at the end alone is the unit of both ("1.5-2万", "8000-12000元")."""
    low_unit, high_unit = found[2] or "", found[4] or ""
    if found[3] is None:
        low_unit = high_unit = _plain(low_unit, found[1], text, period)
        value = _yuan(found[1], low_unit)
        return value, value
    if low_unit and not high_unit:
        raise Unreadable("unknown_form", text)  # "8千-12": nobody says 12 what
    if not high_unit:
        low_unit = high_unit = _plain("", min(found[1], found[3], key=lambda n: _yuan(n, "")), text, period)
    low, high = _yuan(found[1], low_unit or high_unit), _yuan(found[3], high_unit)
    if low <= high:
        return low, high
    if not low_unit and high_unit[0] in "万w":
        raise Unreadable("bounds_swapped", text)  # "8-1.2万" may be 8千-1.2万
    return high, low


def _plain(unit: str, least: str, text: str, period: Period) -> str:
    """The unit of figures that state none: yuan, when they are too large to be anything else."""
    if not unit and _yuan(least, "") < (1000 if period in (Period.MONTH, Period.YEAR) else 10):
        raise Unreadable("unknown_form", text)
    return unit


def _yuan(number: str, unit: str) -> float:
    """A figure in yuan, to the cent."""
    return round(float(number.replace(",", "")) * _UNITS[unit[:1]], 2)


def _check_range(low: float, high: float, text: str) -> None:
    """Refuse what nobody is paid."""
    if high <= 0 or low < 0 or high > MOST:
        raise Unreadable("out_of_range", text)


def _salary(low: float | None, high: float | None, period: Period, months: int) -> Salary:
    """Derive the figures a month and a year. A yearly sum is what all paid months add up to."""
    yearly = period is Period.YEAR
    to_month = 1 / months if yearly else _TO_MONTH.get(period)
    if to_month is None:
        return Salary(low, high, period, months)
    to_year = 1.0 if yearly else to_month * months
    return Salary(
        low,
        high,
        period,
        months,
        month_low=_times(low, to_month),
        month_high=_times(high, to_month),
        year_low=_times(low, to_year),
        year_high=_times(high, to_year),
    )


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else round(value * factor, 2)
