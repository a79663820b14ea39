"""A private Redis and worker processes that tests kill, stop and continue by their own pids."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.redis_server import PrivateRedis, is_installed

ROOT = Path(__file__).parents[2]


@pytest.fixture
def redis_server() -> Iterator[PrivateRedis]:
    if not is_installed():
        if os.environ.get("CI"):
            pytest.fail("redis-server is not installed: apt-get install redis-server")
        pytest.skip("redis-server is not installed (apt-get install redis-server); no node is killed without it")
    with PrivateRedis() as server:
        yield server


@pytest.fixture
def start_worker(redis_server: PrivateRedis) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """`start_worker(beat=0.2, lease=1, ...)` starts `python -m benchmarks.lease_worker` with these options."""
    workers: list[subprocess.Popen[bytes]] = []

    def start(**options: float) -> subprocess.Popen[bytes]:
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        command = [sys.executable, "-m", "benchmarks.lease_worker", redis_server.url, *arguments]
        worker = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL)
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.kill()
        worker.wait()
