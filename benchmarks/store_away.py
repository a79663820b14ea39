"""A store away while a crawl goes on: how much memory and disk the waiting rows take, and how quickly they go in when it is back.

    python -m benchmarks.store_away [--rows 100000] [--seconds 20] [--spool-megabytes 8]

The sink is one that answers "not now" for some seconds and then takes everything; rows come as fast as they are taken. With the default
bound the spool fills and the crawl waits, which is the point.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.clickhouse_write import make_jobs
from jobschema.rows import Job, Row
from jobstore.batcher import Batcher
from jobstore.errors import StoreBusyError
from jobstore.outbox import Outbox, OutboxPolicy
from jobstore.retry import RetryPolicy


class AwaySink:
    """Away until a moment; counts the rows it takes, once a token."""

    name = "away"

    def __init__(self, until: float) -> None:
        self.until = until
        self.tokens: set[str] = set()
        self.ids: list[str] = []

    def write_rows(self, rows: tuple[Row, ...], token: str) -> Mapping[str, int]:
        if time.monotonic() < self.until:
            raise StoreBusyError("away, as asked for")
        assert token not in self.tokens
        self.tokens.add(token)
        self.ids += [row.job_id for row in rows if isinstance(row, Job)]
        return {"rows": len(rows)}


async def crawl(sink: AwaySink, folder: Path, rows: int, max_bytes: int) -> Mapping[str, float]:
    """Give rows to the batcher until all are taken; the spool's figures."""
    outbox = Outbox(folder, [sink], policy=OutboxPolicy(max_bytes=max_bytes, retry=RetryPolicy(longest=1.0)))
    outbox.start()
    batcher = Batcher(outbox, max_rows=2_000)
    for first in range(0, rows, 1_000):
        await batcher.add_all(make_jobs(min(1_000, rows - first), first))
    await batcher.close()
    assert await asyncio.to_thread(outbox.stop, 60.0) == 0
    return outbox.stats()["spool"]


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--spool-megabytes", type=float, default=8)
    asked = parser.parse_args()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with tempfile.TemporaryDirectory() as name:
        started = time.monotonic()
        sink = AwaySink(started + asked.seconds)
        spool = asyncio.run(crawl(sink, Path(name), asked.rows, int(asked.spool_megabytes * 1e6)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{asked.rows} rows, sink away {asked.seconds:.0f} s, all in after {time.monotonic() - started:.0f} s")
    print(f"lost {asked.rows - len(set(sink.ids))}, doubled {len(sink.ids) - len(set(sink.ids))}")
    print(f"crawl waited {spool['wait_milliseconds'] / 1000:.1f} s for room; memory {before:.0f} MiB at the start, {peak:.0f} MiB at most")


if __name__ == "__main__":
    main()
