"""The control plane as a process of its own on loopback, for measurements and for killing: migrated, with one node's credential."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STARTING = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status (0: none came) and its JSON."""

    status: int
    json: Any


class ControlServer:
    """One server over one folder; `start` and `kill` as often as needed."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        given = {"CONTROL_DATA_DIR": str(folder), "CONTROL_PORT": str(self.port), "CONTROL_LOG_LEVEL": "WARNING", **settings}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CONTROL_", "CLICKHOUSE_"))}
        self.environment = {**inherited, **given}
        self._process: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str, stdin: str = "") -> str:
        """Run a command of the control plane; its output."""
        line = [sys.executable, "-m", "control_api", *arguments]
        done = subprocess.run(line, env=self.environment, input=stdin, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)}: {done.stderr or done.stdout}")
        return done.stdout

    def prepare(self) -> None:
        """Make the database."""
        self.command("db", "upgrade")

    def add_node(self, name: str = "bench") -> dict[str, str]:
        """Add a node; the headers of its credential."""
        return {"token": self.command("nodes", "add", name).strip().splitlines()[-1]}

    def start(self) -> None:
        """Start and wait until it is ready."""
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen([sys.executable, "-m", "control_api", "serve"], env=self.environment, stdout=log, stderr=log)
        deadline = time.monotonic() + STARTING
        while self.ask("GET", "/readyz").status != 200:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "server.log").read_text()[-2000:])
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End the process by a signal and wait for it."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(60)
            self._process = None

    def kill(self) -> None:
        """kill -9."""
        self.stop(signal.SIGKILL)

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        """One request; status 0 when nobody answered."""
        content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, content, {"Content-Type": "application/json", **(headers or {})}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Reply(answer.status, _read(answer.read()))
        except urllib.error.HTTPError as error:
            return Reply(error.code, _read(error.read()))
        except (OSError, http.client.HTTPException):
            return Reply(0, None)

    def log_in(self, name: str = "admin") -> dict[str, str]:
        """The headers of a new administrator's session."""
        password = "Quiet-harbour-lamp-71"
        self.command("create-admin", "--username", name, "--password-stdin", stdin=password + "\n")
        form = f"username={name}&password={password}".encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return {"Authorization": f"Bearer {self.ask('POST', '/api/v1/auth/token', form, kind).json['access_token']}"}


def _read(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")
