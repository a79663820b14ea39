"""The demo's control plane: `python -m control_api` as a process of its own, with keywords, tokens and one node's credential."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from jobspiders.secret import Secret

if TYPE_CHECKING:
    from jobschema import Platform
    from jobspiders.demo.world import Errand

READY_SECONDS = 60.0
CATCH_UP_SECONDS = 120.0
# The server, and an eye on its standard input: it closes when the demo goes, however it goes, and no server is left behind.
SERVE = """
import os, runpy, signal, sys, threading

def watch():
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=watch, daemon=True).start()
sys.argv = ["control_api", "serve"]
runpy.run_module("control_api", run_name="__main__")
"""


class ControlPlaneError(RuntimeError):
    """The control plane did not start, refused a command, or did not store in time what it took."""


class ControlPlane:
    """A control plane over `folder`. A context manager: it runs inside, and has stored everything when it ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        given = {"CONTROL_DATA_DIR": str(folder), "CONTROL_PORT": str(self.port), "CONTROL_LOG_LEVEL": "WARNING"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CONTROL_", "CLICKHOUSE_", "MYSQL_"))}
        self.environment = {**kept, **given}
        self.keywords = 0  # how many there are to crawl
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        shutil.rmtree(self.folder, ignore_errors=True)  # every demo claims the same keywords anew
        self.folder.mkdir(parents=True)
        self.command("db", "upgrade")
        self.admin_says = self.command("create-admin", "--if-none").strip()  # name and password, printed this once
        with (self.folder / "server.log").open("wb") as log:
            words = [sys.executable, "-c", SERVE]
            self._process = subprocess.Popen(words, env=self.environment, stdin=subprocess.PIPE, stdout=log, stderr=log)  # noqa: S603
        try:
            self._wait_until(self._is_ready, READY_SECONDS, "did not start")
        except BaseException:  # Ctrl-C too: who does not get in does not come out
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            assert self._process.stdin is not None, "it was started with a pipe"
            self._process.stdin.close()

    def command(self, *words: str) -> str:
        """What a command of the control plane prints. Raises ControlPlaneError."""
        done = subprocess.run(  # noqa: S603  # our own program with our own words
            [sys.executable, "-m", "control_api", *words], env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ControlPlaneError(f"python -m control_api {' '.join(words)} failed: {(done.stderr or done.stdout).strip()[-500:]}")
        return done.stdout

    def prepare(self, errands: Sequence[Errand], city_codes: Mapping[Platform, Sequence[str]], tokens: Sequence[str]) -> dict[str, Any]:
        """Bring in keywords (every text in every city code of its platform) and Boss tokens; the settings of a node that crawls them."""
        listed = [
            {"text": text, "platforms": [errand.platform.value], "cities": list(city_codes[errand.platform])}
            for errand in errands
            for text in errand.texts
        ]
        self.keywords = sum(len(one["cities"]) for one in listed)
        keywords, secrets = self.folder / "keywords.json", self.folder / "tokens.txt"
        keywords.write_text(json.dumps(listed, ensure_ascii=False), "utf-8")
        self.command("keywords", "import", str(keywords), "--update")
        secrets.touch(mode=0o600)
        secrets.write_text("\n".join(tokens), "utf-8")
        self.command("tokens", "import", str(secrets))
        secrets.unlink()
        credential = self.command("nodes", "add", "demo", "--days", "1").strip().splitlines()[-1]
        return {
            "CONTROL_API_URL": self.url,
            "CONTROL_API_TOKEN": Secret(credential),
            "INGEST_ENABLED": True,
            "CLICKHOUSE_DSN": "none",
            "CONTROL_POLL_SECONDS": 0.5,
            "CONTROL_TOKENS": max(1, len(tokens)),
            "MAX_IDLE_TIME_BEFORE_CLOSE": 2,
        }

    def catch_up(self) -> None:
        """Wait until every row that was taken is stored. Raises ControlPlaneError."""
        self._wait_until(lambda: self._count_waiting() == 0, CATCH_UP_SECONDS, "still holds rows that are not stored")

    def _count_waiting(self) -> int:
        found = re.search(r'^control_ingest_batches\{state="waiting"\} (\d+)', self._ask("/metrics"), re.MULTILINE)
        return int(found[1]) if found else 0

    def _is_ready(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise ControlPlaneError(f"The control plane ended: {(self.folder / 'server.log').read_text()[-500:]}")
        return self._ask("/readyz") != ""

    def _ask(self, path: str) -> str:
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:  # noqa: S310  # our own loopback address
                return str(answer.read().decode())
        except (OSError, urllib.error.URLError):
            return ""

    def _wait_until(self, condition: Any, seconds: float, words: str) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise ControlPlaneError(f"The control plane {words} within {seconds:.0f} s; its log is {self.folder / 'server.log'}")
            time.sleep(0.05)
