"""A part of the sandbox as a subprocess: started, read its ready line, stopped or killed by its own process id. Standard library only."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

from sandbox.process import STOP_SECONDS, SandboxError, first_line


class ChildProcess:
    """Runs `python -m MODULE OPTIONS --exit-with-parent`, which prints one JSON line when it is ready. Use as a context manager.

    It may be stopped or killed and started again. What the ready line said is in `told`.
    """

    def __init__(self, module: str, *options: str, python: str = sys.executable) -> None:
        self._module = module
        self._python = python
        self.options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.told: dict[str, Any] = {}

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
            [self._python, "-m", self._module, "--exit-with-parent", *self.options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        self._process = process
        try:
            line = first_line(process)
            if not line:
                words = process.communicate()[1].decode("utf-8", "replace").strip()[-2000:]
                raise SandboxError(f"{self._module} ended at start (exit code {process.returncode}): {words}")
            threading.Thread(target=_drain, args=(process.stderr,), daemon=True).start()
            self.told = json.loads(line)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ask it to end and wait; kill it when it does not."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End it with SIGKILL, as a power cut would, and wait until it is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _drain(pipe: Any) -> None:
    """Read what the process says on stderr, so that its pipe never fills."""
    with contextlib.suppress(ValueError, OSError):  # closed by stop() while it was being read
        while pipe.read(4096):
            pass
