"""A private Redis and worker processes that tests kill, stop and continue by their own pids."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.redis_server import PrivateRedis

ROOT = Path(__file__).parents[2]


@pytest.fixture
def redis_server(redis_installed: None) -> Iterator[PrivateRedis]:
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
