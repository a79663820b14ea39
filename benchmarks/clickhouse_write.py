"""Rows a second of Batcher + ClickHouseStore against a bare clickhouse-connect `insert` of the same rows in the same batch size.

    python benchmarks/clickhouse_write.py [--rows 20000] [--rounds 5] [--batch 3000]

Both write into the same chDB folder (a temporary one), alternated round by round, so that the noise of the machine meets both; each
has its own table, so that each pays for its own merges. The bare insert writes versions only; the batcher also looks up what is
stored, drops unchanged postings and writes sightings. The garbage collector is tuned for both as in a crawl.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from operator import attrgetter
from random import Random
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from jobschema import Education, Job, Platform
from jobschema.content import content_hash
from jobspiders.extensions.gc_tuning import GcTuning
from jobstore import Batcher, ClickHouseStore
from jobstore.tables import SCHEMA

_TABLE = replace(SCHEMA.versions[Job, "boss"].table, name="bare_job")  # of the bare inserts
_BENEFITS = ["五险一金", "双休", "年终奖", "带薪年假", "餐补", "定期体检"]
_SKILLS = ["Python", "Go", "Java", "MySQL", "Redis", "Kafka", "Linux"]
_LETTERS = [chr(0x4E00 + 7 * number) for number in range(1500)]


def make_jobs(count: int, seed: int) -> list[Job]:
    """Made-up postings like captured ones of Boss直聘: 3 kB of raw item, 1 kB of description, 5.4 kB as JSON, 0.9 kB packed."""
    random = Random(seed)
    words = ["".join(random.choices(_LETTERS, k=random.choice((2, 2, 2, 3, 4)))) for _ in range(12_000)]
    weights = list(accumulate(1 / (place + 200) for place in range(len(words))))  # some are in every sentence, most are rare
    start = datetime(2026, 1, 1, tzinfo=UTC)
    jobs = []
    for number in range(count):
        text = "，".join(random.choices(words, cum_weights=weights, k=90))
        job_id = f"{seed:04x}{number:016x}"
        values: dict[str, Any] = {
            "platform": Platform.BOSS,
            "job_id": job_id,
            "url": f"https://example.test/job_detail/{job_id}.html",
            "title": text[:16],
            "company_id": f"{number % 977:012x}",
            "company_name": f"公司{number % 977}",
            "place_text": "北京·朝阳区·望京",
            "city": "北京",
            "city_code": "101010100",
            "salary_text": f"{number % 30 + 5}-{number % 30 + 10}K·14薪",
            "month_low": 1000.0 * (number % 30 + 5),
            "month_high": 1000.0 * (number % 30 + 10),
            "education_text": "本科",
            "education": Education.BACHELOR,
            "skills": random.sample(_SKILLS, 4),
            "welfare": _BENEFITS,
            "description": text,
            "published_at": start,
            "keyword": "python",
        }
        hashed = content_hash(Job, values)
        raw = _make_raw(values, random)
        jobs.append(Job(**values, crawled_at=start + timedelta(seconds=number), content_hash=hashed, raw=raw))
    return jobs


def _make_raw(values: Mapping[str, Any], random: Random) -> str:
    """The item as a platform would have sent it: the same once more, among much that the store has no column for."""
    shown = {name: value for name, value in values.items() if name not in {"platform", "published_at", "keyword"}}
    unused = {f"listedAttribute{place}": random.choice((None, False, 0, "", "默认")) for place in range(40)}
    ids = {f"related{place}Id": f"{random.getrandbits(128):032x}" for place in range(7)}
    return json.dumps({**shown, **unused, **ids}, ensure_ascii=False)


def open_bare(folder: str) -> Client:
    """A client of a chDB folder, with a table for bare inserts that is made like the store's."""
    client = clickhouse_connect.get_client(interface="chdb", path=folder)
    client.command(_TABLE.create_sql())
    return client


def insert_bare(client: Client, jobs: Sequence[Job], batch: int) -> float:
    """Seconds for plain row-oriented inserts, as the client's documentation shows them."""
    read = attrgetter(*_TABLE.names)
    started = time.perf_counter()
    for first in range(0, len(jobs), batch):
        client.insert(_TABLE.name, [read(job) for job in jobs[first : first + batch]], column_names=_TABLE.names)
    return time.perf_counter() - started


def insert_batched(store: ClickHouseStore, jobs: Sequence[Job], batch: int) -> float:
    """Seconds for the same rows through a batcher, until all are stored."""

    async def run() -> None:
        batcher = Batcher(store, max_rows=batch, max_bytes=1 << 30)
        await batcher.add_all(jobs)
        await batcher.close()

    started = time.perf_counter()
    asyncio.run(run())
    return time.perf_counter() - started


def settle(client: Client) -> None:
    """Wait until the engine has merged nothing for a second: whoever is measured next pays for its own parts only."""
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < 1:
        if client.query("SELECT count() FROM system.merges").first_row[0]:
            quiet_since = time.monotonic()
        time.sleep(0.02)


def main() -> None:
    """Run the rounds and print each, then the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=3_000, help="rows; a crawl sends BATCH_MAX_ROWS")
    asked = parser.parse_args()
    GcTuning().tune()  # as in a crawl, for both sides
    with tempfile.TemporaryDirectory() as folder:
        store = ClickHouseStore.open(f"chdb://{folder}")
        store.ensure_schema()
        client = open_bare(folder)
        bare, batched, again = [], [], []
        for round_number in range(asked.rounds):
            jobs = make_jobs(asked.rows, 2 * round_number)
            settle(client)
            bare.append(asked.rows / insert_bare(client, jobs, asked.batch))
            jobs = make_jobs(asked.rows, 2 * round_number + 1)
            settle(client)
            batched.append(asked.rows / insert_batched(store, jobs, asked.batch))
            again.append(asked.rows / insert_batched(store, jobs, asked.batch))
            print(f"round {round_number + 1}: bare {bare[-1]:8.0f} rows/s   batcher {batched[-1]:8.0f}   unchanged again {again[-1]:8.0f}")
        ratio = statistics.median(ours / theirs for ours, theirs in zip(batched, bare, strict=True))
        print(f"median: bare {statistics.median(bare):.0f} rows/s, batcher {statistics.median(batched):.0f} rows/s, ratio {ratio:.2f}")
        client.close()
        store.close()


if __name__ == "__main__":
    main()
