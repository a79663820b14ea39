"""The rules of being gone: what a pass proves, and when absence is proof."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobschema import Platform
from jobstore.lifecycle import SHRUNKEN_SHARE, KeywordPass, PassOutcome, is_absent, judge_pass

START = datetime(2026, 3, 1, tzinfo=UTC)


def make_pass(**values: Any) -> KeywordPass:
    return KeywordPass(
        **(
            {
                "platform": Platform.BOSS,
                "text": "python",
                "city_code": "101010100",
                "started_at": START,
                "ended_at": START + timedelta(minutes=5),
                "jobs": 100,
            }
            | values
        )
    )


@pytest.mark.parametrize(
    ("values", "expected", "outcome"),
    [
        ({}, 0, PassOutcome.COMPLETE),
        ({}, 100, PassOutcome.COMPLETE),
        ({"jobs": 0}, 0, PassOutcome.COMPLETE),
        ({"causes": ("ip_banned",)}, 0, PassOutcome.BANNED),
        ({"causes": ("server_error", "soft_ban")}, 0, PassOutcome.BANNED),
        ({"causes": ("server_error",)}, 0, PassOutcome.PARTIAL),
        ({"causes": ("some new word",)}, 0, PassOutcome.PARTIAL),
        ({"is_truncated": True}, 0, PassOutcome.TRUNCATED),
        ({"claimed": 112}, 0, PassOutcome.TRUNCATED),
        ({"claimed": 111}, 0, PassOutcome.COMPLETE),
        ({"claimed": 307, "jobs": 51}, 0, PassOutcome.TRUNCATED),
        ({"jobs": 69}, 100, PassOutcome.SHRUNKEN),
        ({"jobs": 70}, 100, PassOutcome.COMPLETE),
        ({"jobs": 0}, 1, PassOutcome.SHRUNKEN),
    ],
)
def test_outcome_of_a_pass_is_what_it_proves(values: dict[str, Any], expected: int, outcome: PassOutcome) -> None:
    assert SHRUNKEN_SHARE == 0.7
    assert judge_pass(make_pass(**values), expected) is outcome


@pytest.mark.parametrize(
    ("horizons", "absent"),
    [
        ([1], True),
        ([1, 2], True),
        ([1, -1], False),
        ([0], False),
        ([1, None], False),
        ([None], False),
        ([], False),
    ],
)
def test_a_posting_is_absent_only_when_every_keyword_missed_it(horizons: list[int | None], absent: bool) -> None:
    assert is_absent(START, [None if hours is None else START + timedelta(hours=hours) for hours in horizons]) is absent
