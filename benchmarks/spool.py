"""What the spool costs: rows a second of batcher + ClickHouse with and without it, beside a bare insert of the same rows.

    python -m benchmarks.spool [--rows 20000] [--rounds 5] [--batch 3000]

All write into one chDB folder, alternated round by round, as benchmarks.clickhouse_write does. The spool's own seconds (encoding,
packing, fsync) are measured alone too: they pass in the batcher's thread while the sink writes the batch before.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.clickhouse_write import insert_bare, insert_batched, make_jobs, open_bare, settle
from jobschema import Job
from jobspiders.extensions.gc_tuning import GcTuning
from jobstore import Batcher, ClickHouseStore
from jobstore.outbox import Outbox
from jobstore.spool import Spool
from jobstore.spool_rows import pack_rows


def insert_spooled(store: ClickHouseStore, folder: Path, jobs: Sequence[Job], batch: int) -> float:
    """Seconds through batcher, spool and carrier, until all rows are stored."""

    async def run() -> None:
        outbox = Outbox(folder, [store])
        outbox.start()
        batcher = Batcher(outbox, max_rows=batch, max_bytes=1 << 30)
        await batcher.add_all(jobs)
        await batcher.close()
        assert await asyncio.to_thread(outbox.stop, 60.0) == 0

    started = time.perf_counter()
    asyncio.run(run())
    return time.perf_counter() - started


def spool_alone(folder: Path, jobs: Sequence[Job], batch: int) -> tuple[float, float, int]:
    """Seconds to pack and to write (with fsync) the same batches, and their bytes."""
    spool = Spool.create(folder)
    packing = writing = 0.0
    size = 0
    for first in range(0, len(jobs), batch):
        started = time.perf_counter()
        body = pack_rows(jobs[first : first + batch])
        packed = time.perf_counter()
        number = spool.put(f"t:{first}", body, ["clickhouse"])
        spool.mark(number, "clickhouse")
        packing, writing, size = packing + packed - started, writing + time.perf_counter() - packed, size + len(body)
    spool.close()
    return packing, writing, size


def main() -> None:
    """Run the rounds and print each, then the medians of the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=3_000, help="rows; a crawl sends BATCH_MAX_ROWS")
    asked = parser.parse_args()
    GcTuning().tune()  # as in a crawl, for all
    with tempfile.TemporaryDirectory() as name:
        store = ClickHouseStore.open(f"chdb://{name}/store")
        store.ensure_schema()
        client = open_bare(f"{name}/store")
        ratios = []
        for number in range(asked.rounds):
            jobs = [make_jobs(asked.rows, 3 * number + kind) for kind in range(3)]
            settle(client)
            bare = insert_bare(client, jobs[0], asked.batch)
            settle(client)
            direct = insert_batched(store, jobs[1], asked.batch)
            settle(client)
            spooled = insert_spooled(store, Path(name) / "spool", jobs[2], asked.batch)
            packing, writing, size = spool_alone(Path(name) / "alone", jobs[2], asked.batch)
            ratios.append((bare / direct, bare / spooled))
            print(
                f"round {number + 1}: bare {asked.rows / bare:7.0f} rows/s  batcher {asked.rows / direct:7.0f}  "
                f"with spool {asked.rows / spooled:7.0f}   spool alone, a row: {packing / asked.rows * 1e6:.1f} us packing, "
                f"{writing / asked.rows * 1e6:.1f} us disk, {size / asked.rows:.0f} bytes"
            )
        print("median ratios to bare: batcher {:.2f}, with spool {:.2f}".format(*(statistics.median(r) for r in zip(*ratios, strict=True))))
        client.close()
        store.close()


if __name__ == "__main__":
    main()
