"""A fleet on this machine: sandbox, Redis, worker processes that run the real spiders, a killer with seeded dice, and the oracle's verdict.

Used by `python -m benchmarks.leases crawl-kills` and, shortened, by tests/chaos. Every worker keeps its rows in a chDB folder of its own,
which survives its kills; the verdict reads all of them together.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, Self

import redis.asyncio

from benchmarks.redis_server import PrivateRedis
from jobschema import Platform
from jobschema.keys import PlatformKeys
from jobschema.messages import Keyword
from jobspiders.leases.queue import KeywordQueue, QueueStatus
from jobspiders.leases.scripts import LeaseScripts, RedisTransport
from jobspiders.platforms import build_platform
from jobstore.clickhouse import ClickHouseStore
from sandbox.process import SandboxProcess

ROOT = Path(__file__).parents[1]
PAGES = 5
PAGE_SIZE = 10
MOST = 400  # postings of a text: below every platform's cap, so that no search is split
RUN = "r1"
# fmt: off
TERMS = [
    "负责", "开发", "设计", "优化", "数据", "产品", "项目", "团队", "系统", "平台", "业务", "需求",
    "管理", "客户", "运营", "分析", "维护", "测试", "工程师", "经理", "专员", "销售", "活动", "内容",
    "性能", "服务", "协作", "推进", "方案", "质量", "自动化", "指标", "跟踪", "计划", "文档", "落地",
    "策划", "参与", "建设", "编写", "Python", "Java", "SQL", "MySQL", "Linux", "Redis", "Excel",
]
# fmt: on


def wait_for(condition: Callable[[], bool], what: str, limit: float = 120.0) -> float:
    """Seconds until it is so. Raises TimeoutError naming what did not happen."""
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > limit:
            raise TimeoutError(f"{what} did not happen within {limit:.0f} s")
        time.sleep(0.02)
    return time.monotonic() - begin


@dataclass(slots=True)
class Worker:
    """One process and the folder that outlives it."""

    folder: Path
    command: list[str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0


@dataclass(slots=True)
class Verdict:
    """What the oracle says of a fleet's work; all lists empty and all counts 0 is what must be."""

    keywords: int = 0
    keywords_lost: list[str] = field(default_factory=list)
    pages_lost: int = 0
    rows_lost: int = 0
    rows_doubled: int = 0
    completed_twice: int = 0

    @property
    def is_clean(self) -> bool:
        return not (self.keywords_lost or self.pages_lost or self.rows_lost or self.rows_doubled or self.completed_twice)


class Fleet:
    """`with Fleet(...) as fleet: fleet.push(100); fleet.start(4); ...`"""

    def __init__(self, platforms: Sequence[Platform] = tuple(Platform), *, size: int = 900, append_only: bool = False) -> None:
        self.platforms = platforms
        self.sandbox = SandboxProcess(seed=11, size=size)
        self.redis = PrivateRedis(append_only=append_only)
        self.folder = Path(tempfile.mkdtemp(prefix="fleet-"))
        self.workers: list[Worker] = []
        self.extra: dict[str, str] = {}
        self.texts: dict[Platform, list[str]] = {}

    def __enter__(self) -> Self:
        self.sandbox.start()
        self.redis.start()
        return self

    def __exit__(self, *exc: object) -> None:
        for worker in self.workers:
            self.kill(worker)
        self.redis.__exit__(*exc)
        self.sandbox.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- what an operator sets ----------------------------------------------------------------------------------------------

    def environment(self) -> dict[str, str]:
        secrets, url = self.sandbox.secrets, self.sandbox.base_url
        mine = ("BOSS_", "QCWY_", "ZHILIAN_", "PROXY_", "CLICKHOUSE_", "REDIS_", "LEASE_", "BUDGET_")
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(mine)},
            **dict.fromkeys(("BOSS_BASE_URL", "QCWY_BASE_URL", "QCWY_WEB_BASE_URL", "ZHILIAN_BASE_URL"), url),
            **{f"{name}_PAGE_SIZE": str(PAGE_SIZE) for name in ("BOSS", "QCWY", "ZHILIAN")},
            "BOSS_TOKENS": ",".join(secrets["boss_tokens"]),
            "QCWY_SIGN_KEY": secrets["qcwy_sign_key"],
            "ZHILIAN_AT": secrets["zhilian_at"],
            "ZHILIAN_RT": secrets["zhilian_rt"],
            "SLEEP_MIN_SECONDS": "0",
            "SLEEP_MAX_SECONDS": "0",
            "REDIS_URL": self.redis.url,
            "LEASE_BEAT_SECONDS": "0.5",
            "LEASE_SECONDS": "2",
            "BATCH_MAX_SECONDS": "0.2",
            "PYTHONPATH": str(ROOT),
            **self.extra,
        }

    def choose_texts(self, count: int) -> None:
        """`count` texts a platform, each with five pages or more of postings in the whole country, and no more than any platform shows."""
        candidates = [
            *TERMS,
            *(" ".join(pair) for pair in combinations(TERMS, 2)),
            *(" ".join(three) for three in combinations(TERMS[:30], 3)),
        ]
        for platform in self.platforms:
            found: list[str] = []
            for start in range(0, len(candidates), 200):
                asked = [self._question(platform, text) for text in candidates[start : start + 200]]
                answers = self.sandbox.oracle(asked)["keywords"]
                found += [one["text"] for one in answers if (PAGES - 1) * PAGE_SIZE < one["matching"] <= MOST and not one["capped"]]
                if len(found) >= count:
                    break
            if len(found) < count:
                raise ValueError(
                    f"the sandbox has {len(found)} texts of {PAGES} pages on {platform}, {count} are wanted: give it more postings"
                )
            self.texts[platform] = found[:count]

    def push(self, count: int) -> None:
        """`count` keywords a platform into the queues."""
        self.choose_texts(count)
        self.push_again()

    def push_again(self) -> None:
        """The same keywords once more: what an operator's rebuild does after Redis came back empty."""
        for platform, texts in self.texts.items():
            keywords = [Keyword(platform, text, whole_country(platform), PAGES) for text in texts]
            self.ask(platform, lambda queue, keywords=keywords: queue.push(keywords, RUN))  # type: ignore[misc]

    # -- processes ----------------------------------------------------------------------------------------------------------

    def start(self, count: int, command: Sequence[str] = ()) -> None:
        """Workers that run all platforms' spiders in one process each, or `command`."""
        for _ in range(count):
            folder = self.folder / f"worker{len(self.workers)}"
            words = command or [sys.executable, "-m", "benchmarks.lease_crawler", *self.platforms]
            self.workers.append(Worker(folder, [str(word) for word in words]))
            self.restart(self.workers[-1])

    def restart(self, worker: Worker) -> None:
        worker.folder.mkdir(parents=True, exist_ok=True)
        with (worker.folder / "log").open("ab") as log:
            environment = self.environment() | {"JOBSPIDERS_DATA_DIR": str(worker.folder)}
            worker.process = subprocess.Popen(worker.command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self, worker: Worker) -> None:
        if worker.process is not None:
            worker.process.send_signal(signal.SIGKILL)
            worker.process.wait()
            worker.process = None

    def stop(self, limit: float = 60.0) -> list[int]:
        """SIGTERM to all; their exit codes."""
        running = [worker.process for worker in self.workers if worker.process is not None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(limit) for process in running]
        for worker in self.workers:
            worker.process = None
        return codes

    def holding(self) -> dict[int, int]:
        """pid -> leases it holds, of workers on duty."""
        held: dict[int, int] = {}
        for platform in self.platforms:
            for worker in self.status(platform).workers:
                pid = int(worker.node.get("pid", 0))
                held[pid] = held.get(pid, 0) + worker.held
        return held

    def kill_one(self, dice: random.Random) -> int:
        """SIGKILL a worker that holds leases, and start it again. Returns how many it held; 0: none holds any."""
        held = self.holding()
        busy = [worker for worker in self.workers if held.get(worker.pid)]
        if not busy:
            return 0
        victim = dice.choice(busy)
        lost = held[victim.pid]
        self.kill(victim)
        self.restart(victim)
        return lost

    # -- questions ----------------------------------------------------------------------------------------------------------

    def ask(self, platform: Platform, question: Callable[[KeywordQueue], Any]) -> Any:
        async def main() -> Any:
            async with redis.asyncio.Redis(port=self.redis.port, decode_responses=True) as client:
                return await question(KeywordQueue(LeaseScripts(RedisTransport(client), PlatformKeys(platform)), platform))

        return asyncio.run(main())

    def status(self, platform: Platform) -> QueueStatus:
        found: QueueStatus = self.ask(platform, lambda queue: queue.status())
        return found

    def count_complete(self) -> int:
        return sum(self.status(platform).complete for platform in self.platforms)

    def count_open(self) -> int:
        return sum(found.queued + found.leased for found in map(self.status, self.platforms))

    def pages_served(self) -> int:
        """Search pages that the sandbox answered so far."""
        return sum(answers["kinds"].get("search", 0) for answers in self.sandbox.answers().values())

    def logs(self) -> str:
        return "\n".join(f"== {worker.folder.name}\n{(worker.folder / 'log').read_text()[-3000:]}" for worker in self.workers)

    # -- the verdict --------------------------------------------------------------------------------------------------------

    def judge(self) -> Verdict:
        """Compare what all folders hold with what the platforms hold. The workers must have ended."""
        verdict = Verdict()
        stored, doubled = self._read_folders()
        verdict.rows_doubled = doubled
        for platform in self.platforms:
            status = self.status(platform)
            verdict.completed_twice += max(0, status.complete - len(self.texts[platform]))
            questions = [self._question(platform, text) for text in self.texts[platform]]
            for start in range(0, len(questions), 100):
                for one in self.sandbox.oracle(questions[start : start + 100])["keywords"]:
                    self._compare(one, stored.get((platform.value, one["text"]), set()), verdict)
        return verdict

    def _compare(self, truth: Mapping[str, Any], found: set[str], verdict: Verdict) -> None:
        verdict.keywords += 1
        missing = [number for number, job in enumerate(truth["jobs"]) if job not in found]
        if missing:
            verdict.keywords_lost.append(f"{truth['platform']}: {truth['text']}")
            verdict.rows_lost += len(missing)
            verdict.pages_lost += len({number // PAGE_SIZE for number in missing})

    def _read_folders(self) -> tuple[dict[tuple[str, str], set[str]], int]:
        """(platform, keyword) -> ids of postings seen for it; and how many versions are stored twice in one store."""
        stored: dict[tuple[str, str], set[str]] = {}
        doubled = 0
        for folder in self._stores():
            store = ClickHouseStore.open(f"chdb://{folder}")
            try:
                for row in store.read(
                    "SELECT platform, keyword, groupUniqArray(job_id) AS ids FROM job_sighting GROUP BY platform, keyword"
                ):
                    stored.setdefault((row["platform"], row["keyword"]), set()).update(row["ids"])
                for platform in self.platforms:
                    grouped = f"SELECT job_id, content_hash, count() AS n FROM {platform}_job GROUP BY job_id, content_hash"
                    doubled += store.read(f"SELECT sum(n - 1) AS doubled FROM ({grouped})")[0]["doubled"] or 0
            finally:
                store.close()
        return stored, doubled

    def _stores(self) -> Iterator[Path]:
        return (worker.folder / "clickhouse" for worker in self.workers if (worker.folder / "clickhouse").exists())

    def _question(self, platform: Platform, text: str) -> dict[str, Any]:
        return {"platform": platform.value, "text": text, "city": whole_country(platform), "pages": PAGES, "page_size": PAGE_SIZE}


def whole_country(platform: Platform) -> str:
    return build_platform(platform, {"QCWY_DOOR": "web"}).city_code("全国")


def message(text: str) -> str:
    """As an operator pushes it to the redis_key."""
    return json.dumps({"text": text, "city": "全国", "depth": PAGES, "run": RUN}, ensure_ascii=False)
