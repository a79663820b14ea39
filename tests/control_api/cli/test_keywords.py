"""Keywords and their runs from the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import Session

from control_api.models import Node
from control_api.services import leases
from control_api.services.leases import LeaseRules
from jobschema import Platform

Run = Callable[..., str]
CSV = "text,platforms,cities,interval,tags\n数据分析,boss|zhilian,101010100,6h,data\nPython,qcwy,010000,,\n"


@pytest.fixture
def three(ready: Run) -> Run:
    """Keywords 1, 2 (数据分析) and 3 (Python) are there."""
    Path("k.csv").write_text(CSV, "utf-8")
    assert "3 added" in ready("keywords", "import", "k.csv")
    return ready


@pytest.fixture
def leased(three: Run, unit: Session) -> Run:
    """A node has keyword 1."""
    node = Node(name="node-1")
    unit.add(node)
    unit.flush()
    leases.claim(unit, node.id or 0, Platform.BOSS, 1, LeaseRules())
    unit.commit()
    return three


def test_import_names_wrong_lines_and_adds_nothing_twice(ready: Run) -> None:
    Path("k.csv").write_text("text,platforms,cities,interval\n数据分析,boss|zhilian,101010100,6h\nx,mars,1,\n", "utf-8")
    said = ready("keywords", "import", "k.csv")
    assert "line 3: platforms 'mars': give 1 to 3 of boss, qcwy, zhilian" in said
    assert "2 added, 0 updated, 0 were there, 1 lines not taken" in said
    assert "0 added, 0 updated, 2 were there" in ready("keywords", "import", "k.csv")
    Path("k.json").write_text(json.dumps([{"text": "y", "platforms": ["qcwy"], "cities": ["1"]}]), "utf-8")
    assert "1 added" in ready("keywords", "import", "k.json")
    assert "cannot be read" in ready("keywords", "import", "missing.csv", code=2)


def test_list_shows_what_matches(three: Run) -> None:
    assert len(three("keywords", "list").splitlines()) == 1 + 3
    assert "zhilian" in three("keywords", "list", "--text", "数据", "--platform", "zhilian", "--city", "101010100", "--tag", "data")
    assert len(three("keywords", "list", "--tag", "other").splitlines()) == 1


def test_due_counts_what_waits_and_may_be_called_twice(three: Run) -> None:
    for _ in range(2):
        said = three("keywords", "due")
        assert said.startswith("0 leases")
        assert re.search(r"boss +1\n", said)


def test_keywords_are_switched_off_and_on(three: Run) -> None:
    assert "off: 2" in three("keywords", "disable", "1", "2", "1")
    assert len(three("keywords", "list", "--no-enabled").splitlines()) == 1 + 2
    assert re.search(r"boss +0\n", three("keywords", "due"))
    assert "on: 1" in three("keywords", "enable", "1")
    assert len(three("keywords", "list", "--enabled").splitlines()) == 1 + 2


def test_keywords_are_run_and_removed_all_or_none(leased: Run) -> None:
    assert "due now: 2" in leased("keywords", "run", "2", "3")
    assert "There is no keyword 99" in leased("keywords", "remove", "3", "99", code=1)
    assert "keyword 1" in leased("keywords", "remove", "2", "1", code=1).lower()  # node-1 has it
    assert "keyword 1" in leased("keywords", "run", "1", code=1).lower()
    assert len(leased("keywords", "list").splitlines()) == 1 + 3
    assert "removed with their runs: 2" in leased("keywords", "remove", "2", "3")
    assert len(leased("keywords", "list").splitlines()) == 1 + 1


def test_runs_are_listed_with_who_has_them(leased: Run) -> None:
    line = leased("keywords", "runs", "--platform", "boss", "--state", "running", "--keyword", "1", "--node", "node-1").splitlines()[1]
    assert re.search(r"boss +数据分析 +1 +running", line)
    assert len(leased("keywords", "runs", "--state", "complete").splitlines()) == 1
    assert "--limit" in leased("keywords", "runs", "--limit", "1")
    assert "There is no node 'node-9'" in leased("keywords", "runs", "--node", "node-9", code=2)


@pytest.mark.parametrize(
    "command",
    [("run", "0"), ("enable", "x"), ("remove",), ("runs", "--limit", "0"), ("runs", "--state", "nope"), ("list", "--platform", "mars")],
)
def test_wrong_use_is_refused_with_what_is_valid(three: Run, command: tuple[str, ...]) -> None:
    said = three("keywords", *command, code=2)
    assert "usage:" in said
    assert all(repr(value) in said for value in command[1:] if not value.startswith("--"))
