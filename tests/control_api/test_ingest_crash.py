"""kill -9 in the middle of it, a few times; `python -m benchmarks.control_crash` does it fifty times."""

from __future__ import annotations

from pathlib import Path

from benchmarks.control_crash import run


def test_batches_answered_202_are_stored_once_whenever_the_service_is_killed(tmp_path: Path) -> None:
    found = run(tmp_path, kills=2)
    assert found.taken > 0
    assert (found.lost, found.doubled, found.strange) == (0, 0, 0), found
