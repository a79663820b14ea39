"""The audit log from the command line."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., str]


@pytest.fixture
def busy(ready: Run) -> Run:
    """Something was done."""
    Path("k.csv").write_text("text,platforms,cities\n数据分析,boss,1\n", "utf-8")
    for command in (("create-admin",), ("keywords", "import", "k.csv"), ("keywords", "disable", "1"), ("nodes", "add", "spot-1")):
        ready(*command)
    return ready


def test_list_tells_what_changed_newest_first(busy: Run) -> None:
    lines = busy("audit", "list").splitlines()
    assert "credential.issue" in lines[1]
    assert any("is_enabled: true -> false" in line for line in lines)
    assert len(busy("audit", "list", "--limit", "1").splitlines()) == 1 + 1 + 1  # that there are more


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (("--action", "keyword.change", "--kind", "keyword", "--id", "1"), 1),
        (("--actor", "nobody"), 0),
        (("--since", "2020-01-01", "--action", "keyword.change"), 1),
        (("--since", "2150-01-01T08:00:00+08:00"), 0),
        (("--until", "2020-01-01 08:00"), 0),
    ],
)
def test_list_shows_what_matches(busy: Run, wanted: tuple[str, ...], count: int) -> None:
    assert len(busy("audit", "list", *wanted).splitlines()) == 1 + count


@pytest.mark.parametrize("moment", ["yesterday", "2026", "0001-01-01", "9999-12-31"])
def test_moment_that_is_none_is_refused(busy: Run, moment: str) -> None:
    said = busy("audit", "list", "--since", moment, code=2)
    assert moment in said
    assert "2026-11-24T08:00:00+08:00" in said


def test_export_is_private_complete_and_overwrites_nothing(busy: Run) -> None:
    shown = len(busy("audit", "list").splitlines()) - 1
    busy("audit", "export", "a.csv")
    assert Path("a.csv").stat().st_mode & 0o777 == 0o600
    with Path("a.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == shown
    assert "exists" in busy("audit", "export", "a.csv", code=2)
    busy("audit", "export", "a.jsonl", "--action", "keyword.change")
    lines = [json.loads(line) for line in Path("a.jsonl").read_text("utf-8").splitlines()]
    assert [line["after"] for line in lines] == [{"is_enabled": False}]
