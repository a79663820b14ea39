"""A private redis-server on loopback in its own directory, for benchmarks and tests: started, killed and restarted at will."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import redis


class PrivateRedis:
    """`with PrivateRedis() as server: ... server.url`. `append_only`: what was written survives `kill` and `restart`."""

    def __init__(self, *, append_only: bool = False) -> None:
        self.append_only = append_only
        self.directory = Path(tempfile.mkdtemp(prefix="redis-"))
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> PrivateRedis:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, decode_responses=True)

    def start(self) -> None:
        append = "yes" if self.append_only else "no"
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.directory), "--save", ""]
        command += ["--appendonly", append, "--appendfsync", "always"]
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._await_answer()

    def kill(self) -> None:
        """SIGKILL, as the power switch does it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def restart_empty(self) -> None:
        """Another Redis takes the address, and knows nothing."""
        self.kill()
        shutil.rmtree(self.directory / "appendonlydir", ignore_errors=True)
        self.start()

    def _await_answer(self) -> None:
        with contextlib.closing(self.client()) as client:
            for _ in range(500):
                with contextlib.suppress(redis.ConnectionError):
                    client.ping()
                    return
                time.sleep(0.02)
        raise RuntimeError(f"redis-server does not answer on port {self.port}:\n{(self.directory / 'server.log').read_text()[-2000:]}")


def is_installed() -> bool:
    return shutil.which("redis-server") is not None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
