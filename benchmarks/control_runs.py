"""How long the search routes take with a million runs behind them: p50 and p95 over every filter, pairs of them, and deep parts.

python -m benchmarks.control runs            SQLite
python -m benchmarks.control runs-mariadb    a private MariaDB
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pymysql
from sqlmodel import Session, insert

from benchmarks.control_server import ControlServer
from benchmarks.mariadb_server import PrivateMariaDb
from control_api import migrations
from control_api.db import open_database
from control_api.models import Keyword, KeywordRun, Node
from control_api.models.base import now_utc

RUNS, KEYWORDS, NODES, STEP, ASKED = 1_000_000, 20_000, 40, 10_000, 40
TARGET = 0.200  # seconds
PLATFORMS = ("boss", "qcwy", "zhilian")
STATES = ("complete", "partial", "returned", "expired", "running")
WEIGHTS = (9500, 300, 100, 98, 2)
Query = Callable[[random.Random], dict[str, Any]]


def fill(dsn: str) -> None:
    """20,000 keywords, 40 nodes that crawl one platform each, and a million runs of them over a year."""
    database, chance, now = open_database(dsn, 2), random.Random(7), now_utc()
    migrations.upgrade(database.engine)
    with database.write() as unit:
        unit.add_all(Node(name=f"node-{number}") for number in range(NODES))
        _insert(
            unit, Keyword, ({"platform": PLATFORMS[n % 3], "text": f"职位 {n // 3:05}", "city_code": str(n % 7)} for n in range(KEYWORDS))
        )
        unit.flush()
    for first in range(0, RUNS, STEP):
        with database.write() as unit:
            _insert(unit, KeywordRun, (_make_run(chance, first + n, now) for n in range(STEP)))
    database.close()


def _insert(unit: Session, table: Any, rows: Iterator[dict[str, Any]]) -> None:
    unit.connection().execute(insert(table), [{**_defaults(table), **row} for row in rows])


def _defaults(table: Any) -> dict[str, Any]:
    fields = table.model_fields
    return {
        name: field.get_default(call_default_factory=True) for name, field in fields.items() if name != "id" and not field.is_required()
    }


def _make_run(chance: random.Random, number: int, now: Any) -> dict[str, Any]:
    keyword = chance.randrange(KEYWORDS)
    node = keyword % 3 + 3 * chance.randrange(NODES // 3)
    started = now - timedelta(seconds=(RUNS - number) * 30)
    return {
        "keyword_id": keyword + 1,
        "node_id": node + 1,
        "platform": PLATFORMS[keyword % 3],
        "epoch": number,
        "attempt": 1,
        "state": chance.choices(STATES, WEIGHTS)[0],
        "started_at": started,
        "lease_until": started + timedelta(minutes=15),
        "pages": 5,
        "jobs": 150,
    }


QUERIES: dict[str, Query] = {
    "no filter": lambda _: {},
    "no filter, deep": lambda chance: {"cursor": chance.randrange(1, RUNS)},
    "platform": lambda chance: {"platform": chance.choice(PLATFORMS), "cursor": chance.randrange(1, RUNS)},
    "state": lambda chance: {"state": chance.choice(STATES), "cursor": chance.randrange(1, RUNS)},
    "node": lambda chance: {"node_id": chance.randrange(1, NODES)},
    "node, deep": lambda chance: {"node_id": chance.randrange(1, NODES), "cursor": chance.randrange(1, RUNS)},
    "keyword": lambda chance: {"keyword_id": chance.randrange(1, KEYWORDS)},
    "platform + state": lambda chance: {"platform": chance.choice(PLATFORMS), "state": chance.choice(STATES)},
    "platform + state, deep": lambda chance: {
        "platform": chance.choice(PLATFORMS),
        "state": chance.choice(STATES),
        "cursor": chance.randrange(1, RUNS),
    },
    "node + state": lambda chance: {"node_id": chance.randrange(1, NODES), "state": chance.choice(STATES)},
    "node + platform (often none)": lambda chance: {"node_id": chance.randrange(1, NODES), "platform": chance.choice(PLATFORMS)},
    "node + platform + state": lambda chance: {
        "node_id": chance.randrange(1, NODES),
        "platform": chance.choice(PLATFORMS),
        "state": chance.choice(STATES),
    },
    "keyword + state": lambda chance: {"keyword_id": chance.randrange(1, KEYWORDS), "state": chance.choice(STATES)},
    "a state that no run has": lambda _: {"state": "queued"},
    "part of a text": lambda chance: {"text": f" {chance.randrange(KEYWORDS // 3):05}"},
    "part of a text + state": lambda chance: {"text": f" {chance.randrange(KEYWORDS // 3) // 10:04}", "state": "partial"},
    "500 at once, deep": lambda chance: {"cursor": chance.randrange(1, RUNS), "limit": 500},
}
KEYWORD_QUERIES: dict[str, Query] = {
    "no filter, deep": lambda chance: {"cursor": chance.randrange(1, KEYWORDS)},
    "part of a text": lambda chance: {"text": f"{chance.randrange(KEYWORDS // 3):05}"},
    "platform + city": lambda chance: {"platform": chance.choice(PLATFORMS), "city_code": chance.randrange(7)},
    "a tag that no keyword has": lambda _: {"tag": "none"},
}


def measure_runs(folder: Path) -> None:
    """On SQLite."""
    _measure(folder, f"sqlite:///{folder}/control.db")


def measure_runs_mariadb(folder: Path) -> None:
    """On a MariaDB of its own."""
    with PrivateMariaDb(memory=512) as server:
        with pymysql.connect(host="127.0.0.1", port=server.port, user="root") as connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE jobs CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        _measure(folder, server.dsn)


def _measure(folder: Path, dsn: str) -> None:
    started = time.perf_counter()
    fill(dsn)
    print(f"runs: {RUNS} runs of {KEYWORDS} keywords are there after {time.perf_counter() - started:.0f} s", flush=True)
    server = ControlServer(folder, CONTROL_CLICKHOUSE_DSN="none", CONTROL_DATABASE_URL=dsn)
    server.start()
    try:
        admin = server.log_in()
        worst = max(
            _ask(server, admin, f"/api/v1/keyword{path}", name, query)
            for path, queries in (("/runs", QUERIES), ("", KEYWORD_QUERIES))
            for name, query in queries.items()
        )
        _ask(server, {}, "/metrics", "all numbers", lambda _: {})
    finally:
        server.stop()
    print(f"runs: the slowest p95 is {worst * 1000:.0f} ms, the target {TARGET * 1000:.0f} ms", flush=True)


def _ask(server: ControlServer, headers: dict[str, str], path: str, name: str, query: Query) -> float:
    """Ask with changing values; prints and returns the p95 in seconds."""
    chance, times = random.Random(1), []
    for _ in range(ASKED):
        address = f"{path}?{urlencode(query(chance), quote_via=quote)}"
        started = time.perf_counter()
        reply = server.ask("GET", address, headers=headers)
        times.append(time.perf_counter() - started)
        assert reply.status == 200, reply
    times.sort()
    p50, p95 = times[ASKED // 2] * 1000, times[int(ASKED * 0.95)] * 1000
    print(f"runs: {path:22} {name:30} p50 {p50:6.1f} ms   p95 {p95:6.1f} ms   worst {times[-1] * 1000:6.1f} ms", flush=True)
    return times[int(ASKED * 0.95)]
