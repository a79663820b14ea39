"""Poisoned rows through the whole way into both real stores: each is stored verbatim or a dead letter, and none breaks its batch."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks.store_faults import prepare
from jobschema import Job, Platform
from jobstore.clickhouse import ClickHouseStore
from jobstore.deadletters import DeadLetters
from jobstore.errors import StoreError
from jobstore.outbox import Outbox
from jobstore.sql.sink import SqlSink

AT = datetime(2026, 3, 1, tzinfo=UTC)
SQL = "'; DROP TABLE boss_job; -- \" \\ %s {x:String}"
STORED: dict[str, dict[str, Any]] = {
    "large": {"description": "长" * 1_700_000},  # 5 MB
    "nul": {"title": "a\x00b"},
    "emoji": {"title": "👩‍💻" * 20},
    "sql": {"title": SQL, "company_name": SQL, "address": SQL, "description": SQL, "keyword": SQL, "skills": [SQL]},
    "half": {"title": "cut \ud83d"},
}
REFUSED: dict[str, dict[str, Any]] = {
    "wrong type": {"month_low": "much"},
    "too large": {"salary_months": 2**70},
    "no zone": {"published_at": datetime(2026, 3, 1)},  # noqa: DTZ001 - the poison
    "no text": {"title": None},
    "no enum": {"education": "wizard"},
}


def make_job(name: str, values: dict[str, Any]) -> Job:
    whole = {
        "platform": Platform.BOSS,
        "job_id": name,
        "title": "t",
        "crawled_at": AT,
        "content_hash": f"{abs(hash(name)):032x}",
        "raw": "{}",
    }
    return Job(**{**whole, **values})


@pytest.mark.parametrize("is_replayed", [False, True], ids=["straight", "replayed"])
def test_poisoned_rows_are_stored_verbatim_or_dead_letters(tmp_path: Path, is_replayed: bool) -> None:
    field = prepare(tmp_path, f"chdb://{tmp_path}/clickhouse")
    poison = [make_job(name, values) for name, values in {**STORED, **REFUSED}.items()]
    good = [make_job(f"good {number}", {}) for number in range(20)]
    store, database = ClickHouseStore.open(field.clickhouse), SqlSink.open(field.mysql)
    store.ensure_schema()
    failed: list[StoreError] = []
    outbox = Outbox(tmp_path / "spool", [store, database], on_failed=failed.append)
    outbox.write_rows((*good[:10], *poison, *good[10:]), "t:0")
    if is_replayed:
        assert outbox.stop(0.0) == 2
        outbox = Outbox(tmp_path / "spool", [store, database], on_failed=failed.append)
    outbox.start()
    left = outbox.stop(60.0)
    stored = {row["job_id"]: row for row in store.read("SELECT job_id, title, description, skills FROM boss_job")}
    store.close()
    database.close()
    assert (failed, left) == ([], 0)
    letters = DeadLetters(tmp_path / "spool").read()
    dead = Counter((letter.sink, letter.row["job_id"]) for letter in letters)
    assert {name for sink, name in dead if sink == "clickhouse"} == set(REFUSED)
    assert {name for sink, name in dead if sink == "mysql"} >= {"wrong type", "too large", "no zone", "no text", "no enum"}
    assert set(stored) == {row.job_id for row in good} | set(STORED)
    assert stored["large"]["description"] == STORED["large"]["description"]
    assert (stored["nul"]["title"], stored["emoji"]["title"], stored["sql"]["skills"]) == ("a\x00b", STORED["emoji"]["title"], [SQL])
