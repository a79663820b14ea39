"""A crawl without a network: made-up pages of made-up keywords through the very ledger, batcher, spool and sinks of a real one.

It dies where it is told to, by SIGKILL to itself, at the named points of `jobstore.failpoints` and at its own (see POINTS).
`run_and_die` forks: the parent has imported everything and opened nothing.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jobschema import Job, Platform
from jobschema.messages import Keyword, Lease
from jobspiders.ledger import KeywordRun, Ledger
from jobstore import failpoints
from jobstore.batch import ClosableSink
from jobstore.batcher import Batcher
from jobstore.clickhouse import ClickHouseStore
from jobstore.outbox import Outbox, OutboxPolicy
from jobstore.retry import RetryPolicy
from jobstore.sql.sink import SqlSink

# In the order in which a page meets them, from its fetch to the acknowledged keyword.
POINTS = (
    "page_read",
    "page_handed",
    "batch_closed",
    "spool_before_commit",
    "spool_after_commit",
    "sink_before:clickhouse",
    "sink_after:clickhouse",
    "mark_before_commit:clickhouse",
    "marked:clickhouse",
    "sink_before:mysql",
    "sink_after:mysql",
    "mark_before_commit:mysql",
    "marked:mysql",
    "batch_stored",
    "run_over",
    "before_ack",
    "acked",
)
START = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Field:
    """What is crawled and where it goes."""

    folder: Path
    clickhouse: str
    mysql: str
    pages: int = 3
    page_rows: int = 30
    batch_rows: int = 40

    @property
    def acks(self) -> Path:
        return self.folder / "acked"

    def acked(self) -> set[int]:
        """Keywords acknowledged so far."""
        return {int(line) for line in self.acks.read_text().split()} if self.acks.exists() else set()

    def rows(self, keyword: int, page: int) -> list[Job]:
        """A page: the same rows each time it is fetched."""
        first = (keyword * self.pages + page) * self.page_rows
        at = START + timedelta(seconds=keyword)
        return [
            Job(platform=Platform.BOSS, job_id=f"{n}", title=f"title {n}", crawled_at=at, content_hash=f"{n:032x}", raw="{}")
            for n in range(first, first + self.page_rows)
        ]

    def ids(self, keywords: int) -> Iterator[str]:
        return (str(n) for n in range(keywords * self.pages * self.page_rows))


class Crawl:
    """Runs every keyword below `keywords` that is not acknowledged."""

    def __init__(self, field: Field, keywords: int) -> None:
        self.field = field
        self.keywords = [keyword for keyword in range(keywords) if keyword not in field.acked()]
        self.ledger = Ledger(self.complete, self.give_back, self.spawn)
        self.tasks: set[asyncio.Task[None]] = set()
        self.taken = 0

    async def run(self) -> None:
        """The whole crawl; what is not complete at its end raises."""
        loop = asyncio.get_running_loop()
        sinks = self.open_sinks()
        policy = OutboxPolicy(retry=RetryPolicy(first=0.02, longest=0.5))
        outbox = Outbox(
            self.field.folder / "spool",
            sinks,
            policy=policy,
            on_stored=lambda count: _tell(loop, self.ledger, count),
            on_failed=self.fail,
        )
        batcher = Batcher(outbox, run_id="crash", max_rows=self.field.batch_rows, max_seconds=0.2)
        self.ledger.count_rows_by(lambda: self.taken)
        outbox.start()
        for keyword in self.keywords:
            await self.run_keyword(keyword, batcher)
        await batcher.close()
        await asyncio.to_thread(outbox.stop, 60.0)
        await asyncio.sleep(0)
        assert not self.ledger.cut_off("crawl_over"), "every keyword is complete"
        await asyncio.gather(*self.tasks)
        for sink in sinks:
            sink.close()

    def open_sinks(self) -> list[ClosableSink]:
        store = ClickHouseStore.open(self.field.clickhouse)
        store.ensure_schema()
        return [store, SqlSink.open(self.field.mysql)]

    async def run_keyword(self, keyword: int, batcher: Batcher) -> None:
        """What spider and RowsMiddleware do for each page."""
        run = self.ledger.begin(Lease(str(keyword), Keyword(Platform.BOSS, str(keyword), "101")))
        for _ in range(self.field.pages):
            self.ledger.opened(run)
        for page in range(self.field.pages):
            rows = self.field.rows(keyword, page)
            self.ledger.awaits(run)
            self.ledger.closed(run)
            failpoints.reach("page_read")
            for row in rows:
                await batcher.add(row)
                self.taken += 1
            self.ledger.handed(run, len(rows))
            failpoints.reach("page_handed")

    async def complete(self, run: KeywordRun) -> None:
        failpoints.reach("before_ack")
        with self.field.acks.open("a") as file:
            file.write(f"{run.lease.lease_id}\n")
            file.flush()
            os.fsync(file.fileno())
        failpoints.reach("acked")

    async def give_back(self, run: KeywordRun) -> None:
        """Not acknowledged: the next crawl runs it again."""

    def spawn(self, work: Awaitable[None]) -> None:
        self.tasks.add(asyncio.ensure_future(work))

    def fail(self, error: Exception) -> None:
        raise AssertionError("a sink failed for good") from error


def _tell(loop: asyncio.AbstractEventLoop, ledger: Ledger, count: int) -> None:
    loop.call_soon_threadsafe(ledger.stored, count)


def run_and_die(field: Field, keywords: int, point: str, times: int) -> bool:
    """Crawl in a child that kills itself at the `times`-th visit of `point`; whether it did. An empty point: it ends by itself."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            failpoints.arm(_make_killer(point, times))
            asyncio.run(Crawl(field, keywords).run())
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == signal.SIGKILL
    assert os.WEXITSTATUS(status) == 0, "the crawl failed by itself"
    return False


def _make_killer(point: str, times: int) -> Callable[[str], None]:
    left = [times]

    def hear(reached: str) -> None:
        if reached == point:
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)

    return hear
