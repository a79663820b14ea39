"""Kills at every named point between a fetched page and an acknowledged keyword; then: is each row in both stores exactly once?

    python -m benchmarks.store_faults [--times 20] [--mysql sqlite|private|mysql+pymysql://...] [--seed 7]

ClickHouse is the sandbox's front over a real engine. MySQL is a MariaDB of its own (`private`, where one is installed), SQLite through the
same code, or an empty database that is named. Each kill is one child process that dies by SIGKILL; each next one replays the spool and
crawls what is not acknowledged.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mariadb_server import PrivateMariaDb, fresh_database, is_installed
from benchmarks.store_crawler import POINTS, Field, run_and_die
from jobstore.clickhouse import ClickHouseStore
from jobstore.sql.address import parse_address
from jobstore.sql.database import SqlDatabase
from jobstore.sql.revisions import upgrade
from sandbox.clickhouse.process import ClickHouseProcess


@dataclass(slots=True)
class Verdict:
    """What a series of kills came to."""

    kills: Counter[str]
    acked: int
    rows: int
    lost: dict[str, int]
    doubled: dict[str, int]

    @property
    def is_exact(self) -> bool:
        return not any(self.lost.values()) and not any(self.doubled.values())


def run_kills(field: Field, times: int, *, seed: int = 7) -> Verdict:
    """Kill `times` times at each point, in a shuffled order, then let a crawl end. Two new keywords come with each start."""
    dice = random.Random(seed)
    plan = [point for point in POINTS for _ in range(times)]
    dice.shuffle(plan)
    kills: Counter[str] = Counter()
    keywords = 0
    for point in plan:
        keywords += 2
        kills[point] += run_and_die(field, keywords, point, dice.randint(1, 2))
    run_and_die(field, keywords, "", 0)
    return judge(field, keywords, kills)


def judge(field: Field, keywords: int, kills: Counter[str]) -> Verdict:
    """Compare both stores with what was crawled."""
    expected = set(field.ids(keywords))
    store = ClickHouseStore.open(field.clickhouse)
    found = {"clickhouse": Counter(row["job_id"] for row in store.read("SELECT job_id FROM boss_job"))}
    store.close()
    database = SqlDatabase(parse_address(field.mysql), pool_size=1)
    with database.engine.connect() as connection:
        found["mysql"] = Counter(name for (name,) in connection.exec_driver_sql("SELECT job_id FROM job"))
    database.close()
    lost = {name: len(expected - ids.keys()) for name, ids in found.items()}
    doubled = {name: sum(ids.values()) - len(ids) + len(ids.keys() - expected) for name, ids in found.items()}
    return Verdict(kills, len(field.acked()), len(expected), lost, doubled)


def prepare(folder: Path, clickhouse: str, mysql: str = "") -> Field:
    """The field of a series; the database's tables are made."""
    mysql = mysql or f"sqlite:///{folder}/rows.db"
    database = SqlDatabase(parse_address(mysql), pool_size=1)
    upgrade(database)
    database.close()
    return Field(folder, clickhouse, mysql)


def main() -> None:
    """Run the series and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=20, help="kills at each point")
    parser.add_argument(
        "--mysql", default="private" if is_installed() else "sqlite", help="private, sqlite, or the address of an empty database"
    )
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(ClickHouseProcess(folder / "clickhouse"))
        mysql = "" if asked.mysql == "sqlite" else asked.mysql
        if mysql == "private":
            mysql = stack.enter_context(fresh_database(stack.enter_context(PrivateMariaDb()).dsn))
        field = prepare(folder, server.dsn, mysql)
        started = time.monotonic()
        found = run_kills(field, asked.times, seed=asked.seed)
        kills, wanted = sum(found.kills.values()), asked.times * len(POINTS)
        print(f"{kills} of {wanted} kills at {len(POINTS)} points in {time.monotonic() - started:.0f} s, into ClickHouse and {asked.mysql}")
        print(f"{found.rows} rows, {found.acked} keywords acknowledged; lost {found.lost}, doubled {found.doubled}")
        print("exact" if found.is_exact and kills == wanted else "NOT EXACT")


if __name__ == "__main__":
    main()
