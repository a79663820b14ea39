"""The writer of `benchmarks.store_storm`: gives numbered batches to batcher, spool and carriers, and says which are on the disk.

    python -m benchmarks.store_storm_writer CLICKHOUSE_DSN MYSQL_DSN FOLDER FIRST_BATCH ROWS BATCH

The same batch number always has the same rows. A writer that was killed is followed by one that begins after the last batch told, and
delivers what its predecessors left in the spool.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jobschema import Job, Platform
from jobstore import Batcher, ClickHouseStore, RetryPolicy
from jobstore.batch import Batch, ClosableSink
from jobstore.outbox import Outbox, OutboxPolicy
from jobstore.sql.sink import SqlSink

PLATFORMS = tuple(Platform)
START = datetime(2026, 3, 1, tzinfo=UTC)
NOT_DELIVERED = 3  # exit status: rows are left in the spool
_RAW = '{"made": "up"}' * 40
_RETRY = RetryPolicy(first=0.02, longest=1.0, give_up_after=120.0)
_SPOOL_BYTES = 2_000_000  # some dozens of batches: so that kills fall on the spool, the stores and the way between them alike
_GRACE = 120.0


def batch_numbers(number: int, batch: int, rows: int) -> Iterator[int]:
    """The rows of a batch by number: `batch` new ones, and a tenth that another batch has as well, as crawls see postings again."""
    first = number * batch
    yield from range(first, first + batch)
    yield from ((first - back) % rows for back in range(1, batch // 10 + 1))


def make_job(number: int, batch_number: int) -> Job:
    """A posting; its content depends on its number alone, when it was seen on the batch."""
    return Job(
        platform=PLATFORMS[number % len(PLATFORMS)],
        job_id=str(number),
        title=f"职位 {number}",
        crawled_at=START + timedelta(seconds=batch_number),
        content_hash=f"{number:032x}",
        raw=_RAW,
    )


async def write(sinks: list[ClosableSink], folder: Path, first: int, rows: int, batch: int) -> int:
    """Give every batch from `first` on, print the number of each that is on the disk, deliver all; how many deliveries are left."""

    def tell(spooled: Batch) -> None:
        print(first + spooled.sequence, flush=True)

    outbox = Outbox(folder, sinks, policy=OutboxPolicy(max_bytes=_SPOOL_BYTES, retry=_RETRY))
    outbox.start()
    size = batch + batch // 10
    batcher = Batcher(outbox, run_id="storm", max_rows=size, max_bytes=2**30, max_seconds=3600, on_stored=tell)
    for number in range(first, rows // batch):
        await batcher.add_all(make_job(one, number) for one in batch_numbers(number, batch, rows))
    await batcher.close()
    return await asyncio.to_thread(outbox.stop, _GRACE)


def open_clickhouse(dsn: str) -> ClickHouseStore:
    """The store with its schema."""
    store = ClickHouseStore.open(dsn)
    _RETRY.run(store.ensure_schema, lambda _error: None)
    return store


def main(clickhouse: str, mysql: str, folder: str, *numbers: str) -> None:
    """The entry of the process."""
    logging.basicConfig(level=logging.ERROR)  # thousands of expected retries
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)  # and of connections that are reset when they are given back
    first, rows, batch = map(int, numbers)
    sinks: list[ClosableSink] = [
        _RETRY.run(lambda: open_clickhouse(clickhouse), lambda _error: None),
        _RETRY.run(lambda: SqlSink.open(mysql), lambda _error: None),
    ]
    left = asyncio.run(write(sinks, Path(folder), first, rows, batch))
    for sink in sinks:
        sink.close()
    sys.exit(NOT_DELIVERED if left else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
