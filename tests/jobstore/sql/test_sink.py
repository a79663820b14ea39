"""Current rows: what a batch leaves behind, whatever came before it, however often it comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from jobschema import Company, Education, Job, Period, Platform
from jobschema.content import content_hash
from jobschema.rows import Row
from jobstore.batch import Sink
from jobstore.errors import RowRefusedError
from jobstore.sql import SqlSink
from jobstore.sql.rows import decode_row, write_moment
from jobstore.sql.sink import SeenRow, find_first
from jobstore.sql.tables import COMPANY, CURRENT, JOB

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
Make = Callable[..., Any]


def current(sink: SqlSink, row_id: str = "j1", row: type = Job) -> dict[str, Any]:
    """The stored row as column -> value, the lifecycle's as they lie there."""
    table = CURRENT[row]
    query = f"SELECT {', '.join(f'`{name}`' for name in table.names)} FROM `{table.name}` WHERE `{table.id_name}` = ?"
    (cells,) = sink.database.read(lambda transaction: transaction.read(query, [row_id]))
    return decode_row(table, cells) | dict(zip(table.names[len(table.declared) :], cells[len(table.declared) :], strict=True))


def count(sink: SqlSink) -> int:
    return sum(
        sink.database.read(lambda transaction, name=name: transaction.read(f"SELECT COUNT(*) FROM {name}"))[0][0]
        for name in ("job", "company")
    )


def full_job(make_job: Make) -> Job:
    return make_job(
        title="工程师 😀 'q' \\ %s ? \0 \x1f; DROP TABLE job; --",
        url="https://example.test/1",
        longitude=116.4,
        latitude=39.9,
        salary_text="1-2万",
        salary_low=10000.0,
        salary_high=20000.5,
        salary_period=Period.MONTH,
        education=Education.BACHELOR,
        skills=["Go", 'a"b', "中\n文"],
        negotiable=False,
        recruits=3,
        recruiter='{"name": "x"}',
        description="",
        published_at=datetime(2026, 2, 1, 1, 2, 3, 456789, tzinfo=UTC),
        problems=["title:odd"],
        keyword="python",
        raw='{"a": "\\u0000 é"}',
    )


def test_every_column_comes_back_as_it_went_in(sink: SqlSink, make_job: Make, make_company: Make) -> None:
    job = full_job(make_job)
    company = make_company(registered_capital=5e13, size_low=20, founded_on=date(1897, 2, 3), introduction="介绍")
    assert sink.write_rows([job, company], "t") == {"rows": 2, "jobs": 1, "companies": 1, "skipped": 0}
    for row, row_id in ((job, "j1"), (company, "c1")):
        stored = current(sink, row_id, type(row))
        assert type(row)(**{name: stored[name] for name in type(row).__slots__}) == row
        assert stored["first_seen"] == stored["last_seen"] == stored["changed_at"] == write_moment(START)
        assert stored["delisted_at"] is stored["reposted_at"] is None


def test_a_batch_replayed_changes_nothing(sink: SqlSink, make_job: Make) -> None:
    rows = [make_job("j1"), make_job("j2", day=1)]
    sink.write_rows(rows, "t")
    before = [current(sink, name) for name in ("j1", "j2")]
    sink.write_rows(rows, "t")
    assert [current(sink, name) for name in ("j1", "j2")] == before


def test_an_old_batch_never_overwrites_a_newer_row(sink: SqlSink, make_job: Make) -> None:
    old, new = make_job(title="旧", day=0), make_job(title="新", day=2)
    for rows in ([old], [new], [old]):
        sink.write_rows(rows, "t")
    stored = current(sink)
    assert (stored["title"], stored["content_hash"]) == ("新", new.content_hash)
    assert (stored["first_seen"], stored["last_seen"]) == (write_moment(START), write_moment(START + timedelta(days=2)))


def test_an_unchanged_posting_seen_again_moves_last_seen_alone(sink: SqlSink, make_job: Make) -> None:
    sink.write_rows([make_job()], "t")
    before = current(sink)
    sink.write_rows([make_job(day=1)], "t")
    assert current(sink) == before | {"last_seen": write_moment(START + timedelta(days=1))}


def test_a_list_row_hides_nothing_that_a_page_told(sink: SqlSink, make_job: Make) -> None:
    whole = make_job(description="全文", welfare=["餐补"], salary_text="1-2万", month_low=10000.0)
    sink.write_rows([whole], "t")
    sink.write_rows([make_job(day=1, salary_text="面议", negotiable=True)], "t")
    stored = current(sink)
    assert (stored["description"], stored["welfare"]) == ("全文", ["餐补"])
    assert (stored["salary_text"], stored["month_low"], stored["negotiable"]) == ("面议", None, True)


def test_a_late_row_fills_what_the_newer_one_left_open(sink: SqlSink, make_job: Make) -> None:
    sink.write_rows([make_job(day=1, title="新")], "t")
    sink.write_rows([make_job(day=0, title="旧", description="全文")], "t")
    stored = current(sink)
    assert (stored["title"], stored["description"]) == ("新", "全文")


def test_any_order_of_batches_ends_alike(sink: SqlSink, make_job: Make) -> None:
    rows = [
        make_job(day=0, title="a", description="全文", salary_text="1万", month_low=1e4),
        make_job(day=1, title="b", salary_text="2万", month_low=2e4),
        make_job(day=1, title="c", experience_text="3年"),
    ]
    ends = []
    for number, order in enumerate(permutations(rows)):
        for row in order:
            sink.write_rows([replace(row, job_id=f"p{number}")], "t")
        stored = current(sink, f"p{number}")
        ends.append({name: value for name, value in stored.items() if name not in {"job_id", "changed_at", "crawled_at"}})
    assert all(end["title"] == ends[0]["title"] and end["content_hash"] == ends[0]["content_hash"] for end in ends)
    assert {end["description"] for end in ends} == {"全文"}
    assert len({end["last_seen"] for end in ends}) == 1


def test_changed_at_moves_when_a_newer_row_contradicts(sink: SqlSink, make_job: Make) -> None:
    sink.write_rows([make_job(title="Dev")], "t")
    sink.write_rows([make_job(title="Dev", description="more", day=1)], "t")
    assert current(sink)["changed_at"] == write_moment(START), "saying more is no change"
    sink.write_rows([make_job(title="DEV", day=2)], "t")
    assert current(sink)["changed_at"] == write_moment(START + timedelta(days=2)), "a change of case is one"


def test_a_posting_fetched_after_its_delisting_is_listed_again_once(sink: SqlSink, make_job: Make) -> None:
    sink.write_rows([make_job()], "t")
    gone = write_moment(START + timedelta(days=1))
    sink.database.write(
        lambda transaction: transaction.connection.exec_driver_sql(f"UPDATE job SET delisted_at = '{gone}', delisted_by = 'platform'")
    )
    sink.write_rows([make_job(day=0, title="late")], "t")
    assert current(sink)["delisted_at"] == gone, "a sighting from before says nothing about after"
    for _ in range(2):
        sink.write_rows([make_job(day=2)], "t")
    stored = current(sink)
    assert (stored["delisted_at"], stored["delisted_by"], stored["reposts"]) == (None, "", 1)
    assert stored["reposted_at"] == write_moment(START + timedelta(days=2))


def test_the_same_posting_twice_in_a_batch_leaves_the_newer(sink: SqlSink, make_job: Make) -> None:
    sink.write_rows([make_job(day=1, title="新"), make_job(day=0, title="旧")], "t")
    assert count(sink) == 1
    assert current(sink)["title"] == "新"


@pytest.mark.parametrize(
    ("values", "column", "valid"),
    [
        ({"title": "x" * 256}, "title", "255 characters"),
        ({"title": 5}, "title", "text"),
        ({"recruits": 2**63}, "recruits", "64 bits"),
        ({"recruits": True}, "recruits", "whole numbers"),
        ({"month_low": float("nan")}, "month_low", "finite"),
        ({"published_at": datetime(2026, 1, 1)}, "published_at", "time zone"),  # noqa: DTZ001 - a naive one is the case
        ({"skills": "Go"}, "skills", "list"),
        ({"skills": [1]}, "skills", "list of str"),
        ({"negotiable": "yes"}, "negotiable", "True or False"),
        ({"education": "phd"}, "education", "bachelor"),
        ({"crawled_at": None}, "crawled_at", "time zone"),
    ],
)
def test_a_row_that_does_not_fit_is_named_and_nothing_is_stored(
    sink: SqlSink, make_job: Make, values: dict[str, Any], column: str, valid: str
) -> None:
    good = make_job("good")
    bad = replace(make_job("bad"), **values)
    with pytest.raises(RowRefusedError, match=valid) as caught:
        sink.write_rows([good, bad], "t")
    assert caught.value.row is bad
    assert caught.value.column == column
    assert count(sink) == 0


def test_the_rest_of_a_batch_goes_in_when_its_refused_rows_are_taken_out(sink: SqlSink, make_job: Make) -> None:
    rows: list[Row] = [make_job(f"j{number}", title="x" * (300 if number % 7 == 3 else 30)) for number in range(20)]
    dead = store_without_refused(sink, rows)
    assert dead == ["j3", "j10", "j17"]
    assert count(sink) == 17


def store_without_refused(sink: Sink, rows: list[Row]) -> list[str]:
    """What a spool does with the error."""
    left, dead = list(rows), []
    while True:
        try:
            sink.write_rows(tuple(left), "t")
        except RowRefusedError as error:
            dead.append(error.row.job_id)  # type: ignore[attr-defined]
            left = [row for row in left if row is not error.row]
        else:
            return dead


def test_a_lone_surrogate_is_mended_and_five_megabytes_are_kept(sink: SqlSink, make_job: Make) -> None:
    sink.write_rows([make_job(title="a\ud83d", description="字" * 1_700_000)], "t")
    stored = current(sink)
    assert stored["title"] == "a�"
    assert len(stored["description"].encode()) == 5_100_000


def test_a_row_larger_than_a_packet_is_refused_by_name(sink: SqlSink, make_job: Make) -> None:
    if sink.database.is_sqlite:
        pytest.skip("SQLite has no packets")
    bad = make_job(description="x" * sink.database.packet)
    with pytest.raises(RowRefusedError, match="max_allowed_packet") as caught:
        sink.write_rows([make_job("j2"), bad], "t")
    assert caught.value.column == "description"


def test_a_pending_company_has_no_current_row(sink: SqlSink, make_pending: Make) -> None:
    assert sink.write_rows([make_pending()], "t")["skipped"] == 1
    assert count(sink) == 0


def test_ids_that_differ_in_case_are_two_postings(sink: SqlSink, make_job: Make) -> None:
    sink.write_rows([make_job("abc"), make_job("ABC"), make_job("abc", platform=Platform.QCWY)], "t")
    assert count(sink) == 3


def test_replace_rows_puts_right_what_has_the_same_hash(sink: SqlSink, make_job: Make) -> None:
    job = make_job()
    sink.write_rows([job], "t")
    sink.database.write(lambda transaction: transaction.connection.exec_driver_sql("UPDATE job SET title = 'spoilt'"))
    sink.replace_rows([SeenRow(job, START - timedelta(days=1), START)])
    stored = current(sink)
    assert (stored["title"], stored["first_seen"]) == (job.title, write_moment(START - timedelta(days=1)))


def test_replace_rows_leaves_what_was_seen_later(sink: SqlSink, make_job: Make) -> None:
    sink.write_rows([make_job(day=2, title="新")], "t")
    sink.replace_rows([SeenRow(make_job(title="旧"), START, START + timedelta(days=1))])
    assert current(sink)["title"] == "新"


def test_a_row_that_only_the_database_refuses_is_found_among_many(sink: SqlSink, make_job: Make) -> None:
    guard(sink)
    rows = [make_job(f"j{number:02}", title="forbidden" if number == 13 else "ok") for number in range(30)]
    try:
        with pytest.raises(RowRefusedError, match="the database says") as caught:
            sink.write_rows(rows, "t")
    finally:
        sink.database.write(lambda transaction: transaction.connection.exec_driver_sql("DROP TRIGGER guard"))
    assert caught.value.row is rows[13]
    assert count(sink) == 0


def guard(sink: SqlSink) -> None:
    """A database that refuses one title for reasons of its own."""
    if sink.database.is_sqlite:
        body = "BEGIN SELECT RAISE(ABORT, 'NOT NULL constraint failed') WHERE NEW.title = 'forbidden'; END"
    else:
        body = (
            "FOR EACH ROW IF NEW.title = 'forbidden' THEN SIGNAL SQLSTATE '22001' SET MYSQL_ERRNO = 1406, MESSAGE_TEXT = 'too long'; END IF"
        )
    sink.database.write(lambda transaction: transaction.connection.exec_driver_sql(f"CREATE TRIGGER guard BEFORE INSERT ON job {body}"))


@pytest.mark.parametrize("bad", [None, 0, 1, 6, 9])
def test_find_first_halves_to_the_refused_one(bad: int | None) -> None:
    asked: list[slice] = []

    def is_refused(few: slice) -> bool:
        asked.append(few)
        return bad is not None and few.start <= bad < few.stop

    assert find_first(10, is_refused) == bad
    assert len(asked) <= 5


def test_tables_hold_the_contract_in_order() -> None:
    for table in (JOB, COMPANY):
        assert tuple(table.row.__slots__) == table.names[: len(table.declared)]


def test_hash_of_the_stored_columns_is_the_hash_of_the_row(sink: SqlSink, make_job: Make) -> None:
    sink.write_rows([full_job(make_job)], "t")
    stored = current(sink)
    assert content_hash(Job, stored) == stored["content_hash"]
    assert isinstance(Company.__slots__, tuple)
