"""The writer of `benchmarks.store_storm`: sends numbered batches through a Batcher into a ClickHouse store, and says which are stored.

    python -m benchmarks.store_storm_writer DSN FIRST_SEGMENT ROWS BATCH

The same batch number always has the same rows and the same token, so a writer that was killed is started again at its last segment.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from jobschema import Job, Platform
from jobstore import Batcher, ClickHouseStore, RetryPolicy
from jobstore.batch import Batch

SEGMENT = 10  # batches of one batcher
PLATFORMS = tuple(Platform)
_START = datetime(2026, 3, 1, tzinfo=UTC)
_RAW = '{"made": "up"}' * 40
_RETRY = RetryPolicy(first=0.02, longest=1.0, give_up_after=120.0)


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
        crawled_at=_START + timedelta(seconds=batch_number),
        content_hash=f"{number:032x}",
        raw=_RAW,
    )


async def write(store: ClickHouseStore, first_segment: int, rows: int, batch: int) -> None:
    """Write from a segment on, and print the number of each batch that is stored."""
    batches = rows // batch
    for segment in range(first_segment, -(-batches // SEGMENT)):
        first = segment * SEGMENT

        def tell(stored: Batch, first: int = first) -> None:
            print(first + stored.sequence, flush=True)

        batcher = Batcher(store, max_rows=batch + batch // 10, max_bytes=2**30, max_seconds=3600, retry=_RETRY, on_stored=tell)
        batcher.origin = f"storm.{segment}"
        for number in range(first, min(first + SEGMENT, batches)):
            await batcher.add_all(make_job(one, number) for one in batch_numbers(number, batch, rows))
        await batcher.close()


def open_store(dsn: str) -> ClickHouseStore:
    """The store with its schema."""
    store = ClickHouseStore.open(dsn)
    _RETRY.run(store.ensure_schema, lambda _error: None)
    return store


def main(dsn: str, first_segment: int, rows: int, batch: int) -> None:
    """The entry of the process."""
    logging.basicConfig(level=logging.ERROR)  # thousands of expected retries
    store = _RETRY.run(lambda: open_store(dsn), lambda _error: None)
    asyncio.run(write(store, first_segment, rows, batch))
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
