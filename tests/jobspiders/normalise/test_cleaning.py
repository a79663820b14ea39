"""Cleaning rules over raw rows: what they change, what they leave, and which rules are refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from jobschema import Platform
from jobspiders.normalise import normalise_job
from jobspiders.normalise.cleaning import CleaningRule, RuleInvalidError, RuleSet, cleanable, make_rules
from jobspiders.normalise.cleaning_report import rehearse
from jobspiders.platforms.base import RawCompany, RawJob


def rule(**values: Any) -> CleaningRule:
    return CleaningRule(**({"id": 1, "kind": "job", "field": "title", "pattern": "急聘[！!]*"} | values))


def job(**values: Any) -> RawJob:
    return RawJob(**({"job_id": "j1", "title": "急聘！！工程师"} | values))


@pytest.mark.parametrize(
    ("made", "raw", "field", "after"),
    [
        (rule(), job(), "title", "工程师"),
        (rule(replacement="招"), job(), "title", "招工程师"),
        (rule(pattern=r"(\w+)/(\w+)", replacement=r"\2/\1"), job(title="a/b c/d"), "title", "b/a d/c"),
        (rule(field="skills", pattern="^其他$"), job(skills=["Go", "其他"]), "skills", ["Go"]),
        (rule(field="skills", pattern="o"), job(skills=["Go", "C"]), "skills", ["G", "C"]),
        (rule(field="description", pattern="x"), job(description=None), "description", None),
        (rule(field="description", pattern="x"), job(description="axb"), "description", "ab"),
        (rule(platform="qcwy"), job(), "title", "急聘！！工程师"),
        (rule(platform="boss"), job(), "title", "工程师"),
        (rule(kind="company", field="name", pattern="急聘"), job(), "title", "急聘！！工程师"),
        (rule(pattern="😀"), job(title="a😀\ud83d"), "title", "a?"),
    ],
)
def test_a_rule_changes_what_its_pattern_finds(made: CleaningRule, raw: RawJob, field: str, after: object) -> None:
    before = getattr(raw, field)
    cleaned = RuleSet((made,)).clean(raw, "boss")
    assert getattr(cleaned.raw, field) == after
    assert getattr(raw, field) == before, "the raw row is not changed"
    assert cleaned.changed_by == ((made,) if after != before else ())


def test_rules_apply_in_order_of_position_then_id() -> None:
    rules = RuleSet(
        (
            rule(id=3, pattern="b", replacement="c"),
            rule(id=2, pattern="a", replacement="b"),
            rule(id=9, position=-1, pattern="x", replacement="a"),
        )
    )
    cleaned = rules.clean(job(title="x"), "boss")
    assert cleaned.raw.title == "c"
    assert [one.id for one in cleaned.changed_by] == [9, 2, 3]


def test_a_row_that_a_rule_rejects_is_named_with_the_rule() -> None:
    reject = rule(field="company_name", pattern="测试", action="reject")
    assert RuleSet((reject,)).clean(job(company_name="测试公司"), "boss").rejected_by is reject
    assert RuleSet((reject,)).clean(job(company_name="公司"), "boss").rejected_by is None
    assert RuleSet((rule(field="skills", pattern="x", action="reject"),)).clean(job(skills=["a", "x"]), "boss").rejected_by is not None


def test_a_company_is_cleaned_too() -> None:
    made = rule(kind="company", field="name", pattern="（推广）")
    assert RuleSet((made,)).clean(RawCompany(company_id="c1", name="公司（推广）"), "boss").raw.name == "公司"


def test_what_follows_from_a_cleaned_text_follows() -> None:
    raw = RuleSet((rule(field="salary_text", pattern="起薪:"),)).clean(job(salary_text="起薪:1-2万"), "boss").raw
    row = normalise_job(raw, platform=Platform.BOSS, keyword="", crawled_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert (row.salary_low, row.salary_text) == (10000, "1-2万")


@pytest.mark.parametrize(
    ("values", "valid"),
    [
        ({"kind": "pending"}, "job or company"),
        ({"action": "drop"}, "replace or reject"),
        ({"field": "job_id"}, "title"),
        ({"field": "salary_low"}, "salary_text"),
        ({"pattern": "("}, "RE2"),
        ({"pattern": ""}, "empty text"),
        ({"pattern": "a*"}, "empty text"),
        ({"pattern": r"(?=a)"}, "RE2"),
        ({"pattern": "(a)", "replacement": r"\2"}, "groups up to"),
        ({"pattern": "(a)", "replacement": r"\x"}, "groups up to"),
        ({"pattern": "((((a{1,100}){1,100}){1,100}){1,100})"}, "RE2"),
    ],
)
def test_a_rule_that_cannot_be_applied_is_refused_by_name(values: dict[str, str], valid: str) -> None:
    with pytest.raises(RuleInvalidError, match="cleaning_rule 7") as caught:
        RuleSet((rule(id=7, **values),))
    assert valid in str(caught.value)


def test_version_of_the_rules_changes_with_each_of_them() -> None:
    versions = {RuleSet(rules).version for rules in ((), (rule(),), (rule(version=2),), (rule(replacement="x"),), (rule(), rule(id=2)))}
    assert len(versions) == 5
    assert RuleSet((rule(), rule(id=2))).version == RuleSet((rule(id=2), rule())).version


def test_rows_of_the_table_become_rules() -> None:
    rules = make_rules([{"id": 1, "kind": "job", "field": "title", "pattern": "x", "note": "why", "is_enabled": True, "changed_at": None}])
    assert rules.rules == (rule(pattern="x"),)
    assert rules.rules[0].mark == "title:rule_1v1"


def test_ids_and_page_addresses_cannot_be_cleaned() -> None:
    for kind in ("job", "company"):
        assert not {"job_id", "company_id", "url", "keyword", "platform", "content_hash"}.intersection(cleanable(kind))
    assert {"title", "skills", "description"} <= set(cleanable("job"))


def test_rehearsal_over_stored_rows_tells_and_keeps_nothing() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        normalise_job(job(job_id=f"j{number}", title=text), platform=Platform.BOSS, keyword="", crawled_at=at)
        for number, text in enumerate(("急聘!a", "b", "骗"))
    ]
    report = rehearse(RuleSet((rule(), rule(id=2, pattern="骗", action="reject"))), rows, samples=1)
    assert (report.rows, report.changed, report.rejected) == (3, 1, 1)
    assert report.samples == [("boss", "j0", "title", "急聘!a", "a")]
    assert {one.id: count for one, count in report.by_rule.items()} == {1: 1, 2: 1}
