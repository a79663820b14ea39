"""The whole crawler as its operators run it: `scrapy` as a subprocess against a sandbox process, rows read from the store."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from jobstore.clickhouse import ClickHouseStore
from sandbox.process import SandboxProcess

ROOT = Path(__file__).parents[2]
SIZE = 900
OURS = (
    "BOSS_",
    "QCWY_",
    "ZHILIAN_",
    "PROXY_",
    "CLICKHOUSE_",
    "MYSQL_",
    "INGEST_",
    "ENRICHMENT_",
    "CONTROL_",
    "REDIS_",
)  # what the machine's own environment must not add


@dataclass
class Ran:
    """A finished command."""

    code: int
    out: str
    err: str
    folder: Path

    def read(self, query: str) -> list[dict[str, Any]]:
        """Rows of the store that it wrote."""
        store = ClickHouseStore.open(f"chdb://{self.folder / 'clickhouse'}")
        try:
            return store.read(query)
        finally:
            store.close()

    def ids(self, platform: str, noun: str = "job") -> set[str]:
        return {row["id"] for row in self.read(f"SELECT DISTINCT {noun}_id AS id FROM {platform}_{noun}")}

    def count(self, table: str) -> int:
        return self.read(f"SELECT count() AS n FROM {table}")[0]["n"]

    @property
    def stats(self) -> dict[str, Any]:
        """The stats that the spider dumped at its end."""
        text = self.err.split("Dumping Scrapy stats:\n", 1)[1]
        end = text.index("}\n") + 1
        found: dict[str, Any] = eval(text[:end], {"datetime": dt})  # Scrapy prints a dict, datetimes in it
        return found


@dataclass
class Operator:
    """Types `scrapy ...` with a sandbox's addresses and secrets in the environment, as a real operator would."""

    sandbox: SandboxProcess
    folder: Path
    extra: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        secrets, url = self.sandbox.secrets, self.sandbox.base_url
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(OURS)},
            "BOSS_BASE_URL": url,
            "QCWY_BASE_URL": url,
            "QCWY_WEB_BASE_URL": url,
            "ZHILIAN_BASE_URL": url,
            "BOSS_TOKENS": ",".join(secrets["boss_tokens"]),
            "QCWY_SIGN_KEY": secrets["qcwy_sign_key"],
            "ZHILIAN_AT": secrets["zhilian_at"],
            "ZHILIAN_RT": secrets["zhilian_rt"],
            "SLEEP_MIN_SECONDS": "0",
            "SLEEP_MAX_SECONDS": "0",
            "CONCURRENT_REQUESTS": "8",
            "VERDICT_REST_SCALE": "0.00005",
            "VERDICT_MAX_WAIT": "20",
            "JOBSPIDERS_DATA_DIR": str(self.folder),
            **self.extra,
        }

    def start(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "scrapy", *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
        return subprocess.Popen(command, cwd=ROOT, env=self.environment(), text=True, **pipes)

    def run(self, *words: str, timeout: float = 120) -> Ran:
        process = self.start(*words)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"scrapy {' '.join(words)} took longer than {timeout} s:\n{out[-2000:]}\n{err[-4000:]}") from None
        return Ran(process.returncode, out, err, self.folder)

    def interrupt(self, words: tuple[str, ...], number: signal.Signals, is_time: Callable[[], bool], timeout: float = 60) -> Ran:
        """Start a command and send it a signal as soon as `is_time`."""
        process = self.start(*words)
        deadline = time.monotonic() + timeout
        while not is_time():
            assert process.poll() is None, "the command ended before it was interrupted"
            assert time.monotonic() < deadline, "the moment to interrupt never came"
        process.send_signal(number)
        out, err = process.communicate(timeout=timeout)
        return Ran(process.returncode, out, err, self.folder)

    def crawl(self, platform: str, *options: str, **arguments: str) -> Ran:
        words = [word for name, value in arguments.items() for word in ("-a", f"{name}={value}")]
        return self.run("crawl", platform, *words, *options)

    def truth(self, platform: str, texts: list[str], cities: list[str], **more: Any) -> list[Mapping[str, Any]]:
        """What the oracle says each keyword must yield."""
        keywords = [{"platform": platform, "text": text, "city": city, **more} for text in texts for city in cities]
        answer: list[Mapping[str, Any]] = self.sandbox.oracle(keywords)["keywords"]
        return answer


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess(seed=11, size=SIZE) as process:
        yield process


@pytest.fixture
def sandbox(running_sandbox: SandboxProcess) -> SandboxProcess:
    """The sandbox, its switches at rest and its memory empty."""
    running_sandbox.reset()
    return running_sandbox


@pytest.fixture
def operator(sandbox: SandboxProcess, tmp_path: Path) -> Operator:
    return Operator(sandbox, tmp_path / "data")


def ids_of(keywords: list[Mapping[str, Any]], noun: str = "jobs") -> set[str]:
    return {one for keyword in keywords for one in keyword[noun]}


@pytest.fixture
def union() -> Any:
    """`union(keywords)`: all job ids of an oracle's answer; `union(keywords, "companies")`: all company ids."""
    return ids_of


@pytest.fixture(scope="session")
def load_lines() -> Any:
    def load(text: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in text.splitlines() if line.strip()]

    return load
