"""Read times and dates as published: the texts of RawJob and RawCompany -> aware UTC datetimes, dates.

The platforms publish Chinese local time (Asia/Shanghai, UTC+8 all year since 1991) without saying so.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

from jobspiders.normalise.errors import Unreadable
from jobspiders.normalise.folding import fold

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
TIME_YEARS = range(1990, 2101)  # of postings
DATE_YEARS = range(1800, 2101)  # of companies
LONGEST = 64

_DATE = r"([0-9]{4})(?:[-/.]|年)([0-9]{1,2})(?:[-/.]|月)([0-9]{1,2})日?"
_CLOCK = r"([0-9]{1,2})[:时]([0-9]{1,2})(?:[:分]([0-9]{1,2})(?:\.[0-9]{1,9})?秒?|分)?"
_ZONE = r"(Z|z|[+-][0-9]{2}:?[0-9]{2})?"
_STAMP = re.compile(rf"{_DATE}(?:[T\s]*{_CLOCK}\s*{_ZONE})?")
_COMPACT = re.compile(r"((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})")
_MONTH = re.compile(r"([0-9]{4})(?:[-/.]|年)([0-9]{1,2})月?")
_NO_YEAR = re.compile(r"([0-9]{1,2})(?:[-/.]|月)([0-9]{1,2})日?")
_AGO = re.compile(r"([0-9]{1,4})个?(秒钟?|分钟|小时|天|日|周|星期|月|年)(?:以?前|之前)")
_NOISE = re.compile(r"^(?:发布于|更新于|发布时间:?|更新时间:?)\s*|\s*(?:发布|更新|刷新)$")
_STEPS = {"秒": 1, "分": 60, "小": 3600, "天": 86_400, "日": 86_400, "周": 604_800, "星": 604_800, "月": 30 * 86_400, "年": 365 * 86_400}
_DAYS = {"今天": 0, "今日": 0, "昨天": 1, "昨日": 1, "前天": 2}
_NOW = frozenset({"刚刚", "刚才", "现在"})
_UNSAID = frozenset({"", "-", "0"})


def parse_time(text: str, *, now: datetime | None = None) -> datetime | None:
    """The moment that `text` names, aware UTC; None when it is empty. A day without clock time is its midnight in China.

    `now` (aware) is what relative forms count from: "刚刚", "3天前", "昨天", "05-31". A month counts 30 days.
    Raises Unreadable: font_trick, needs_now, out_of_range, unknown_form.
    """
    found = _absolute_time(text)
    if isinstance(found, str):
        return _relative_time(found, text, now)
    return found


@lru_cache(maxsize=4096)
def parse_date(text: str) -> date | None:
    """The day that `text` names ("2016-05-04", "2023.05.31", "2016年5月"); None when it is empty. A month is its first day.

    Raises Unreadable: font_trick, out_of_range, unknown_form.
    """
    said = _folded(text)
    if said in _UNSAID:
        return None
    if found := _MONTH.fullmatch(said):
        return _day((found[1], found[2], "1"), DATE_YEARS, text)
    if found := _STAMP.fullmatch(said) or _COMPACT.fullmatch(said):
        return _day((found[1], found[2], found[3]), DATE_YEARS, text)
    raise Unreadable("unknown_form", text)


@lru_cache(maxsize=16_384)
def _absolute_time(text: str) -> datetime | str | None:
    """The moment where `text` tells it alone; else the folded text, for `_relative_time`."""
    if len(text) == 19 and text[4] == text[7] == "-" and text[13] == text[16] == ":" and (moment := _plain_stamp(text)):
        return moment
    said = _folded(text)
    if said in _UNSAID:
        return None
    if said.isdigit() and said.isascii():
        return _digits(said, text)
    if found := _STAMP.fullmatch(said):
        day = _day((found[1], found[2], found[3]), TIME_YEARS, text)
        return _at(day, (found[4], found[5], found[6]), found[7], text)
    return said


def _plain_stamp(text: str) -> datetime | None:
    """`2026-11-02 09:30:00` without a single regular expression; None when it is something else after all."""
    try:
        moment = datetime.fromisoformat(text + "+08:00").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year in TIME_YEARS and text[10] in " T" else None


def _folded(text: str) -> str:
    if len(text) > LONGEST:
        raise Unreadable("unknown_form", text)
    return _NOISE.sub("", fold(text))


def _digits(said: str, text: str) -> datetime:
    """Unix seconds (10 digits), milliseconds (13), or a day (8)."""
    if found := _COMPACT.fullmatch(said):
        return _at(_day((found[1], found[2], found[3]), TIME_YEARS, text), ("0", "0", "0"), None, text)
    if len(said) not in (10, 13):
        raise Unreadable("unknown_form", text)
    moment = datetime.fromtimestamp(int(said) / (1000 if len(said) == 13 else 1), UTC)
    if moment.year not in TIME_YEARS:
        raise Unreadable("out_of_range", text)
    return moment


def _day(parts: tuple[str, str, str], years: range, text: str) -> date:
    try:
        day = date(int(parts[0]), int(parts[1]), int(parts[2]))
    except ValueError:
        raise Unreadable("out_of_range", text) from None
    if day.year not in years:
        raise Unreadable("out_of_range", text)
    return day


def _at(day: date, clock: tuple[str | None, str | None, str | None], zone: str | None, text: str) -> datetime:
    """The moment on `day` at `clock`, China time unless a zone is said."""
    hour, minute, second = (int(part or 0) for part in clock)
    stamp = f"{day.isoformat()}T{hour:02}:{minute:02}:{second:02}{(zone or '+08:00').upper()}"
    try:
        return datetime.fromisoformat(stamp).astimezone(UTC)
    except ValueError:
        raise Unreadable("out_of_range", text) from None


def _relative_time(said: str, text: str, now: datetime | None) -> datetime:
    """The forms that need to know when the page was fetched."""
    ago, day, dated = _AGO.fullmatch(said), _DAYS.get(said[:2]), _NO_YEAR.fullmatch(said)
    clock = re.fullmatch(rf"\s*(?:{_CLOCK})?", said[2:]) if day is not None else None
    if not (ago or clock or dated or said in _NOW):
        raise Unreadable("unknown_form", text)
    if now is None:
        raise Unreadable("needs_now", text)
    local = now.astimezone(SHANGHAI)
    if ago:
        return _before(local, int(ago[1]) * _STEPS[ago[2][0]], text)
    if clock and day is not None:
        return _at(local.date() - timedelta(days=day), (clock[1], clock[2], clock[3]), None, text)
    if dated:
        return _latest(dated[1], dated[2], local, text)
    return now.astimezone(UTC)


def _before(local: datetime, seconds: int, text: str) -> datetime:
    """The moment `seconds` before `local`."""
    if seconds > (local.year - TIME_YEARS.start) * 365 * 86_400:
        raise Unreadable("out_of_range", text)
    return (local - timedelta(seconds=seconds)).astimezone(UTC)


def _latest(month: str, day: str, local: datetime, text: str) -> datetime:
    """The last such day that is not after `local`."""
    for year in (local.year, local.year - 1):
        try:
            found = date(year, int(month), int(day))
        except ValueError:
            continue
        if found <= local.date():
            return _at(found, (None, None, None), None, text)
    raise Unreadable("out_of_range", text)
