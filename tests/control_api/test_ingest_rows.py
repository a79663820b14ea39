"""Rows over the wire: what the contract says is taken, everything else is named by place and column, nothing breaks its neighbours."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_api.ingest_rows import ROWS, read_rows
from jobschema import Company, Education, Job, Platform
from jobschema.columns import columns

MOMENT = "2026-11-24T08:00:00+00:00"
GOOD = {"job_id": "j1", "title": "数据", "crawled_at": MOMENT, "content_hash": "0" * 32, "raw": "{}"}
COMPANY = {"company_id": "c1", "name": "某某", "crawled_at": MOMENT, "content_hash": "0" * 32, "raw": "{}"}


def read(item: Any, data_type: str = "job", platform: Platform = Platform.BOSS) -> Any:
    rows, faults = read_rows(data_type, platform, [item])
    assert len(rows) + len(faults) == 1
    return rows[0] if rows else faults[0]


def test_row_written_as_json_is_read_back_the_same() -> None:
    job = Job(
        platform=Platform.BOSS,
        job_id="j1",
        title="x",
        month_low=1.5,
        education=Education.MASTER,
        skills=["a"],
        published_at=datetime(2026, 1, 2, tzinfo=UTC),
        crawled_at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        content_hash="a" * 32,
        raw="{}",
    )
    assert read(orjson.loads(orjson.dumps(job))) == job
    company = Company(
        platform=Platform.QCWY,
        company_id="c",
        name="n",
        founded_on=date(2001, 2, 3),
        crawled_at=job.crawled_at,
        content_hash="b" * 32,
        raw="",
    )
    assert read(orjson.loads(orjson.dumps(company)), "company", Platform.QCWY) == company


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"job_id": ""}, "job_id"),
        ({"job_id": "x" * 65}, "job_id"),
        ({"job_id": 7}, "job_id"),
        ({"title": None}, "title"),
        ({"title": ["x"]}, "title"),
        ({"platform": "qcwy"}, "platform"),
        ({"platform": None}, "platform"),
        ({"month_low": "20"}, "month_low"),
        ({"month_low": True}, "month_low"),
        ({"month_low": 10**400}, "month_low"),
        ({"month_low": float("inf")}, "month_low"),
        ({"salary_months": 2**63}, "salary_months"),
        ({"salary_months": 12.5}, "salary_months"),
        ({"salary_months": None}, "salary_months"),
        ({"negotiable": 1}, "negotiable"),
        ({"education": "wizard"}, "education"),
        ({"skills": "SQL"}, "skills"),
        ({"skills": [1]}, "skills"),
        ({"skills": None}, "skills"),
        ({"published_at": "yesterday"}, "published_at"),
        ({"published_at": "2026-11-24T08:00:00"}, "published_at"),
        ({"published_at": "0001-01-01T00:00:00+14:00"}, "published_at"),
        ({"crawled_at": 1_700_000_000}, "crawled_at"),
        ({"content_hash": "A" * 32}, "content_hash"),
        ({"content_hash": "0" * 31}, "content_hash"),
        ({"raw": {}}, "raw"),
        ({"is_admin": True}, ""),
    ],
)
def test_row_with_a_wrong_value_is_named_and_its_neighbours_are_kept(change: dict[str, Any], column: str) -> None:
    rows, faults = read_rows("job", Platform.BOSS, [dict(GOOD), {**GOOD, **change}, {**GOOD, "job_id": "j3"}])
    assert [row.job_id for row in rows] == ["j1", "j3"]  # type: ignore[union-attr]
    assert [(fault.row, fault.column) for fault in faults] == [(1, column)]
    assert faults[0].message
    assert "wizard" not in faults[0].message


@pytest.mark.parametrize("name", ["job_id", "title", "crawled_at", "content_hash", "raw"])
def test_row_without_a_needed_column_says_that_it_is_missing(name: str) -> None:
    fault = read({key: value for key, value in GOOD.items() if key != name})
    assert (fault.column, fault.message) == (name, f"{name} is missing.")


@pytest.mark.parametrize("item", [None, 1, "x", [], [GOOD], True])
def test_row_that_is_no_object_is_named(item: Any) -> None:
    assert "object" in read(item).message


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=4
)


@settings(max_examples=100, deadline=None)
@given(data=st.data(), data_type=st.sampled_from(sorted(ROWS)))
def test_row_of_anything_is_a_good_row_or_a_fault(data: st.DataObject, data_type: str) -> None:
    names = [column.name for column in columns(ROWS[data_type])]
    base: dict[str, Any] = {"job": GOOD, "company": COMPANY, "pending_company": {"company_id": "c", "seen_at": MOMENT}}[data_type]
    items = data.draw(st.lists(st.dictionaries(st.sampled_from(names), ANY_JSON, max_size=4), max_size=4))
    whole = [{**base, **item} for item in items] + [dict(base)]
    rows, faults = read_rows(data_type, Platform.BOSS, whole)
    assert len(rows) + len(faults) == len(whole)
    assert all(dataclasses.is_dataclass(row) for row in rows)
    assert not any(fault.row == len(whole) - 1 for fault in faults)
