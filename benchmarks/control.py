"""The control plane measured, side by side with the bare thing.

    python -m benchmarks.control [ingest] [read] [nodes] [runs] [runs-mariadb]

ingest: rows a second through the door until stored, against bare clickhouse-connect inserts of the same batches.
read:   requests a second of JWT + one read, against a bare FastAPI route that does the same read.
nodes:  1,000 nodes beating and claiming at once: p50, p99, errors, and keywords that two nodes were given.
runs:   the search routes with 1,000,000 runs behind them: p50 and p95 over filters and deep parts (benchmarks/control_runs.py).
"""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from backports import zstd

from benchmarks.clickhouse_write import insert_bare, make_jobs, open_bare, settle
from benchmarks.control_runs import measure_runs, measure_runs_mariadb
from benchmarks.control_server import ControlServer
from control_api.db import open_database
from control_api.models import Keyword, Node
from control_api.models.base import now_utc
from control_api.principal import Actor, Principal
from control_api.services import credentials
from jobschema import Job

DOOR = "/api/v1/universal/data/batch-store-async"
BATCH, BATCHES, ROUNDS = 3000, 15, 7  # rows, as a crawl sends them
SETTLE_SECONDS = 3.0
NODES, TURNS, KEYWORDS = 1000, 3, 4000
SOMEBODY = Actor(Principal("cli", 0, "bench", frozenset({"ingest", "keyword", "token"})))


def measure_ingest(folder: Path) -> None:
    """Alternate rounds of both, so that the noise of the machine meets both."""
    server = ControlServer(folder / "control", CONTROL_MYSQL_DSN="none")
    (folder / "control").mkdir()
    server.prepare()
    headers = {**server.add_node(), "Content-Encoding": "zstd"}
    server.start()
    client = open_bare(f"{folder}/bare")
    ratios, bare_rates, door_rates = [], [], []
    try:
        for number in range(ROUNDS):
            jobs = make_jobs(BATCH * BATCHES, number)
            time.sleep(SETTLE_SECONDS)  # the server's engine merges what it got: each side pays for its own parts
            bare = len(jobs) / insert_bare(client, jobs, BATCH)
            settle(client)
            bodies = [_pack(jobs[first : first + BATCH], f"bench-{number}:api:{first}") for first in range(0, len(jobs), BATCH)]
            door = len(jobs) / _send(server, bodies, headers)
            bare_rates.append(bare)
            door_rates.append(door)
            ratios.append(door / bare)
            print(f"ingest round {number + 1}: bare {bare:8.0f} rows/s   door {door:8.0f} rows/s   {door / bare:.2f}")
    finally:
        server.stop()
        client.close()
    bare, door, ratio = (statistics.median(values) for values in (bare_rates, door_rates, ratios))
    print(f"ingest median: bare {bare:.0f} rows/s, door {door:.0f} rows/s, ratio {ratio:.2f}")


def _pack(jobs: Sequence[Job], batch_id: str) -> bytes:
    body = {"data_type": "job", "platform": "boss", "data_list": jobs, "batch_id": batch_id, "schema_version": 1}
    return zstd.compress(orjson.dumps(body), 1)


def _send(server: ControlServer, bodies: Sequence[bytes], headers: dict[str, str]) -> float:
    """Seconds from the first request until every row is stored."""
    started = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(lambda body: _insist(server, body, headers), bodies))
    assert statuses == [202] * len(bodies), statuses
    with closing(sqlite3.connect(f"file:{server.folder}/control.db?mode=ro", uri=True)) as books:  # the server has enough to do
        while books.execute("SELECT 1 FROM ingest_batch WHERE state = 'waiting' LIMIT 1").fetchone():
            time.sleep(0.02)
    return time.perf_counter() - started


def _insist(server: ControlServer, body: bytes, headers: dict[str, str]) -> int:
    while (status := server.ask("POST", DOOR, body, headers).status) in {429, 503}:
        time.sleep(0.05)
    return status


def measure_read(folder: Path) -> None:
    """Two servers over one database, asked in turns."""
    server = ControlServer(folder, CONTROL_CLICKHOUSE_DSN="none")
    server.prepare()
    database = open_database(f"sqlite:///{folder}/control.db")
    with database.write() as unit:
        unit.add_all(Keyword(platform="boss", text=f"text {number}", city_code="1") for number in range(1000))
    database.close()
    server.start()
    bare, port = _start_bare(folder)
    try:
        admin = server.log_in()
        ours, theirs = [], []
        for _ in range(ROUNDS):
            theirs.append(asyncio.run(_ask_many(f"http://127.0.0.1:{port}/keyword/{{}}", {})))
            ours.append(asyncio.run(_ask_many(server.url + "/api/v1/keyword/{}", admin)))
            print(f"read: bare route {theirs[-1]:6.0f}/s   JWT + read {ours[-1]:6.0f}/s   {ours[-1] / theirs[-1]:.2f}")
    finally:
        bare.terminate()
        bare.wait()
        server.stop()
    ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
    print(f"read median: bare route {statistics.median(theirs):.0f}/s, JWT + read {statistics.median(ours):.0f}/s, ratio {ratio:.2f}")


def _start_bare(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    line = [sys.executable, "-m", "uvicorn", "benchmarks.control_bare:make_app", "--factory", "--port", str(port), "--no-access-log"]
    environment = {**os.environ, "CONTROL_BENCH_DSN": f"sqlite:///{folder}/control.db"}
    process = subprocess.Popen([*line, "--log-level", "warning"], env=environment)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process, port
        time.sleep(0.05)
    raise RuntimeError("the bare application did not start")


async def _ask_many(url: str, headers: dict[str, str], count: int = 2000, at_once: int = 16) -> float:
    """Requests a second."""
    numbers = iter(range(count))
    async with aiohttp.ClientSession(headers=headers) as session:

        async def ask() -> None:
            for number in numbers:
                async with session.get(url.format(number % 1000 + 1)) as answer:
                    assert answer.status == 200, await answer.text()

        started = time.perf_counter()
        await asyncio.gather(*(ask() for _ in range(at_once)))
        return count / (time.perf_counter() - started)


def measure_nodes(folder: Path) -> None:
    """Every node beats and claims, TURNS times, all at once."""
    server = ControlServer(folder, CONTROL_CLICKHOUSE_DSN="none")
    server.prepare()
    database = open_database(f"sqlite:///{folder}/control.db")
    with database.write() as unit:
        unit.add_all(Keyword(platform="boss", text=f"text {n}", city_code="1", available_at=now_utc()) for n in range(KEYWORDS))
        nodes = [Node(name=f"node-{number}") for number in range(NODES)]
        unit.add_all(nodes)
        unit.flush()
        secrets = [credentials.issue(unit, SOMEBODY, node.id or 0, ["keyword"], timedelta(days=1))[1] for node in nodes]
    database.close()
    server.start()
    try:
        started = time.perf_counter()
        beats, claims, statuses, given = asyncio.run(_live(server.url, secrets))
        seconds = time.perf_counter() - started
    finally:
        server.stop()
    twice = sum(count > 1 for count in given.values())
    print(f"nodes: {NODES} at once, {len(beats) + len(claims)} requests in {seconds:.1f} s, statuses {dict(statuses)}")
    for name, found in (("heartbeat", beats), ("claim", claims)):
        found.sort()
        print(f"nodes: {name:9} p50 {found[len(found) // 2] * 1000:6.0f} ms   p99 {found[int(len(found) * 0.99)] * 1000:6.0f} ms")
    print(f"nodes: {len(given)} keywords claimed, {twice} of them twice")


async def _live(url: str, secrets: Sequence[str]) -> tuple[list[float], list[float], Counter[int], Counter[str]]:
    beats: list[float] = []
    claims: list[float] = []
    statuses: Counter[int] = Counter()
    given: Counter[str] = Counter()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=120)) as session:

        async def ask(times: list[float], request: Any) -> Any:
            started = time.perf_counter()
            async with request as answer:
                statuses[answer.status] += 1
                document = await answer.json(content_type=None)
            times.append(time.perf_counter() - started)
            return document

        async def be_node(secret: str) -> None:
            headers = {"token": secret}
            for _ in range(TURNS):
                await ask(beats, session.post(url + "/api/v1/node/heartbeat", json={"vitals": {"requests": 1}}, headers=headers))
                answer = await ask(claims, session.get(url + "/api/v1/keyword/available?platform=boss", headers=headers))
                given.update(lease["keyword"]["keyword_id"] for lease in answer.get("leases", ()))

        await asyncio.gather(*(be_node(secret) for secret in secrets))
    return beats, claims, statuses, given


MEASURES: dict[str, Callable[[Path], None]] = {
    "ingest": measure_ingest,
    "read": measure_read,
    "nodes": measure_nodes,
    "runs": measure_runs,
    "runs-mariadb": measure_runs_mariadb,
}


def main() -> None:
    """Run the named measures, all of them when none is named."""
    names = sys.argv[1:] or list(MEASURES)
    if unknown := sorted(set(names) - set(MEASURES)):
        sys.exit(f"{', '.join(map(repr, unknown))}: there is no such measure; valid are {', '.join(MEASURES)}.")
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            MEASURES[name](Path(folder))


if __name__ == "__main__":
    main()
