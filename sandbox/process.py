"""The sandbox as a subprocess, for the demo and the tests: start, ask, switch, stop. Standard library only."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

READY_SECONDS = 60.0
STOP_SECONDS = 10.0


class SandboxError(RuntimeError):
    """The sandbox did not start, or refused a control call."""


class SandboxProcess:
    """A running sandbox. Use as a context manager; `options` are further command-line words.

    `base_url`, `secrets` (as the ready line says), `catalogue` (counts) are set once it runs.
    """

    def __init__(
        self,
        *options: str,
        size: int | None = None,
        seed: int | None = None,
        catalogue: str | Path | None = None,
        switches: Mapping[str, Mapping[str, Any]] | None = None,
        python: str = sys.executable,
    ) -> None:
        chosen = {"--size": size, "--seed": seed, "--catalogue": catalogue}
        words = [word for name, value in chosen.items() if value is not None for word in (name, str(value))]
        self._command = [python, "-m", "sandbox", "--exit-with-parent", *words, *options]
        self._switches = switches or {}
        self._process: subprocess.Popen[bytes] | None = None
        self.base_url = ""
        self.control_url = ""
        self.control_token = ""
        self.secrets: dict[str, Any] = {}
        self.catalogue: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it and wait for the ready line; SandboxError with its last words when none comes."""
        root = str(Path(__file__).resolve().parent.parent)
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH", "")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        process = subprocess.Popen(  # noqa: S603
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )
        self._process = process
        try:
            self._read_ready(process, first_line(process))
            if self._switches:
                self._call("PUT", "/switches", self._switches)
        except BaseException:
            self.stop()
            raise

    def _read_ready(self, process: subprocess.Popen[bytes], line: bytes) -> None:
        if not line:
            words = process.communicate()[1].decode("utf-8", "replace").strip()[-2000:]
            raise SandboxError(f"the sandbox ended at start (exit code {process.returncode}): {words}")
        threading.Thread(target=_drain, args=(process.stderr,), daemon=True).start()
        told = json.loads(line)
        self.base_url, self.control_url, self.control_token = told["base_url"], told["control_url"], told["control_token"]
        self.secrets, self.catalogue = told["secrets"], told["catalogue"]

    def stop(self) -> None:
        """Ask it to end, by its own process id, and wait; kill it when it does not."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()

    def switch(self, platform: str, **values: Any) -> dict[str, Any]:
        """Set switches of a platform; answers all of its switches."""
        answer: dict[str, Any] = self._call("PUT", f"/switches/{platform}", values)
        return answer

    def switches(self) -> dict[str, Any]:
        """Every switch of every platform."""
        answer: dict[str, Any] = self._call("GET", "/switches")
        return answer

    def oracle(self, keywords: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """What a crawl of `keywords` ({platform, text, city, pages?, page_size?, filters?}) must yield."""
        asked = [{name: value for name, value in row.items() if name not in ("jobs", "city_code")} for row in keywords]
        answer: dict[str, Any] = self._call("POST", "/oracle", asked)
        return answer

    def answers(self, platform: str = "") -> dict[str, Any]:
        """What every client was answered, per platform; one platform's report when it is named."""
        answer: dict[str, Any] = self._call("GET", f"/answers?platform={platform}" if platform else "/answers")
        return answer[platform] if platform else answer

    def keywords(self, platform: str = "") -> list[dict[str, Any]]:
        """Keywords worth a demo: {platform, text, city, city_code, jobs}."""
        answer: list[dict[str, Any]] = self._call("GET", f"/keywords?platform={platform}" if platform else "/keywords")
        return answer

    def reset(self, *, switches: bool = True) -> None:
        """Forget clients, quotas and answers; with `switches`, put those back as they were at the start of the process."""
        self._call("POST", "/reset", {"switches": switches})
        if switches and self._switches:
            self._call("PUT", "/switches", self._switches)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"x-sandbox-control": self.control_token, "content-type": "application/json"}
        request = urllib.request.Request(self.control_url + path, data=data, headers=headers, method=method)  # noqa: S310
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback never goes through a proxy
        try:
            with opener.open(request, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise SandboxError(f"{method} {path} was refused ({error.code}): {error.read().decode('utf-8', 'replace')}") from None


def first_line(process: subprocess.Popen[bytes]) -> bytes:
    """The ready line, read in a thread so that waiting can end; b"" when the process ended without one."""
    lines: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=lambda: lines.put(process.stdout.readline() if process.stdout else b""), daemon=True).start()
    try:
        return lines.get(timeout=READY_SECONDS)
    except queue.Empty:
        raise SandboxError(f"the sandbox was not ready after {READY_SECONDS:.0f} s") from None


def _drain(pipe: Any) -> None:
    """Read what the process says on stderr, so that its pipe never fills."""
    with contextlib.suppress(ValueError, OSError):  # closed by stop() while it was being read
        while pipe.read(4096):
            pass
