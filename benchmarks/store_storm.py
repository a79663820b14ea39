"""Rows through spool and fault proxies into both stores while writer and servers are killed with SIGKILL: how many are lost or doubled.

    python -m benchmarks.store_storm [--rows 1000000] [--batch 5000] [--kills 20] [--share 0.1] [--seed 7]

Batcher, spool and carriers write through an HTTP proxy to chDB behind ClickHouse's protocol, and through a TCP proxy to a MariaDB of its
own (to SQLite, without a proxy, where none is installed). In turn the writer and the servers are killed, at moments that follow from the
seed and from how far the writer is, and started again. Then each row is compared with what must be there: in ClickHouse one version and as
many sightings as batches held it, in MySQL one row, last seen when the last batch with it was. Exit status 1 when anything is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.mariadb_server import PrivateMariaDb, fresh_database, is_installed
from benchmarks.store_storm_writer import NOT_DELIVERED, PLATFORMS, START, batch_numbers
from jobstore import ClickHouseStore
from jobstore.sql import SqlDatabase, parse_address
from jobstore.sql.revisions import upgrade
from jobstore.sql.rows import read_moment
from sandbox.clickhouse.process import ClickHouseProcess
from sandbox.fault_proxy_dice import TCP_FAULTS
from sandbox.fault_proxy_process import FaultProxyProcess

_SLICE = 100_000  # rows compared at a time
_PASSWORD = "storm"


@dataclass(slots=True)
class Report:
    """What came out. A batch is uncertain when its writer was killed before it could say whether it was on the disk: its rows may have
    been given, and so been seen, once more."""

    rows: int
    seconds: float = 0.0
    killed: Counter[str] = field(default_factory=Counter)
    uncertain: int = 0
    faults: dict[str, dict[str, int]] = field(default_factory=dict)
    lost: Counter[str] = field(default_factory=Counter)
    doubled: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)

    @property
    def is_exact(self) -> bool:
        """Whether every row is in both stores once."""
        return not any((self.lost + self.doubled + self.wrong).values())


class Stage:
    """The servers, and the proxies in front of them. `dsns` are what the writer is given, `own` goes past the proxies."""

    def __init__(self, folder: Path, options: argparse.Namespace, stack: contextlib.ExitStack) -> None:
        self._options = options
        self.clickhouse = stack.enter_context(ClickHouseProcess(folder / "data", password=_PASSWORD))
        self.mysql = stack.enter_context(PrivateMariaDb(256)) if is_installed() else None
        self.proxies: dict[str, FaultProxyProcess] = {}
        dsn = self.clickhouse.dsn.removesuffix("default") + "storm"
        self.own = [dsn, stack.enter_context(fresh_database(self.mysql.dsn)) if self.mysql else f"sqlite:///{folder}/rows.db"]
        self.dsns = [self._put_before(stack, "clickhouse", dsn, self.clickhouse.port)]
        self.dsns.append(self._put_before(stack, "mysql", self.own[1], self.mysql.port) if self.mysql else self.own[1])
        database = SqlDatabase(parse_address(self.own[1]), pool_size=1)
        upgrade(database)
        database.close()

    def _put_before(self, stack: contextlib.ExitStack, name: str, dsn: str, port: int) -> str:
        kind = "http" if name == "clickhouse" else "tcp"
        proxy = self.proxies[name] = stack.enter_context(FaultProxyProcess(port, kind=kind, seed=self._options.seed))
        faults = [fault for fault in self._options.faults if kind == "http" or fault in TCP_FAULTS]
        proxy.set_faults(match=self._options.match[kind == "tcp"], **dict.fromkeys(faults, self._options.share))
        proxy.plan(faults)  # each at least once
        return dsn.replace(f":{port}/", f":{proxy.port}/")

    @property
    def servers(self) -> dict[str, ClickHouseProcess | PrivateMariaDb]:
        return {"clickhouse": self.clickhouse, **({"mysql": self.mysql} if self.mysql else {})}


class Storm:
    """One run: one writer at a time, until all is delivered; then the comparison."""

    def __init__(self, folder: Path, options: argparse.Namespace, stack: contextlib.ExitStack) -> None:
        self._options = options
        self._folder = folder
        self._stage = Stage(folder, options, stack)
        self._dice = random.Random(options.seed)
        self._batches = options.rows // options.batch
        self._kill_points = sorted(self._dice.sample(range(1, self._batches), min(options.kills, self._batches - 1)), reverse=True)
        self._victims = ["writer", *self._stage.servers]
        self._spooled = 0  # batches known to be on the disk: all up to here
        self._uncertain: set[int] = set()
        self.report = Report(options.rows)

    def run(self) -> Report:
        """Write everything, then compare."""
        started = time.monotonic()
        while not self._write():
            pass
        self.report.seconds = time.monotonic() - started
        self.report.faults = {name: proxy.counts() for name, proxy in self._stage.proxies.items()}
        self.report.uncertain = len(self._uncertain)
        compare(self._stage.own, self._options, self._uncertain, self.report)
        return self.report

    def _write(self) -> bool:
        """Run a writer to its end or until it is killed; whether all is delivered."""
        words = [*self._stage.dsns, str(self._folder / "spool"), *map(str, (self._spooled, self._options.rows, self._options.batch))]
        command = [sys.executable, "-m", "benchmarks.store_storm_writer", *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for line in writer.stdout:
                self._spooled = int(line) + 1
                if self._kill_points and self._spooled >= self._kill_points[-1]:
                    self._kill(writer)
        if writer.returncode == -9:
            self._uncertain.add(self._spooled)
        elif writer.returncode not in {0, NOT_DELIVERED}:
            raise RuntimeError(f"the writer ended with status {writer.returncode}")
        return writer.returncode == 0

    def _kill(self, writer: subprocess.Popen[str]) -> None:
        self._kill_points.pop()
        time.sleep(self._dice.random() * 0.3)  # so that it falls anywhere between disk and stores
        victim = self._victims[self.report.killed.total() % len(self._victims)]
        self.report.killed[victim] += 1
        if victim == "writer":
            writer.kill()
            return
        self._stage.servers[victim].kill()
        self._stage.servers[victim].start()


def compare(dsns: list[str], options: argparse.Namespace, uncertain: set[int], report: Report) -> None:
    """Hold both stores against what was given."""
    last: dict[int, int] = {}
    wanted: Counter[int] = Counter()
    maybe: Counter[int] = Counter()
    for one in range(options.rows // options.batch):
        for number in batch_numbers(one, options.batch, options.rows):
            wanted[number] += 1
            maybe[number] += one in uncertain
            last[number] = max(one, last.get(number, 0))
    _compare_clickhouse(dsns[0], report, wanted, maybe)
    _compare_mysql(dsns[1], report, last)


def _compare_clickhouse(dsn: str, report: Report, wanted: Counter[int], maybe: Counter[int]) -> None:
    store = ClickHouseStore.open(dsn)
    for first in range(0, report.rows, _SLICE):
        numbers = range(first, min(first + _SLICE, report.rows))
        versions, times = _count_versions(store, numbers), _count_sightings(store, numbers)
        report.lost["clickhouse"] += sum(number not in versions for number in numbers)
        report.doubled["clickhouse"] += sum(count > 1 for count in versions.values())
        report.wrong["sightings"] += sum(not wanted[number] <= times.get(number, 0) <= wanted[number] + maybe[number] for number in numbers)
    total = sum(store.read(f"SELECT count() AS total FROM {platform}_job")[0]["total"] for platform in PLATFORMS)
    report.doubled["clickhouse"] += max(0, total - report.rows)
    store.close()


def _compare_mysql(dsn: str, report: Report, last: dict[int, int]) -> None:
    database = SqlDatabase(parse_address(dsn), pool_size=1)
    found: Counter[int] = Counter()
    for place, platform in enumerate(PLATFORMS):
        for job_id, seen in _read_mysql(database, platform):
            number = int(job_id)
            # A row of another platform counts as one too many.
            found[number] += 1 if number % len(PLATFORMS) == place else 2
            report.wrong["last seen"] += read_moment(seen) != START + timedelta(seconds=last[number])
    database.close()
    report.lost["mysql"] = report.rows - len(found)
    report.doubled["mysql"] = sum(count > 1 for count in found.values())


def _read_mysql(database: SqlDatabase, platform: str) -> Iterator[tuple[Any, ...]]:
    query = f"SELECT job_id, last_seen FROM job WHERE platform = ? AND job_id > ? ORDER BY job_id LIMIT {_SLICE}"
    rows: list[tuple[Any, ...]] = [("", "")]
    while rows:
        known = (str(platform), rows[-1][0])
        rows = database.read(lambda transaction, known=known: transaction.read(query, known))  # type: ignore[misc]
        yield from rows


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
    with contextlib.ExitStack() as stack:
        return Storm(Path(stack.enter_context(tempfile.TemporaryDirectory())), options, stack).run()


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.store_storm", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="a multiple of --batch (default 1000000)")
    parser.add_argument("--batch", type=int, default=5_000)
    parser.add_argument("--kills", type=int, default=20, help="in turn the writer and each server (default 20)")
    parser.add_argument("--faults", nargs="+", default=["accept_then_reset"], help="of sandbox.fault_proxy (default accept_then_reset)")
    parser.add_argument("--share", type=float, default=0.1, help="of these requests that meet each of them (default 0.1)")
    match = ["insert_deduplication_token", "COMMIT"]  # what may double: the answer to it is lost, and it is sent again
    parser.add_argument(
        "--match", nargs=2, default=match, help="only requests of ClickHouse and of MySQL that hold these (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=7)
    return parser


def main() -> None:
    """Run and print."""
    options = make_parser().parse_args()
    if options.rows % options.batch or options.rows < 2 * options.batch:
        sys.exit(f"--rows {options.rows} is not a multiple of --batch {options.batch}, or fewer than two batches")
    report = run_storm(options)
    print(f"{report.rows} rows into both stores in {report.seconds:.1f} s = {report.rows / report.seconds:.0f} rows/s, faults included")
    print(f"killed with SIGKILL: {dict(report.killed)}; {report.uncertain} batches whose writer died before it told of them")
    for name, counts in report.faults.items():
        print(f"proxy of {name}: " + ", ".join(f"{fault} {count}" for fault, count in sorted(counts.items())))
    print(f"lost {dict(report.lost)}, doubled {dict(report.doubled)}, wrong {dict(report.wrong)}")
    sys.exit(0 if report.is_exact else 1)


if __name__ == "__main__":
    main()
