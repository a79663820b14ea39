"""Two stores of a million postings with ten thousand differences between them: how long until all are found and mended.

    python -m benchmarks.parity [--rows 1000000] [--differences 10000] [--memory 4096]

ClickHouse is a chDB folder, MySQL a private MariaDB, both in temporary folders and filled with SQL, which takes a few minutes. A third
of the differences each: rows that MySQL lacks, rows that ClickHouse lacks, rows in which a column differs.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import tempfile
import time

from benchmarks.mariadb_server import PrivateMariaDb, fresh_database
from jobschema import Job, Platform
from jobstore import ClickHouseStore
from jobstore.parity import ParityCheck, ParityReport
from jobstore.parity.sides import ClickHouseSide, SqlSide
from jobstore.sql import SqlDatabase, SqlSink, parse_address
from jobstore.sql.revisions import upgrade

NAMES = (
    "platform, job_id, url, title, company_id, company_name, place_text, city, city_code, salary_text, salary_low, month_low, longitude, "
    "latitude, skills, description, published_at, keyword, crawled_at, content_hash, raw"
)
# The same row in two dialects; {n} is its number. 400 characters of description, as real ones have.
CLICKHOUSE = (
    "'boss', lower(hex(MD5(toString({n})))), concat('https://example.test/job/', toString({n})), concat('后端工程师 ', toString({n})), "
    "toString({n} % 977), concat('公司', toString({n} % 977)), '北京·朝阳区', '北京', '101010100', concat(toString({n} % 30), 'K'), "
    "{n} % 30 * 1000.0, {n} % 30 * 1000.5, 116.4 + {n} % 1000 / 10000, 39.9, ['Go', 'Java'], repeat(concat('负责后端服务的设计与开发', "
    "toString({n} % 10)), 30), toDateTime64('2026-01-01 00:00:00', 6, 'UTC'), 'python', toDateTime64('2026-02-01 00:00:00', 6, 'UTC'), "
    "lower(hex(MD5(concat('hash', toString({n}))))), repeat('{{\"a\":1}}', 60)"
)
MYSQL = (
    "'boss', MD5({n}), CONCAT('https://example.test/job/', {n}), CONCAT('后端工程师 ', {n}), "
    "{n} % 977, CONCAT('公司', {n} % 977), '北京·朝阳区', '北京', '101010100', CONCAT({n} % 30, 'K'), "
    '{n} % 30 * 1000e0, {n} % 30 * 1000.5e0, 116.4e0 + {n} % 1000 / 10000e0, 39.9e0, \'["Go","Java"]\', '
    "REPEAT(CONCAT('负责后端服务的设计与开发', {n} % 10), 30), '2026-01-01 00:00:00', 'python', '2026-02-01 00:00:00', "
    "MD5(CONCAT('hash', {n})), REPEAT('{{\"a\":1}}', 60)"
)


def fill(store: ClickHouseStore, database: SqlDatabase, rows: int, differences: int) -> None:
    """Equal rows in both, but for numbers above `rows` (MySQL only) and the first ones (ClickHouse only, then different)."""
    third = differences // 3
    store.read(f"INSERT INTO boss_job ({NAMES}) SELECT {CLICKHOUSE.format(n='number')} FROM numbers({rows})")
    store.read("INSERT INTO job_sighting SELECT platform, job_id, content_hash, keyword, crawled_at, crawled_at, 1 FROM boss_job")
    seen = "'2026-02-01 00:00:00', '2026-02-01 00:00:00', '2026-02-01 00:00:00'"
    for first in range(third, rows + third, 50_000):
        last = min(first + 50_000, rows + third) - 1
        select = f"SELECT {MYSQL.format(n='seq')}, {seen}, '[]', '', '[]' FROM seq_{first}_to_{last}"
        insert = f"INSERT INTO job ({NAMES}, first_seen, last_seen, changed_at, welfare, address, problems) {select}"
        database.write(lambda transaction, insert=insert: transaction.connection.exec_driver_sql(insert.replace("%", "%%")))
    spoilt = f"SELECT CONVERT(MD5(seq) USING utf8mb4) COLLATE utf8mb4_bin AS job_id FROM seq_{third}_to_{differences - third - 1}"
    spoil = f"UPDATE job JOIN ({spoilt}) s ON job.platform = 'boss' AND job.job_id = s.job_id SET title = CONCAT(title, '!')"
    database.write(lambda transaction: transaction.connection.exec_driver_sql(spoil))


def measure(store: ClickHouseStore, sink: SqlSink, what: str, *, repair: bool) -> ParityReport:
    """One run, in words and seconds."""
    check = ParityCheck(ClickHouseSide(store), SqlSide(sink))
    started, worked = time.perf_counter(), time.process_time()
    report = check.run(repair=repair, platforms=[Platform.BOSS], rows=[Job])
    (table,) = report.tables
    print(
        f"{what}: {time.perf_counter() - started:.1f} s ({time.process_time() - worked:.1f} s of it work of this process; load average "
        f"{os.getloadavg()[0]:.1f}); ClickHouse {table.clickhouse_rows} rows, MySQL {table.sql_rows}; missing in MySQL "
        f"{table.missing_in_sql}, in ClickHouse {table.missing_in_clickhouse}, different {table.different}, mended {table.mended}; "
        f"peak memory of the process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB"
    )
    return report


def main() -> None:
    """Fill, compare and mend, compare again."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--differences", type=int, default=10_000)
    parser.add_argument("--memory", type=int, default=4096, help="buffer pool of MariaDB in MiB; a million of these rows take about 3000")
    asked = parser.parse_args()
    with contextlib.ExitStack() as stack:
        store = ClickHouseStore.open(f"chdb://{stack.enter_context(tempfile.TemporaryDirectory())}")
        store.ensure_schema()
        dsn = stack.enter_context(fresh_database(stack.enter_context(PrivateMariaDb(asked.memory)).dsn))
        database = SqlDatabase(parse_address(dsn))
        upgrade(database)
        sink = SqlSink(database)
        started = time.perf_counter()
        fill(store, database, asked.rows, asked.differences)
        print(f"filled in {time.perf_counter() - started:.0f} s")
        measure(store, sink, "compare and mend", repair=True)
        measure(store, sink, "compare again", repair=False)
        sink.close()
        store.close()


if __name__ == "__main__":
    main()
