"""A store away for minutes, or the spool's disk full, while a crawl goes on: what it does, how much memory it takes, what is lost.

    python -m benchmarks.store_away [clickhouse | mysql | disk] [--rows 60000] [--seconds 300] [--spool-megabytes 4]

ClickHouse is the sandbox's front over a real engine, MySQL a MariaDB of its own, each behind a proxy that refuses connections for so long.
Rows come as fast as they are taken, so the spool fills to its bound and the crawl waits. `disk`: the spool is on a file system of so many
megabytes (tmpfs as root, else a limit on a file's size), both stores are away, and the spool may hold more than the disk; then there is
room again, the stores are back, and a second crawl on the same folder delivers what is in there and crawls what is not.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.clickhouse_write import make_jobs
from benchmarks.store_storm import Stage
from jobschema import Job
from jobstore.batch import Batch, ClosableSink
from jobstore.batcher import Batcher
from jobstore.clickhouse import ClickHouseStore
from jobstore.errors import BatchNotStoredError
from jobstore.outbox import Outbox, OutboxPolicy
from jobstore.sql import SqlDatabase, SqlSink, parse_address

BATCH = 1_000
PAGE = 200
EASE = 60.0  # seconds without progress, after the outage, before the end gives up


@dataclass(slots=True)
class Outcome:
    """Memory is of this process, in MiB: before the outage and at most. `stopped_by` is why the crawl ended before its rows did."""

    before: float = 0.0
    peak: float = 0.0
    waited: float = 0.0
    caught_up: float = 0.0
    stopped_by: str = ""
    lost: Counter[str] = field(default_factory=Counter)
    doubled: Counter[str] = field(default_factory=Counter)

    @property
    def is_exact(self) -> bool:
        return not (self.lost + self.doubled)


@dataclass(frozen=True, slots=True)
class Outage:
    """What is asked for."""

    stage: Stage
    jobs: list[Job]
    spool: Path
    spool_bytes: int
    seconds: float

    def open_sinks(self) -> list[ClosableSink]:
        store = ClickHouseStore.open(self.stage.dsns[0])
        store.ensure_schema()
        return [store, SqlSink.open(self.stage.dsns[1])]

    async def crawl(self, jobs: list[Job], leave: tuple[str, ...]) -> tuple[list[Job], Outcome]:
        """Give these jobs; after a tenth of them these stores leave. The jobs that did not get onto the disk, and how it went."""
        outcome, sinks, on_disk = Outcome(), self.open_sinks(), set[str]()

        def note(batch: Batch) -> None:
            on_disk.update(row.job_id for row in batch.rows if isinstance(row, Job))

        outbox = Outbox(self.spool, sinks, policy=OutboxPolicy(max_bytes=self.spool_bytes))
        outbox.start()
        batcher = Batcher(outbox, run_id="away", max_rows=BATCH, on_stored=note)
        back_at = time.monotonic()
        try:
            for place in range(0, len(jobs), PAGE):
                if leave and place >= len(jobs) // 10:
                    await batcher.flush()
                    outcome.before = measure_memory()
                    back_at = time.monotonic() + self.seconds
                    for name in leave:
                        self.stage.proxies[name].leave(self.seconds)
                    leave = ()
                await batcher.add_all(jobs[place : place + PAGE])
            await batcher.close()
        except BatchNotStoredError as error:
            outcome.stopped_by = str(error.__cause__)
        grace = 0.1 if outcome.stopped_by else EASE + max(0.0, back_at - time.monotonic())
        await asyncio.to_thread(outbox.stop, grace)
        outcome.caught_up = time.monotonic() - back_at
        outcome.waited = outbox.stats()["spool"]["wait_milliseconds"] / 1000
        outcome.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        for sink in sinks:
            sink.close()
        return [job for job in jobs if job.job_id not in on_disk], outcome


def run_away(outage: Outage, name: str) -> Outcome:
    """One store leaves and comes back; the crawl waits and catches up by itself."""
    _, outcome = asyncio.run(outage.crawl(outage.jobs, (name,)))
    compare(outage, outcome)
    return outcome


def run_full_disk(outage: Outage, make_room: contextlib.ExitStack) -> Outcome:
    """The disk is full; `make_room` is closed; the stores come back; a second crawl takes what the first did not get onto the disk."""
    left, outcome = asyncio.run(outage.crawl(outage.jobs, ("clickhouse", "mysql")))
    make_room.close()
    for proxy in outage.stage.proxies.values():
        proxy.come_back()
    started = time.monotonic()
    asyncio.run(outage.crawl(left, ()))
    outcome.caught_up = time.monotonic() - started
    compare(outage, outcome)
    return outcome


def compare(outage: Outage, outcome: Outcome) -> None:
    """Hold both stores against the jobs that were given."""
    wanted = {job.job_id for job in outage.jobs}
    store = ClickHouseStore.open(outage.stage.own[0])
    found = {"clickhouse": Counter(row["job_id"] for row in store.read("SELECT job_id FROM boss_job"))}
    sightings = store.read("SELECT sum(times) AS seen FROM job_sighting")[0]["seen"]
    store.close()
    database = SqlDatabase(parse_address(outage.stage.own[1]), pool_size=1)
    found["mysql"] = Counter(job_id for (job_id,) in database.read(lambda transaction: transaction.read("SELECT job_id FROM job")))
    database.close()
    for name, ids in found.items():
        outcome.lost[name] = len(wanted - ids.keys())
        outcome.doubled[name] = ids.total() - len(ids) + len(ids.keys() - wanted)
    outcome.doubled["sightings"] = abs(sightings - len(wanted))


def measure_memory() -> float:
    """Resident MiB of this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: float) -> Iterator[contextlib.ExitStack]:
    """A file system of so many megabytes at `folder`; closing what it yields makes room."""
    folder.mkdir()
    size = int(megabytes * 1e6)
    room = contextlib.ExitStack()
    if os.geteuid() == 0 and _mount(folder, f"size={size}"):
        room.callback(_mount, folder, "remount,size=512m")
        yield room
        subprocess.run(["umount", folder], check=True)
        return
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    room.callback(resource.setrlimit, resource.RLIMIT_FSIZE, before)
    with room:
        yield room


def _mount(folder: Path, options: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def run_outage(what: str, rows: int, seconds: float, megabytes: float) -> Outcome:
    """One outage in temporary folders. The bound of the spool is `megabytes`, or many times as much where the disk has only that."""
    calm = argparse.Namespace(seed=7, faults=[], share=0.0, match=("", ""))
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stage, jobs = Stage(folder, calm, stack), make_jobs(rows, 7)
        if what != "disk":
            return run_away(Outage(stage, jobs, folder / "spool", int(megabytes * 1e6), seconds), what)
        room = stack.enter_context(small_disk(folder / "disk", megabytes))
        return run_full_disk(Outage(stage, jobs, folder / "disk" / "spool", 10**9, 86400), room)


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.store_away", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", nargs="?", choices=("clickhouse", "mysql", "disk"), default="clickhouse")
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--spool-megabytes", type=float, default=4)
    asked = parser.parse_args()
    outcome = run_outage(asked.what, asked.rows, asked.seconds, asked.spool_megabytes)
    gone = "the disk full" if asked.what == "disk" else f"{asked.what} away {asked.seconds:.0f} s"
    ending = f"stopped: {outcome.stopped_by}" if outcome.stopped_by else f"waited {outcome.waited:.1f} s for room in the spool"
    print(f"{gone}, {asked.rows} rows: the crawl {ending}")
    print(f"all delivered {outcome.caught_up:.1f} s after it was over; lost {dict(outcome.lost)}, doubled {dict(outcome.doubled)}")
    print(f"memory of the process: {outcome.before:.0f} MiB before, {outcome.peak:.0f} MiB at most")
    sys.exit(0 if outcome.is_exact else 1)


if __name__ == "__main__":
    main()
