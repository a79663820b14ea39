"""Rows a second of the MySQL sink against a bare PyMySQL multi-row upsert of the same rows in the same batch size.

    python -m benchmarks.mysql_write [--rows 10000] [--rounds 5] [--batch 1000] [--dsn mysql+pymysql://...]

Both write the same kind of rows into the same server (a private MariaDB unless --dsn is given), alternated round by round, new rows
and then the same rows with other contents, so that the noise of the machine meets both.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from operator import attrgetter
from typing import Any

import pymysql
from sqlalchemy.engine import make_url

from benchmarks.clickhouse_write import make_jobs
from benchmarks.mariadb_server import PrivateMariaDb, fresh_database
from jobschema import Job
from jobstore.sql import SqlDatabase, SqlSink, parse_address
from jobstore.sql.revisions import upgrade
from jobstore.sql.tables import JOB

_NAMES = [column.name for column in JOB.declared]


class BareWriter:
    """PyMySQL's `executemany` as its documentation shows it, with the three times that a current row has."""

    def __init__(self, dsn: str) -> None:
        url = make_url(dsn)
        assert url.host
        self.connection = pymysql.connect(
            host=url.host, port=url.port or 3306, user=url.username, password=url.password or "", database=url.database, charset="utf8mb4"
        )
        names = [*_NAMES, "first_seen", "last_seen", "changed_at"]
        given = ", ".join(["%s"] * len(names))
        sets = ", ".join(f"{name} = VALUES({name})" for name in names if name not in {"platform", "job_id", "first_seen"})
        self.statement = f"INSERT INTO job ({', '.join(names)}) VALUES ({given}) ON DUPLICATE KEY UPDATE {sets}"

    def write(self, jobs: Sequence[Job], batch: int) -> float:
        """Seconds for all rows, one commit for each batch."""
        read = attrgetter(*_NAMES)
        started = time.perf_counter()
        for first in range(0, len(jobs), batch):
            rows = [(*_plain(read(job)), job.crawled_at, job.crawled_at, job.crawled_at) for job in jobs[first : first + batch]]
            self.connection.cursor().executemany(self.statement, rows)
            self.connection.commit()
        return time.perf_counter() - started


def _plain(values: tuple[Any, ...]) -> list[Any]:
    return [json.dumps(value, ensure_ascii=False) if type(value) is list else value for value in values]


def write_sink(sink: SqlSink, jobs: Sequence[Job], batch: int) -> float:
    """Seconds for the same through the sink."""
    started = time.perf_counter()
    for first in range(0, len(jobs), batch):
        sink.write_rows(jobs[first : first + batch], "benchmark")
    return time.perf_counter() - started


def change(jobs: Sequence[Job]) -> list[Job]:
    """The same postings a day later, saying something else."""
    return [
        replace(job, title=f"{job.title}2", content_hash=job.content_hash[::-1], crawled_at=job.crawled_at + timedelta(days=1))
        for job in jobs
    ]


@contextlib.contextmanager
def migrated(dsn: str) -> Iterator[str]:
    """A database with its tables: on `dsn`'s server, or on one of our own when it is empty."""
    with contextlib.ExitStack() as stack:
        server = dsn or stack.enter_context(PrivateMariaDb(512)).dsn
        made = stack.enter_context(fresh_database(server))
        database = SqlDatabase(parse_address(made))
        upgrade(database)
        database.close()
        yield made


def main() -> None:
    """Run the rounds and print each, then the medians and their ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=1_000)
    parser.add_argument("--dsn", default="")
    asked = parser.parse_args()
    with migrated(asked.dsn) as dsn:
        bare, sink = BareWriter(dsn), SqlSink.open(dsn)
        ratios: dict[str, list[float]] = {"new rows": [], "changed rows": [], "unchanged rows": []}
        for number in range(asked.rounds):
            theirs, ours = make_jobs(asked.rows, 2 * number), make_jobs(asked.rows, 2 * number + 1)
            for what, alter in (("new rows", list), ("changed rows", change), ("unchanged rows", change)):
                plain = asked.rows / bare.write(alter(theirs), asked.batch)
                stored = asked.rows / write_sink(sink, alter(ours), asked.batch)
                ratios[what].append(stored / plain)
                print(
                    f"round {number + 1}, {what}: bare PyMySQL {plain:7.0f} rows/s, sink {stored:7.0f} rows/s, ratio {stored / plain:.2f}"
                )
        sink.close()
        for what, found in ratios.items():
            print(f"median ratio, {what}: {statistics.median(found):.2f}")


if __name__ == "__main__":
    main()
