"""Two real stores that are made to disagree: every difference is found, none invented, all mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from jobschema import Company, Education, Job, Period, Platform
from jobstore import ClickHouseStore
from jobstore.parity import ParityCheck, ParityReport
from jobstore.parity.sides import ClickHouseSide, SqlSide
from jobstore.sql import SqlSink

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
Make = Callable[..., Any]


@pytest.fixture(scope="module")
def folder_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseStore]:
    opened = ClickHouseStore.open(f"chdb://{tmp_path_factory.mktemp('parity')}/store")
    opened.ensure_schema()
    yield opened
    opened.close()


class Stores:
    """Both stores, written together as a crawl does it, or one by one."""

    def __init__(self, clickhouse: ClickHouseStore, sink: SqlSink) -> None:
        self.clickhouse, self.sink = clickhouse, sink
        self.count = 0

    def write(self, *rows: Any) -> None:
        self.write_clickhouse(*rows)
        self.sink.write_rows(rows, "t")

    def write_clickhouse(self, *rows: Any) -> None:
        self.count += 1
        self.clickhouse.write_rows(rows, f"t{id(self)}.{self.count}")

    def spoil(self, statement: str) -> None:
        self.sink.database.write(lambda transaction: transaction.connection.exec_driver_sql(statement))

    def compare(self, *, repair: bool = False, at: datetime = START + timedelta(days=365), slice_rows: int = 20_000) -> ParityReport:
        sides = ClickHouseSide(self.clickhouse), SqlSide(self.sink)
        return ParityCheck(*sides, slice_rows=slice_rows, clock=lambda: at).run(repair=repair)


@pytest.fixture
def stores(folder_store: ClickHouseStore, sink: SqlSink) -> Stores:
    for platform in Platform:
        for noun in ("job", "company"):
            folder_store.read(f"TRUNCATE TABLE {platform}_{noun}")
    for noun in ("job", "company"):
        folder_store.read(f"TRUNCATE TABLE {noun}_sighting")
    folder_store.forget_known()
    return Stores(folder_store, sink)


def strange_rows(make_job: Make, make_company: Make) -> list[Any]:
    """Values that engines spell in different ways."""
    return [
        make_job(
            "full",
            title="工程师 😀 'q' \\ %s \t \x01 tail ",
            url="https://example.test/a/b",
            longitude=-0.1234565,
            latitude=39.9999995,
            salary_low=0.125,
            salary_high=1e15,
            salary_period=Period.MONTH,
            education=Education.BACHELOR,
            skills=["Go", 'a"b', "中/文\n", "\x02", ""],
            negotiable=True,
            recruits=-3,
            description="x\0y",
            published_at=datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        ),
        make_job("empty"),
        make_job("surrogate", title="a\ud83d"),
        make_company("c1", registered_capital=5.5e13, size_low=20, founded_on=date(1897, 2, 3), introduction=""),
        make_job("other", platform=Platform.ZHILIAN),
    ]


def test_stores_written_alike_have_no_difference(stores: Stores, make_job: Make, make_company: Make) -> None:
    stores.write(*strange_rows(make_job, make_company))
    report = stores.compare()
    assert report.samples == []
    assert (report.differences, sum(table.clickhouse_rows for table in report.tables), sum(table.sql_rows for table in report.tables)) == (
        0,
        5,
        5,
    )


def test_a_history_ends_alike_in_both_stores(stores: Stores, make_job: Make) -> None:
    random = Random(5)
    choices: dict[str, list[Any]] = {
        "title": ["a", "A", "b"],
        "description": [None, None, "短", "全文"],
        "salary_text": ["", "1万", "面议"],
        "month_low": [None, 1e4],
        "negotiable": [False, True],
        "skills": [[], ["Go"], ["Go", "C"]],
        "longitude": [None, 116.4],
        "place_text": ["", "北京"],
        "city": ["", "北京"],
    }
    for day in range(12):
        rows = [
            make_job(f"j{number}", day=day, **{name: random.choice(values) for name, values in choices.items()})
            for number in range(40)
            if random.random() < 0.7
        ]
        # What a text means follows from the text.
        rows = [replace(row, month_low=1e4 if row.salary_text == "1万" else None, negotiable=row.salary_text != "1万") for row in rows]
        rows = [replace(row, city="北京" if row.place_text else "") for row in rows]
        stores.write(*rows)
    report = stores.compare()
    assert report.samples == []
    assert report.differences == 0


DAMAGE = [
    ("DELETE FROM job WHERE job_id = 'j3'", "in ClickHouse only"),
    ("UPDATE job SET title = 'SPOILT' WHERE job_id = 'j3'", "differs in title"),
    ("UPDATE job SET month_low = month_low + 0.01 WHERE job_id = 'j3'", "differs in month_low"),
    ("UPDATE job SET skills = '[\"go\"]' WHERE job_id = 'j3'", "differs in skills"),
    ("UPDATE job SET description = NULL WHERE job_id = 'j3'", "differs in description"),
    ("UPDATE job SET negotiable = 1 WHERE job_id = 'j3'", "differs in negotiable"),
    ("UPDATE job SET published_at = '2026-02-01 00:00:00.000001' WHERE job_id = 'j3'", "differs in published_at"),
]


@pytest.mark.parametrize(("statement", "words"), DAMAGE, ids=[words for _, words in DAMAGE])
def test_damage_is_found_named_and_mended(stores: Stores, make_job: Make, statement: str, words: str) -> None:
    rows = [make_job(f"j{number}", month_low=1000.0, skills=["Go"], description="d", published_at=START) for number in range(20)]
    stores.write(*rows)
    stores.spoil(statement)
    report = stores.compare(repair=True)
    assert report.samples == [f"boss job j3: {words}"]
    assert (report.differences, report.mended) == (1, 1)
    assert stores.compare().differences == 0


def test_a_row_that_only_mysql_has_goes_to_clickhouse_with_its_times(stores: Stores, make_job: Make) -> None:
    stores.sink.write_rows([make_job(description="全文"), make_job(day=3, description="全文")], "t")
    report = stores.compare(repair=True)
    assert report.samples == ["boss job j1: in MySQL only"]
    assert (report.differences, report.mended) == (1, 1)
    (row,) = stores.clickhouse.read("SELECT first_seen, last_seen, description FROM boss_job_latest")
    assert row == {"first_seen": START, "last_seen": START + timedelta(days=3), "description": "全文"}


def test_the_side_that_saw_it_later_wins(stores: Stores, make_job: Make) -> None:
    stores.write(make_job("a", title="旧"), make_job("b", title="旧"))
    stores.sink.write_rows([make_job("a", title="新", day=2)], "t")
    stores.write_clickhouse(make_job("b", title="新", day=2))
    report = stores.compare(repair=True)
    assert (report.differences, report.mended) == (2, 2)
    assert stores.compare().differences == 0
    titles = stores.clickhouse.read("SELECT title FROM boss_job_latest ORDER BY job_id")
    assert [row["title"] for row in titles] == ["新", "新"]


def test_a_merged_row_told_to_clickhouse_joins_what_that_knows(stores: Stores, make_job: Make) -> None:
    stores.write_clickhouse(make_job("a", title="旧", description="全文"))
    stores.sink.write_rows([make_job("a", title="新", day=2)], "t")
    assert stores.compare(repair=True).mended == 1
    assert stores.compare().differences == 0
    (row,) = stores.sink.database.read(lambda transaction: transaction.read("SELECT title, description FROM job"))
    assert tuple(row) == ("新", "全文")


def test_rows_that_are_still_on_their_way_are_left_alone(stores: Stores, make_job: Make) -> None:
    stores.write_clickhouse(make_job("fresh", day=1), make_job("old"))
    report = stores.compare(repair=True, at=START + timedelta(days=1, minutes=5))
    assert report.samples == ["boss job old: in ClickHouse only"]
    assert (report.differences, sum(table.unsettled for table in report.tables), report.mended) == (1, 1, 1)


def test_many_slices_find_exactly_what_was_done(stores: Stores, make_job: Make, make_company: Make) -> None:
    rows = [make_job(f"j{number:05}") for number in range(3000)]
    stores.write(*rows, make_company("c1"))
    stores.spoil("DELETE FROM job WHERE substr(job_id, -1) = '7'")
    stores.spoil("UPDATE job SET title = 'x' WHERE substr(job_id, -2) = '03'")
    stores.sink.write_rows([make_job(f"k{number:05}") for number in range(500)], "t")
    report = stores.compare(repair=True, slice_rows=400)
    boss = report.tables[0]
    assert (boss.missing_in_sql, boss.different, boss.missing_in_clickhouse, boss.mended) == (300, 30, 500, 830)
    assert (boss.clickhouse_rows, boss.sql_rows) == (3000, 3200)
    again = stores.compare(slice_rows=400)
    assert (again.differences, again.tables[0].sql_rows, again.tables[0].clickhouse_rows) == (0, 3500, 3500)


def test_an_empty_store_is_filled_from_the_other(stores: Stores, make_company: Make) -> None:
    stores.sink.write_rows([make_company(f"c{number}") for number in range(10)], "t")
    assert stores.compare(repair=True, slice_rows=3).mended == 10
    stores.spoil("DELETE FROM company")
    assert stores.compare(repair=True, slice_rows=3).mended == 10
    assert isinstance(make_company("c"), Company)
    assert Job is not Company
