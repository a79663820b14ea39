"""The ending in words and as an exit code: "0 jobs" and "blocked" never look alike."""

from __future__ import annotations

from typing import Any

import pytest

from jobschema import Platform
from jobspiders.outcome import ExitCode, branch, read_outcome

DONE = {"finish_reason": "finished", "keyword/opened": 2, "keyword/complete": 2, "elapsed_time_seconds": 2.0}


@pytest.mark.parametrize(
    ("stats", "code", "words"),
    [
        ({**DONE, "rows/job": 5}, ExitCode.COMPLETE, "complete"),
        ({**DONE, "verdict/count/empty": 2}, ExitCode.COMPLETE, "complete, no jobs"),
        ({**DONE, "rows/job": 5, "verdict/count/challenge": 3, "verdict/survived": 3}, ExitCode.COMPLETE, "complete"),
        ({**DONE, "keyword/complete": 1, "verdict/refused_count/challenge": 1}, ExitCode.BLOCKED, "blocked: challenge"),
        (
            {**DONE, "finish_reason": "banned", "verdict/count/ip_banned": 12, "verdict/count/challenge": 1},
            ExitCode.BLOCKED,
            "blocked: ip_banned",
        ),
        ({**DONE, "finish_reason": "tokens_exhausted"}, ExitCode.BLOCKED, "blocked: tokens_exhausted"),
        (
            {**DONE, "keyword/complete": 1, "verdict/refused_count/schema_changed": 1},
            ExitCode.PARTIAL,
            "partial: 1 of 2 keywords (schema_changed)",
        ),
        ({**DONE, "finish_reason": "shutdown", "keyword/complete": 0}, ExitCode.PARTIAL, "partial: 0 of 2 keywords (shutdown)"),
    ],
)
def test_outcome_ending_has_its_code_and_words(stats: dict[str, Any], code: ExitCode, words: str) -> None:
    outcome = read_outcome(Platform.BOSS, stats)
    assert (outcome.exit_code, outcome.words) == (code, words)


def test_outcome_rows_per_second_counts_jobs_and_companies() -> None:
    outcome = read_outcome(Platform.BOSS, {**DONE, "rows/job": 8, "rows/company": 2})
    assert outcome.rows_per_second == 5.0
    assert read_outcome(Platform.BOSS, {}).rows_per_second == 0.0


def test_branch_takes_only_keys_below() -> None:
    assert branch({"a/b/x": 1, "a/b": 2, "a/bc/y": 3}, "a/b") == {"x": 1}
