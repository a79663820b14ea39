"""Rules and rows as they are read from the store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from jobschema import Job, Platform
from jobstore.sql import SqlSink
from jobstore.sql.reading import PORTION, read_rows
from jobstore.sql.rules import add_rule, change_rule, read_rules

AT = datetime(2026, 3, 1, 8, 0, 0, 123456, tzinfo=UTC)
RULE = {"kind": "job", "field": "title", "pattern": r"急聘[！!]*\s", "action": "replace"}


def test_rules_come_back_in_order_and_enabled(sink: SqlSink) -> None:
    second = add_rule(sink.database, RULE, AT)
    first = add_rule(sink.database, RULE | {"position": -1}, AT)
    off = add_rule(sink.database, RULE | {"is_enabled": False}, AT)
    assert [rule["id"] for rule in read_rules(sink.database)] == [first, second]
    assert off in [rule["id"] for rule in read_rules(sink.database, all_of_them=True)]
    rule = read_rules(sink.database)[1]
    assert {name: rule[name] for name in RULE} == RULE
    assert (rule["version"], rule["changed_at"], rule["replacement"], rule["platform"]) == (1, AT, "", "")


def test_a_changed_rule_counts_its_version_up(sink: SqlSink) -> None:
    rule_id = add_rule(sink.database, RULE, AT)
    assert change_rule(sink.database, rule_id, {"pattern": "x"}, AT)
    (rule,) = read_rules(sink.database)
    assert (rule["version"], rule["pattern"]) == (2, "x")
    assert not change_rule(sink.database, rule_id + 1, {"pattern": "y"}, AT)


def test_rows_are_walked_over_in_portions(sink: SqlSink, make_job: Callable[..., Any]) -> None:
    rows = [make_job(f"j{number:05}", platform=platform) for platform in (Platform.BOSS, Platform.ZHILIAN) for number in range(PORTION)]
    sink.write_rows(rows, "t")
    assert list(read_rows(sink.database, Job)) == rows
    assert list(read_rows(sink.database, Job, limit=PORTION + 1)) == rows[: PORTION + 1]
    assert list(read_rows(sink.database, Job, limit=0)) == []
