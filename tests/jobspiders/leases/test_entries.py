"""Messages of the inbox: what is read as a keyword, and what every other one is told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobschema import Platform
from jobschema.messages import Keyword
from jobspiders.leases.entries import MessageUnreadableError, entry_id, read_entry, read_message, run_of, text_of, write_entry


@pytest.mark.parametrize(
    ("message", "keyword", "run"),
    [
        ("Python", Keyword(Platform.BOSS, "Python", ""), ""),
        ('{"text": " 数据 "}', Keyword(Platform.BOSS, "数据", ""), ""),
        ('{"keyword": "a", "city": "北京", "pages": "3"}', Keyword(Platform.BOSS, "a", "北京", 3), ""),
        (
            '{"text": "a", "city_code": 101, "depth": 2, "priority": -5, "keyword_id": 9, "run": "2026-11-20", "platform": "boss"}',
            Keyword(Platform.BOSS, "a", "101", 2, "9", -5),
            "2026-11-20",
        ),
    ],
)
def test_message_is_read_as_keyword_and_run(message: str, keyword: Keyword, run: str) -> None:
    assert read_message(message, Platform.BOSS) == (keyword, run)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("", "text must have 1 to 100"),
        ("{", "is no JSON"),
        ('{"url": "https://example.com"}', "unknown fields url; valid are"),
        ('{"text": ["a"]}', "text must have"),
        ('{"text": "' + "x" * 101 + '"}', "text must have"),
        ('{"text": "\\ud800"}', "must be printable"),
        ('{"text": "a\\u0000"}', "must be printable"),
        ('{"text": "a", "depth": "deep"}', "has depth 'deep'"),
        ('{"text": "a", "priority": true}', "has priority True"),
        ('{"text": "a", "priority": "--5"}', "has priority '--5'; it must be a whole number"),
        ('{"text": "a", "priority": "\u00b2"}', "has priority '²'; it must be a whole number"),
        ('{"text": "a", "priority": "' + "9" * 5000 + '"}', "it must be a whole number of at most nine digits"),
        ('{"text": "a", "depth": 0}', "has depth 0; valid are 1 to 1000"),
        ('{"text": "a", "depth": -3}', "has depth -3; valid are 1 to 1000"),
        ('{"text": ' + "[" * 100_000, "is no JSON"),
        ('{"text": "a", "run": "\\ud800"}', "has run '.ud800'; it must be a text"),
        ('{"text": "a", "city": ["101"]}', "has city .'101'.; it must be a text"),
        ('{"text": "a", "keyword_id": "' + "x" * 101 + '"}', "has keyword_id 'xxx"),
        ('{"text": "a", "\\ud800": 1}', "unknown fields '.ud800'"),
        ('{"text": "a", "platform": "qcwy"}', "is for 'qcwy', but this is the queue of boss"),
    ],
)
def test_message_that_is_no_keyword_says_why(message: str, said: str) -> None:
    with pytest.raises(MessageUnreadableError, match=said):
        read_message(message, Platform.BOSS)


FIELDS = st.sampled_from(["text", "keyword", "city", "city_code", "depth", "pages", "priority", "run", "keyword_id", "platform", "other"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["Python", "boss", "-", "--5", "²", "\ud800", "1e3"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
)


@given(st.dictionaries(FIELDS, VALUES).map(json.dumps) | st.text())
def test_any_message_is_read_or_refused_in_words_that_can_be_written(message: str) -> None:
    """One that raised anything else would stop the heartbeat of every node that reads it."""
    try:
        keyword, run = read_message(message, Platform.BOSS)
    except MessageUnreadableError as error:
        str(error).encode()
    else:
        entry_id(replace(keyword, city_code="1"), run.replace("|", "")).encode()
        assert read_entry(write_entry(keyword), Platform.BOSS) == keyword
        write_entry(keyword).encode()


def test_entry_written_and_read_is_the_same_keyword() -> None:
    keyword = Keyword(Platform.QCWY, 'C++ | "后端"', "020000", 4, "12", 7)
    assert read_entry(write_entry(keyword), Platform.QCWY) == keyword


def test_identity_tells_keywords_apart_by_run_city_depth_and_text() -> None:
    base: dict[str, Any] = {"platform": Platform.BOSS, "text": "a|b", "city_code": "1", "depth": None}
    identities = {
        entry_id(Keyword(**base | change), run) for change in ({}, {"text": "b"}, {"city_code": "2"}, {"depth": 1}) for run in ("", "r")
    }
    assert len(identities) == 8
    assert entry_id(Keyword(**base | {"keyword_id": "5", "priority": 3})) in identities, "the same search, however it is filed"
    assert (run_of("r|1||a|b"), text_of("r|1||a|b")) == ("r", "a|b")


@pytest.mark.parametrize(("city", "run"), [("1|2", ""), ("1", "a|b")])
def test_identity_with_a_separator_in_run_or_city_is_refused(city: str, run: str) -> None:
    with pytest.raises(ValueError, match=r"holds .\|."):
        entry_id(Keyword(Platform.BOSS, "a", city), run)
