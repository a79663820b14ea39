"""A market of postings seen through failing passes: how many are delisted falsely, and how long true ones take.

    python -m benchmarks.lifecycle [--partial 1000] [--seed 1] [--needed 2] [--dsn mysql+pymysql://...]

Postings come and go; each is shown by one to three keywords. Of the passes over the keywords most fail: banned in mid-list, a page
missing, capped by the platform, padded totals, a list that is silently short. An oracle knows what is really listed.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from jobschema import Job, Platform
from jobschema.content import content_hash
from jobstore.lifecycle import KeywordPass, PassOutcome
from jobstore.lifecycle_book import LifecycleBook
from jobstore.sql import SqlDatabase, SqlSink, parse_address
from jobstore.sql.revisions import upgrade

FAILURES = ("banned", "page lost", "capped", "padded total", "short list")
COMPLETE_SHARE = 0.3  # of all passes
KEYWORDS = 8


@dataclass
class Result:
    """What the run came to. `slowest` is the most cycles (N complete passes of every keyword) that a true delisting took."""

    passes: Counter[str] = field(default_factory=Counter)
    delisted: int = 0
    false: int = 0
    missed: int = 0
    reposted: int = 0
    slowest: float = 0.0
    seconds: float = 0.0


class Market:
    """What the platform really lists, and when postings left."""

    def __init__(self, random: Random, size: int) -> None:
        self.random = random
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.serial = 0
        self.listed: dict[str, tuple[int, ...]] = {}  # job id -> its keywords
        self.left: dict[str, tuple[int, ...]] = {}  # gone, and not delisted yet
        self.passes_since: dict[str, Counter[int]] = {}  # complete passes of each keyword since it left
        for _ in range(size):
            self.add()

    def add(self) -> None:
        self.serial += 1
        self.listed[f"j{self.serial:06}"] = tuple(self.random.sample(range(KEYWORDS), self.random.choice((1, 1, 2, 3))))

    def turn(self) -> None:
        """Time passes: some postings leave, some come, some come back."""
        self.now += timedelta(minutes=10)
        for job_id in self.random.sample(sorted(self.listed), self.random.randint(0, 2)):
            self.left[job_id] = self.listed.pop(job_id)
            self.passes_since[job_id] = Counter()
        for _ in range(self.random.randint(0, 2)):
            self.add()
        if self.left and self.random.random() < 0.1:
            back = self.random.choice(sorted(self.left))
            self.listed[back] = self.left.pop(back)

    def shown(self, keyword: int) -> list[str]:
        return [job_id for job_id, keywords in self.listed.items() if keyword in keywords]


def run(dsn: str, *, partial: int = 1000, seed: int = 1, needed: int = 2, size: int = 300) -> Result:
    """Passes until `partial` of them have failed, then complete cycles until the rest is found."""
    sink, result = SqlSink.open(dsn), Result()
    world, book = Market(Random(seed), size), LifecycleBook(sink.database, needed)
    started = time.perf_counter()
    try:
        while sum(result.passes[failure] for failure in FAILURES) < partial:
            is_whole = world.random.random() < COMPLETE_SHARE
            step(world, sink, book, result, world.random.randrange(KEYWORDS), "" if is_whole else world.random.choice(FAILURES), needed)
        for _ in range(needed + 1):
            for keyword in range(KEYWORDS):
                step(world, sink, book, result, keyword, "", needed, moves=False)
        result.missed = sum(1 for job_id in world.left if book.read_state(Platform.BOSS, job_id) is not None)
        result.seconds = time.perf_counter() - started
    finally:
        sink.close()
    return result


def step(
    world: Market, sink: SqlSink, book: LifecycleBook, result: Result, keyword: int, failure: str, needed: int, *, moves: bool = True
) -> None:
    """One pass over one keyword."""
    if moves:
        world.turn()
    world.now += timedelta(minutes=1)
    whole = world.shown(keyword)
    read = whole if not failure else whole[: int(len(whole) * world.random.uniform(0, 0.65))]
    seen = {job_id: world.now + timedelta(seconds=number) for number, job_id in enumerate(read)}
    sink.write_rows([_row(job_id, at) for job_id, at in seen.items()], "benchmark")
    report = book.record_pass(_pass(world, keyword, failure, whole, read), seen)
    result.passes[failure or "complete"] += 1
    if report.outcome is PassOutcome.COMPLETE:
        for job_id, keywords in world.left.items():
            if keyword in keywords:
                world.passes_since[job_id][keyword] += 1
    check(world, result, report.delisted, needed)


def check(world: Market, result: Result, delisted: tuple[str, ...], needed: int) -> None:
    """Hold what was delisted against the truth."""
    for job_id in delisted:
        result.delisted += 1
        if job_id in world.listed:
            result.false += 1
            continue
        keywords = world.left.pop(job_id)
        result.slowest = max(result.slowest, min(world.passes_since[job_id][keyword] for keyword in keywords) / needed)


def _pass(world: Market, keyword: int, failure: str, whole: list[str], read: list[str]) -> KeywordPass:
    causes = {"banned": ("ip_banned",), "page lost": ("server_error",)}.get(failure, ())
    return KeywordPass(
        platform=Platform.BOSS,
        text=f"keyword {keyword}",
        city_code="101010100",
        started_at=world.now,
        ended_at=world.now + timedelta(minutes=5),
        jobs=len(read),
        causes=causes,
        is_truncated=failure == "capped",
        claimed=len(whole) if failure == "padded total" else None,
    )


def _row(job_id: str, at: datetime) -> Job:
    values = {"platform": Platform.BOSS, "job_id": job_id, "title": f"posting {job_id}"}
    return Job(**values, crawled_at=at, content_hash=content_hash(Job, values), raw="{}")  # type: ignore[arg-type]


@contextlib.contextmanager
def sqlite_store() -> Iterator[str]:
    """The address of a store in a temporary file."""
    with TemporaryDirectory() as folder:
        dsn = f"sqlite:///{Path(folder) / 'jobs.db'}"
        database = SqlDatabase(parse_address(dsn))
        upgrade(database)
        database.close()
        yield dsn


def main() -> None:
    """Run, and print what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--partial", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--needed", type=int, default=2)
    parser.add_argument("--dsn", default="", help="a migrated, empty store; default: SQLite in a temporary file")
    asked = parser.parse_args()
    with contextlib.nullcontext(asked.dsn) if asked.dsn else sqlite_store() as dsn:
        result = run(dsn, partial=asked.partial, seed=asked.seed, needed=asked.needed)
    print(f"passes: {dict(result.passes)}, {result.seconds:.1f} s")
    print(f"delisted {result.delisted}, of them falsely {result.false}; gone and not found {result.missed}")
    print(f"the slowest true delisting took {result.slowest:.2f} cycles of {asked.needed} complete passes of every keyword")


if __name__ == "__main__":
    main()
