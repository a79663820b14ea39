"""The contract: what a row is, which columns make its content hash, what the enums order."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobschema import Company, Education, Job, Platform, Verdict
from jobschema.columns import Kind, columns
from jobschema.content import content_hash, digest, published_names, said
from jobschema.rows import PendingCompany

ROWS = (Job, Company, PendingCompany)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
JOB: dict[str, Any] = {"platform": Platform.QCWY, "job_id": "1", "title": "Python", "crawled_at": NOW, "content_hash": "", "raw": "{}"}
# What every job must carry (name -> whether the platform published it, so that a change of it is a new version).
PROMISED = {
    **dict.fromkeys(("url", "title", "company_id", "company_name", "city_code", "longitude", "latitude", "salary_text"), True),
    **dict.fromkeys(("experience_text", "education_text", "skills", "welfare", "industry", "description"), True),
    **dict.fromkeys(
        ("platform", "job_id", "city", "district", "area", "salary_low", "salary_high", "salary_period", "salary_months"), False
    ),
    **dict.fromkeys(("month_low", "month_high", "negotiable", "experience_low", "experience_high", "education", "employment"), False),
    **dict.fromkeys(("recruits", "published_at", "updated_at", "keyword", "crawled_at", "content_hash", "raw", "recruiter"), False),
}


def test_job_carries_what_is_promised_and_hashes_only_what_the_platform_published() -> None:
    published = set(published_names(Job))
    assert set(PROMISED) <= {column.name for column in columns(Job)}
    assert {name: name in published for name in PROMISED} == PROMISED


@pytest.mark.parametrize("row", ROWS)
def test_row_every_field_is_a_documented_column_and_is_keyed_by_platform_and_id(row: type) -> None:
    made = columns(row)
    assert [column.name for column in made] == [field.name for field in fields(row)]
    assert all(column.doc for column in made)
    keys = [column.name for column in made if column.key]
    assert keys[0] == "platform"
    assert len(keys) == 2
    assert all(not column.nullable for column in made if column.key)
    assert all(column.choices for column in made if column.kind is Kind.ENUM)


def test_row_is_frozen_and_has_no_room_for_more() -> None:
    job = Job(**JOB)
    with pytest.raises(FrozenInstanceError):
        job.title = "Java"  # type: ignore[misc]
    assert not hasattr(job, "__dict__")


@pytest.mark.parametrize(
    ("change", "is_new_version"),
    [
        ({"title": "Java"}, True),
        ({"salary_text": "1-2万"}, True),
        ({"skills": ["Django"]}, True),
        ({"description": "text"}, True),
        ({"longitude": 0.0}, True),
        ({"description": None}, False),
        ({"url": ""}, False),
        ({"keyword": "python"}, False),
        ({"crawled_at": NOW.replace(year=2027)}, False),
        ({"updated_text": "2026-01-01", "updated_at": NOW}, False),
        ({"salary_low": 10000.0, "month_low": 10000.0}, False),
        ({"raw": '{"jobRank": 3}'}, False),
        ({"job_id": "2"}, False),
    ],
)
def test_content_hash_changes_with_what_was_published_and_with_nothing_else(change: dict[str, Any], is_new_version: bool) -> None:
    assert (content_hash(Job, {**JOB, **change}) != content_hash(Job, JOB)) is is_new_version


def test_content_hash_of_a_column_that_says_nothing_yet_is_as_if_it_were_not_there() -> None:
    empty: dict[str, Any] = {"url": "", "skills": [], "description": None}
    assert content_hash(Job, {**JOB, **empty}) == content_hash(Job, JOB)
    assert [name for name, _ in said(Job, {**JOB, **empty})] == ["title"]


@given(st.text(), st.text(), st.lists(st.text()))
def test_content_hash_is_32_digits_and_stable_whatever_the_text(title: str, description: str, skills: list[str]) -> None:
    values = {**JOB, "title": title, "description": description, "skills": skills}
    assert content_hash(Job, values) == content_hash(Job, dict(reversed(list(values.items()))))
    assert len(content_hash(Job, values)) == 32


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8"), min_size=1))
def test_content_hash_tells_two_texts_apart(one: str, other: str) -> None:
    hashes = {content_hash(Job, {**JOB, "description": text}) for text in (one, other)}
    assert len(hashes) == len({one, other})


def test_content_hash_takes_half_an_emoji_and_a_date() -> None:
    assert len(content_hash(Company, {"name": "\ud83d", "founded_text": date(2020, 1, 1)})) == 32
    assert digest(b"") != digest(b"x")


def test_education_is_ordered_from_the_lowest_to_the_highest() -> None:
    assert [*Education] == sorted(Education, key=[*Education].index)
    assert [*Education].index(Education.BACHELOR) < [*Education].index(Education.MASTER) < [*Education].index(Education.DOCTOR)


@pytest.mark.parametrize("verdict", Verdict)
def test_verdict_is_never_good_and_a_block_at_once(verdict: Verdict) -> None:
    assert not (verdict.is_good and verdict.is_block)
    assert verdict.is_good == (verdict in (Verdict.OK, Verdict.EMPTY, Verdict.NOT_FOUND))
