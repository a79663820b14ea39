"""Bodies read in one pass: what comes out is what the closer look makes of them, or nothing, and then the closer look decides."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_api.ingest_body import read_json
from control_api.ingest_rows import ROWS, read_rows
from control_api.ingest_typed import read_typed
from control_api.schemas.ingest import MOST_ROWS
from jobschema import Platform
from jobschema.columns import columns

MOMENT = "2026-11-24T08:00:00.000001+08:00"
FETCHED = {"crawled_at": MOMENT, "content_hash": "0f" * 16, "raw": '{"名":"\\"值\\""}'}
GOOD: dict[str, dict[str, Any]] = {
    "job": {"platform": "boss", "job_id": "j1", "title": "数据", "salary_low": 8000.5, "education": "master", "skills": ["SQL"], **FETCHED},
    "company": {"platform": "boss", "company_id": "c1", "name": "某某", "founded_on": "2001-02-03", "size_low": 20, **FETCHED},
    "pending_company": {"platform": "boss", "company_id": "c1", "seen_at": MOMENT},
}


def make_body(data_type: str, rows: Any, **said: Any) -> bytes:
    return json.dumps({"data_type": data_type, "platform": "boss", "batch_id": "some-batch", "data_list": rows, **said}).encode()


@pytest.mark.parametrize("data_type", sorted(ROWS))
@pytest.mark.parametrize("count", [0, 1, 3])
def test_good_body_becomes_the_rows_that_the_closer_look_makes(data_type: str, count: int) -> None:
    items = [GOOD[data_type]] * count
    typed = read_typed(make_body(data_type, items))
    assert typed is not None
    asked, rows = typed
    assert (asked.data_type, asked.platform, asked.batch_id, asked.schema_version) == (data_type, Platform.BOSS, "some-batch", 1)
    assert (rows, []) == read_rows(data_type, Platform.BOSS, items)
    assert all(type(row) is ROWS[data_type] for row in rows)


def test_good_body_written_in_another_order_is_read_too() -> None:
    body = {"data_list": [GOOD["company"]], "schema_version": 1, "platform": "boss", "data_type": "company"}
    typed = read_typed(orjson.dumps(body))
    assert typed is not None
    assert [row.name for row in typed[1]] == ["某某"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"data_type": "job"',
        b'{"data_type": "job", "platform": "boss", "data_list": "\xed\xa0\x80"}',
        b"[" * 100_000,
        make_body("job", {}),
        make_body("jobs", []),
        make_body("job", [GOOD["company"]]),
        make_body("job", [], platform="linkedin"),
        make_body("job", [], batch_id="../../etc"),
        make_body("job", [], schema_version=2),
        make_body("job", [], is_admin=True),
        make_body("job", [{**GOOD["job"], "is_admin": True}]),
        make_body("job", [{**GOOD["job"], "platform": "qcwy"}]),
        make_body("job", [{**GOOD["job"], "content_hash": "0F" * 16}]),
        make_body("job", [{**GOOD["job"], "content_hash": "0f" * 16 + "\n"}]),
        make_body("job", [{**GOOD["job"], "raw": "\ud800"}]),
        make_body("company", [{**GOOD["company"], "founded_on": "1899-12-31"}]),
        make_body("job", [GOOD["job"], 7]),
        make_body("pending_company", [GOOD["pending_company"]] * (MOST_ROWS + 1)),
    ],
)
def test_body_with_anything_wrong_is_left_to_the_closer_look(body: bytes) -> None:
    assert read_typed(body) is None


DATES = ["2026-11-24", "1900-01-01", "1899-12-31", "2299-12-31", "2300-01-01", "2026-W48-2", "20261124"]
MOMENTS = [
    *("2026-11-24T08:00:00", "2026-11-24 08:00:00+08:00", "2026-11-24T08:00Z", "20261124T080000Z", "2026-11-24T08:00:00z"),
    *("2026-11-24T24:00:00Z", "1900-06-01T00:00:00Z", "1901-01-01T00:00:00Z", "2298-12-31T23:59:59.999999Z", "2299-01-01T00:00:00Z"),
    "0001-01-01T00:00:00+14:00",
]
NUMBERS = [0, -1, 12.0, 1e300, 1e301, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**30]
OTHERS = [None, True, False, "", "x" * 64, "x" * 65, "boss", "month", "master", "a\u0000b", [], [""], [None], {}]
NEAR_MISSES = st.sampled_from([*DATES, *MOMENTS, *NUMBERS, *OTHERS])
VALUES = NEAR_MISSES | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=3)


@settings(max_examples=400, deadline=None)
@given(data=st.data(), data_type=st.sampled_from(sorted(ROWS)))
def test_body_read_in_one_pass_is_never_read_as_something_else(data: st.DataObject, data_type: str) -> None:
    names = [column.name for column in columns(ROWS[data_type])]
    changes = data.draw(st.lists(st.dictionaries(st.sampled_from(names), VALUES, max_size=2), min_size=1, max_size=3))
    items = [{**GOOD[data_type], **change} for change in changes]
    typed = read_typed(make_body(data_type, items))
    if typed is not None:
        assert (typed[1], []) == read_rows(data_type, Platform.BOSS, read_json(json.dumps(items).encode()))
