"""A writer is killed with SIGKILL in the middle of writing, again and again; what it sends again is stored once."""

import importlib.util
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from jobschema import Job
from jobstore import ClickHouseStore

WRITER = Path(__file__).with_name("crash_writer.py")
KILLS = 10
LAST = 60


def _run_writer(dsn: str, first: int, kill_after: int | None, delay: float) -> int:
    """Run the writer from a batch on, kill it some time after it has stored `kill_after` batches; the last batch it said was stored."""
    command = [sys.executable, str(WRITER), dsn, str(first), str(LAST)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    stored = first - 1
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as writer:
        for line in writer.stdout:
            stored = int(line)
            if kill_after is not None and stored - first + 1 >= kill_after:
                time.sleep(delay)
                writer.kill()
                break
        writer.stdout.read()
        status = writer.wait()
    assert status == (0 if kill_after is None else -9)
    return stored


def _expected() -> tuple[Counter, set]:
    spec = importlib.util.spec_from_file_location("crash_writer", WRITER)
    crash_writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(crash_writer)
    times: Counter = Counter()
    others = set()
    for number in range(LAST):
        for row in crash_writer.make_batch(number):
            if isinstance(row, Job):
                times[str(row.platform), row.job_id] += 1
            else:
                others.add((type(row).__name__, str(row.platform), row.company_id))
    return times, others


def test_killed_writer_that_sends_again_loses_and_doubles_nothing(chdb_dsn: str) -> None:
    chance = random.Random(20260301)
    stored = -1
    for _ in range(KILLS):
        # Sends the last acknowledged batch again: a writer that died cannot know that its answer had arrived.
        stored = _run_writer(chdb_dsn, max(stored, 0), chance.randint(2, 4), chance.random() * 0.06)
    assert _run_writer(chdb_dsn, max(stored, 0), None, 0) == LAST - 1
    times, others = _expected()
    store = ClickHouseStore.open(chdb_dsn)
    store.ensure_schema()
    versions = " UNION ALL ".join(
        f"SELECT '{platform}' AS platform, job_id FROM {platform}_job" for platform in ("boss", "qcwy", "zhilian")
    )
    assert Counter((row["platform"], row["job_id"]) for row in store.read(versions)) == Counter(dict.fromkeys(times, 1))
    seen = store.read("SELECT platform, job_id, sum(times) AS times FROM job_sighting GROUP BY platform, job_id")
    assert {(row["platform"], row["job_id"]): row["times"] for row in seen} == times
    companies = store.read("SELECT platform, company_id FROM company_analytics WHERE versions = 1 AND times_seen = 1")
    pending = store.read("SELECT platform, company_id FROM pending_company_open")
    found = {
        (name, row["platform"], row["company_id"]) for name, rows in (("Company", companies), ("PendingCompany", pending)) for row in rows
    }
    assert found == others
    store.close()
