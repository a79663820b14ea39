from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from jobschema import Company, Job
from jobstore.batch import RowBatch
from jobstore.blocks import BlockMaker, mend
from jobstore.errors import RowRefusedError
from jobstore.tables import SCHEMA

JOBS = SCHEMA.versions[Job, "boss"].table
COMPANIES = SCHEMA.versions[Company, "boss"].table


def make_block(table, rows, places=None):
    return BlockMaker(table).make(RowBatch(rows), type(rows[0]), places)


def column_of(block, table, name):
    return block.columns[table.names.index(name)]


@pytest.mark.parametrize(
    ("column", "value", "valid"),
    [
        ("title", None, "str"),
        ("title", 7, "str"),
        ("title", b"bytes", "str"),
        ("description", 7, "str or None"),
        ("longitude", "116.4", "float or int or None"),
        ("longitude", True, "float or int or None"),
        ("salary_months", None, "int"),
        ("salary_months", 12.5, "int"),
        ("recruits", 2**63, "64 bits"),
        ("negotiable", 1, "bool"),
        ("education", "phd", "one of unlimited, "),
        ("salary_period", 3, "str or None"),
        ("skills", "python", "list or tuple"),
        ("skills", ["python", None], "a list of str"),
        ("published_at", "2026-03-01", "datetime or None"),
        ("published_at", datetime(2026, 3, 1), "a datetime with a time zone"),  # noqa: DTZ001 - the subject
        ("crawled_at", None, "datetime"),
    ],
)
def test_make_value_that_the_column_cannot_hold_names_row_and_column(make_job, column: str, value: object, valid: str) -> None:
    bad = replace(make_job("j2"), **{column: value})
    with pytest.raises(RowRefusedError, match="'j2'") as caught:
        make_block(JOBS, [make_job("j1"), bad, make_job("j3")])
    assert caught.value.row is bad
    assert caught.value.column == column
    assert valid in str(caught.value)


def test_make_long_value_that_is_refused_is_shown_short(make_job) -> None:
    with pytest.raises(RowRefusedError) as caught:
        make_block(JOBS, [replace(make_job(), title=["长" * 100_000])])
    assert len(str(caught.value)) < 500


def test_make_date_column_takes_no_datetime(make_company) -> None:
    with pytest.raises(RowRefusedError, match="founded_on"):
        make_block(COMPANIES, [make_company(founded_on=datetime(2000, 1, 1, tzinfo=UTC))])
    assert column_of(make_block(COMPANIES, [make_company(founded_on=date(1893, 5, 1))]), COMPANIES, "founded_on") == [date(1893, 5, 1)]


@pytest.mark.parametrize(
    ("value", "microseconds"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (datetime(1970, 1, 1, 8, 0, 0, 1, tzinfo=timezone(timedelta(hours=8))), 1),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), -1),
        (datetime(2038, 1, 19, 3, 14, 8, 999_999, tzinfo=UTC), 2_147_483_648_999_999),
    ],
)
def test_make_time_becomes_exact_microseconds(make_job, value: datetime, microseconds: int) -> None:
    assert column_of(make_block(JOBS, [make_job(crawled_at=value)]), JOBS, "crawled_at") == [microseconds]


@pytest.mark.parametrize(
    ("text", "mended"),
    [("plain", "plain"), ("中文\0😀", "中文\0😀"), ("a\ud83d", "a\ufffd"), ("\udc00中\ud83d\ud83d", "\ufffd中\ufffd\ufffd")],
)
def test_mend_only_halves_of_pairs_are_replaced(text: str, mended: str) -> None:
    assert mend(text) == mended


def test_make_half_pair_hides_no_wrong_type_behind_it(make_job) -> None:
    for title in (None, 7):
        bad = replace(make_job("j2"), title=title)
        with pytest.raises(RowRefusedError, match="takes str") as caught:
            make_block(JOBS, [make_job("j1", title="a\ud83d"), bad])
        assert caught.value.row is bad


def test_make_names_the_row_among_those_at_places(make_job) -> None:
    bad = replace(make_job("j3"), crawled_at=None)
    with pytest.raises(RowRefusedError, match="'j3'") as caught:
        make_block(JOBS, [make_job("j1"), make_job("j2"), bad], places=[0, 2])
    assert caught.value.row is bad


def test_make_half_pairs_are_mended_wherever_text_may_be(make_job) -> None:
    job = make_job("j\ud83d", title="a\ud83d", city="b\ud83d", description="c\ud83d", skills=["d\ud83d", "e"], content_hash="0" * 32)
    block = make_block(JOBS, [job, make_job("j2")])
    found = {name: column_of(block, JOBS, name)[0] for name in ("job_id", "title", "city", "description", "skills")}
    assert found == {
        "job_id": "j\ufffd".encode(),
        "title": "a\ufffd".encode(),
        "city": "b\ufffd",
        "description": "c\ufffd".encode(),
        "skills": ["d\ufffd", "e"],
    }


def test_take_places_of_a_block_keeps_rows_whole(make_job) -> None:
    block = make_block(JOBS, [make_job(f"j{n}", title=f"t{n}") for n in range(4)]).take([0, 3])
    assert column_of(block, JOBS, "job_id") == [b"j0", b"j3"]
    assert column_of(block, JOBS, "title") == [b"t0", b"t3"]
