"""`scrapy demo`: everything at once on one machine; what it stores is what the sandbox holds, and a ban has a name."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jobspiders.demo.world import choose_errands
from sandbox.process import SandboxProcess

PLATFORMS = ("boss", "qcwy", "zhilian")
SEED, SIZE = 11, 900  # those of the session's sandbox, so that its oracle speaks of the same postings
DATA = Path(__file__).parents[2] / ".." / "shared" / "data"


def demo(operator: Any, *options: str, timeout: float = 120) -> Any:
    """Run the demo as on a fresh machine: no setting, nothing but the folder."""
    operator.folder.mkdir(exist_ok=True)
    ran = operator.run("demo", "--folder", str(operator.folder), *options, timeout=timeout)
    print(re.sub(r"(?s)job_analytics, first rows.*", "", ran.out))
    return ran


def truth(sandbox: Any) -> dict[str, set[str]]:
    """The ids that the demo's keywords must yield, by platform."""
    keywords = [keyword for errand in choose_errands(sandbox.keywords()) for keyword in errand.keywords]
    return {platform: set(held["jobs"]) for platform, held in sandbox.oracle(keywords)["platforms"].items()}


def ending(ran: Any, platform: str) -> list[str]:
    """The platform's row of the summary table, cell by cell."""
    summary = ran.out.partition("job_analytics, first rows")[0]
    [row] = [line for line in summary.splitlines() if line.startswith(f"│ {platform} ")]
    return [cell.strip() for cell in row.strip("│").split("│")]


def test_demo_stores_the_oracles_ids_and_a_second_run_adds_nothing(operator: Any) -> None:
    expected = truth(operator.sandbox)
    first = demo(operator, "--size", str(SIZE), "--seed", str(SEED))
    assert first.code == 0, first.err[-3000:]
    assert {platform: first.ids(platform) for platform in PLATFORMS} == expected
    for platform in PLATFORMS:
        cells = ending(first, platform)
        assert cells[1] == "complete"
        assert cells[-1] == f"all {len(expected[platform])}"
        assert int(cells[5]) == int(cells[6]) > 0, "bans are met and survived"
    assert (operator.folder / "salaries.svg").read_text("utf-8").lstrip().startswith("<?xml")
    assert "scrapy sql --folder" in first.out
    tables = [f"{platform}_{noun}" for platform in PLATFORMS for noun in ("job", "company")] + ["job_analytics"]
    before = {table: first.count(table) for table in tables}
    second = demo(operator, "--size", str(SIZE), "--seed", str(SEED))
    assert second.code == 0, second.err[-3000:]
    assert {table: second.count(table) for table in tables} == before


@pytest.mark.parametrize("banned", PLATFORMS)
def test_demo_one_platform_always_bans_and_the_other_two_finish(operator: Any, banned: str) -> None:
    expected = truth(operator.sandbox)
    ran = demo(operator, "--size", str(SIZE), "--seed", str(SEED), "--ban", banned)
    assert ran.code == 3
    assert ending(ran, banned)[1].startswith("blocked: ")
    assert ending(ran, banned)[3] == "0"
    assert ran.ids(banned) == set()
    for platform in set(PLATFORMS) - {banned}:
        assert ran.ids(platform) == expected[platform]
        assert ending(ran, platform)[1] == "complete"


def test_demo_under_a_control_plane_stores_the_oracles_ids_and_ends_every_run(operator: Any) -> None:
    expected = truth(operator.sandbox)
    ran = demo(operator, "--control", "--size", str(SIZE), "--seed", str(SEED))
    assert ran.code == 0, ran.err[-3000:]
    ran.folder = operator.folder / "control"  # the control plane's own: the node holds no store
    assert {platform: ran.ids(platform) for platform in PLATFORMS} == expected
    assert [ending(ran, platform)[1] for platform in PLATFORMS] == ["complete"] * 3
    assert not (operator.folder / "clickhouse").exists()
    with closing(sqlite3.connect(ran.folder / "control.db")) as books:
        runs = books.execute("SELECT platform, state, count(*), sum(jobs) FROM keyword_run GROUP BY 1, 2").fetchall()
        batches = books.execute("SELECT state, count(*) > 0 FROM ingest_batch GROUP BY 1").fetchall()
        audited = {action for (action,) in books.execute("SELECT DISTINCT action FROM auditlog")}
    assert [(platform, state) for platform, state, _, _ in sorted(runs)] == [(platform, "complete") for platform in PLATFORMS]
    assert all(jobs >= len(expected[platform]) for platform, _, _, jobs in runs)
    assert batches == [("stored", 1)]
    assert {"keyword.add", "token.add", "node.create", "credential.issue"} <= audited


@pytest.mark.data
def test_demo_of_captured_postings_stores_exactly_those(operator: Any) -> None:
    if not (DATA / "SOURCES.md").is_file():
        pytest.skip(f"captured data is absent: {DATA}")
    ran = demo(operator, "--catalogue", str(DATA), timeout=180)
    assert ran.code == 0, ran.err[-3000:]
    with SandboxProcess(seed=7, catalogue=DATA) as sandbox:
        expected = truth(sandbox)
    assert {platform: ran.ids(platform) for platform in PLATFORMS} == expected
    print({platform: len(ids) for platform, ids in expected.items()}, "postings stored, as the oracle says")
    assert min(len(ids) for ids in expected.values()) > 500
    assert [ending(ran, platform)[7] for platform in PLATFORMS] == ["0", "0", "0"], "no captured posting is rejected"
