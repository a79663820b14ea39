"""Rows through a fault proxy into ClickHouse while writer and server are killed with SIGKILL: how many are lost or doubled.

    python -m benchmarks.store_storm [--rows 100000] [--batch 1000] [--kills 20] [--share 0.1] [--seed 7]

Batcher + ClickHouseStore write through the proxy to chDB behind ClickHouse's HTTP protocol. In turn the writer and the server are
killed, at moments that follow from the seed and from how far the writer is; both are started again. Then each row is compared with
what must be there: one version, and as many sightings as batches held it. Exit status 1 when anything is lost or doubled.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.store_storm_writer import PLATFORMS, SEGMENT, batch_numbers
from jobstore import ClickHouseStore
from sandbox.clickhouse.process import ClickHouseProcess
from sandbox.fault_proxy_process import FaultProxyProcess

_SLICE = 100_000  # rows compared at a time
_PASSWORD = "storm"


@dataclass(slots=True)
class Report:
    """What came out."""

    rows: int
    seconds: float = 0.0
    writers_killed: int = 0
    servers_killed: int = 0
    batches_sent_again: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    doubled: int = 0
    sightings_wrong: int = 0

    @property
    def is_exact(self) -> bool:
        """Whether every row is there once."""
        return not (self.lost or self.doubled or self.sightings_wrong)


class Storm:
    """One run: the server, the proxy in front of it, and one writer at a time."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self._options = options
        self._server = ClickHouseProcess(folder / "data", password=_PASSWORD)
        self._dice = random.Random(options.seed)
        self._batches = options.rows // options.batch
        points = self._dice.sample(range(1, self._batches), min(options.kills, self._batches - 1))
        self._kill_points = sorted(points, reverse=True)
        self._stored: set[int] = set()
        self.report = Report(options.rows)

    def run(self) -> Report:
        """Write everything, then compare."""
        with self._server, FaultProxyProcess(self._server.port, seed=self._options.seed) as proxy:
            proxy.set_faults(match=self._options.match, **dict.fromkeys(self._options.faults, self._options.share))
            proxy.plan(self._options.faults)  # each at least once
            dsn = self._server.dsn.removesuffix("default") + "storm"
            started = time.monotonic()
            while not self._write(dsn.replace(f":{self._server.port}/", f":{proxy.port}/")):
                pass
            self.report.seconds = time.monotonic() - started
            self.report.faults = proxy.counts()
            self._compare(dsn)
        return self.report

    def _write(self, dsn: str) -> bool:
        """Run a writer to its end or until it is killed; whether it ended by itself."""
        first = next((number for number in range(self._batches) if number not in self._stored), self._batches - 1)
        words = [dsn, str(first // SEGMENT), str(self._options.rows), str(self._options.batch)]
        command = [sys.executable, "-m", "benchmarks.store_storm_writer", *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for line in writer.stdout:
                self._note(int(line))
                if self._kill_points and len(self._stored) >= self._kill_points[-1]:
                    self._kill(writer)
        if writer.returncode not in {0, -9}:
            raise RuntimeError(f"the writer ended with status {writer.returncode}")
        return writer.returncode == 0

    def _note(self, number: int) -> None:
        self.report.batches_sent_again += number in self._stored
        self._stored.add(number)

    def _kill(self, writer: subprocess.Popen[str]) -> None:
        self._kill_points.pop()
        time.sleep(self._dice.random() * 0.03)  # so that it falls anywhere in the next batch
        if self.report.writers_killed <= self.report.servers_killed:
            writer.kill()
            self.report.writers_killed += 1
        else:
            self._server.kill()
            self._server.start()
            self.report.servers_killed += 1

    def _compare(self, dsn: str) -> None:
        store = ClickHouseStore.open(dsn)
        rows, batch = self._options.rows, self._options.batch
        wanted = Counter(number for one in range(self._batches) for number in batch_numbers(one, batch, rows))
        for first in range(0, rows, _SLICE):
            numbers = range(first, min(first + _SLICE, rows))
            versions, times = _count_versions(store, numbers), _count_sightings(store, numbers)
            self.report.lost += sum(number not in versions for number in numbers)
            self.report.doubled += sum(count > 1 for count in versions.values())
            self.report.sightings_wrong += sum(times.get(number, 0) != wanted[number] for number in numbers)
        total = sum(store.read(f"SELECT count() AS total FROM {platform}_job")[0]["total"] for platform in PLATFORMS)
        self.report.doubled += max(0, total - rows)
        store.close()


def _count_versions(store: ClickHouseStore, numbers: range) -> Counter[int]:
    found: Counter[int] = Counter()
    for place, platform in enumerate(PLATFORMS):
        query = (
            f"SELECT toUInt64(job_id) AS number, count() AS versions FROM {platform}_job WHERE number BETWEEN {{a:UInt64}} AND {{b:UInt64}}"
        )
        for row in store.read(query + " GROUP BY number", {"a": numbers.start, "b": numbers.stop - 1}):
            # A row in the table of another platform counts as one too many.
            found[row["number"]] += row["versions"] if row["number"] % len(PLATFORMS) == place else 1 + row["versions"]
    return found


def _count_sightings(store: ClickHouseStore, numbers: range) -> dict[int, int]:
    query = "SELECT toUInt64(job_id) AS number, sum(times) AS seen FROM job_sighting WHERE number BETWEEN {a:UInt64} AND {b:UInt64}"
    found = store.read(query + " GROUP BY number", {"a": numbers.start, "b": numbers.stop - 1})
    return {row["number"]: row["seen"] for row in found}


def run_storm(options: argparse.Namespace) -> Report:
    """One run in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        return Storm(Path(folder), options).run()


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.store_storm", description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000, help="a multiple of --batch (default 100000)")
    parser.add_argument("--batch", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=20, help="half of them the writer, half the server (default 20)")
    parser.add_argument("--faults", nargs="+", default=["accept_then_reset"], help="of sandbox.fault_proxy (default accept_then_reset)")
    parser.add_argument("--share", type=float, default=0.1, help="of the requests that meet each of them (default 0.1)")
    parser.add_argument("--match", default="", help="only requests that hold this text (default: all, those of the schema too)")
    parser.add_argument("--seed", type=int, default=7)
    return parser


def main() -> None:
    """Run and print."""
    options = make_parser().parse_args()
    if options.rows % options.batch or options.rows < 2 * options.batch:
        sys.exit(f"--rows {options.rows} is not a multiple of --batch {options.batch}, or fewer than two batches")
    report = run_storm(options)
    print(f"{report.rows} rows in {report.seconds:.1f} s = {report.rows / report.seconds:.0f} rows/s, faults included")
    print(f"killed with SIGKILL: writer {report.writers_killed} times, server {report.servers_killed} times")
    print(f"batches that a new writer sent again: {report.batches_sent_again}")
    print("proxy: " + ", ".join(f"{name} {count}" for name, count in sorted(report.faults.items())))
    print(f"lost {report.lost}, doubled {report.doubled}, sightings wrong {report.sightings_wrong}")
    sys.exit(0 if report.is_exact else 1)


if __name__ == "__main__":
    main()
