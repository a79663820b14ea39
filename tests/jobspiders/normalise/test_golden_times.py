"""Every form of a time or a date that the readers know, as tables: text -> meaning."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from jobspiders.normalise import parse_date, parse_time

NOW = datetime(2024, 3, 1, 2, 30, tzinfo=UTC)  # 10:30 in China


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("", None),
        ("2024-05-04 04:00:28", (2024, 5, 3, 20, 0, 28)),
        ("2024-05-04 04:00", (2024, 5, 3, 20, 0, 0)),
        ("2024-05-04", (2024, 5, 3, 16, 0, 0)),
        ("2023.05.31", (2023, 5, 30, 16, 0, 0)),
        ("2023/5/31", (2023, 5, 30, 16, 0, 0)),
        ("2023年5月31日", (2023, 5, 30, 16, 0, 0)),
        ("20230531", (2023, 5, 30, 16, 0, 0)),
        ("2024-05-04T04:00:28Z", (2024, 5, 4, 4, 0, 28)),
        ("2024-05-04T04:00:28+08:00", (2024, 5, 3, 20, 0, 28)),
        ("1714842858", (2024, 5, 4, 17, 14, 18)),
        ("1714842858000", (2024, 5, 4, 17, 14, 18)),
        ("刚刚", (2024, 3, 1, 2, 30, 0)),
        ("5分钟前", (2024, 3, 1, 2, 25, 0)),
        ("2小时前", (2024, 3, 1, 0, 30, 0)),
        ("3天前", (2024, 2, 27, 2, 30, 0)),
        ("1周前", (2024, 2, 23, 2, 30, 0)),
        ("1个月前", (2024, 1, 31, 2, 30, 0)),
        ("今天", (2024, 2, 29, 16, 0, 0)),
        ("昨天", (2024, 2, 28, 16, 0, 0)),
        ("昨天 10:30", (2024, 2, 29, 2, 30, 0)),
        ("前天", (2024, 2, 27, 16, 0, 0)),
        ("02-29", (2024, 2, 28, 16, 0, 0)),
        ("05-31发布", (2023, 5, 30, 16, 0, 0)),
        ("2月29日", (2024, 2, 28, 16, 0, 0)),
    ],
)
def test_parse_time_known_form_gives_utc(text: str, moment: tuple[int, ...] | None) -> None:
    assert parse_time(text, now=NOW) == (None if moment is None else datetime(*moment, tzinfo=UTC))  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(("hour", "day"), [(15, 1), (16, 2)])
def test_parse_time_today_begins_at_midnight_in_china(hour: int, day: int) -> None:
    found = parse_time("今天", now=datetime(2024, 3, 1, hour, 30, tzinfo=UTC))
    assert found == datetime(2024, 3, day, tzinfo=UTC) - timedelta(hours=8)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("", None),
        ("-", None),
        ("2016-05-04", date(2016, 5, 4)),
        ("2016年5月4日", date(2016, 5, 4)),
        ("2023.05.31", date(2023, 5, 31)),
        ("2016-05", date(2016, 5, 1)),
        ("2016-05-04 00:00:00", date(2016, 5, 4)),
        ("19490401", date(1949, 4, 1)),
    ],
)
def test_parse_date_known_form_gives_day(text: str, day: date | None) -> None:
    assert parse_date(text) == day
