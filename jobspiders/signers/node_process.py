"""One long-lived node process and its pipes: a line out, a line back, within a deadline. The shell under node_runtime.py."""

from __future__ import annotations

import os
import selectors
import shutil
import subprocess
import time
from typing import IO

from jobspiders.signers.context import EngineDied, EngineTimedOut, package_script

# A script gets none of this process's environment: that holds secrets, and NODE_OPTIONS could change how node runs.
NODE_ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8"}
_CHUNK = 65536


def find_node() -> str | None:
    """The path of node on PATH, None when there is none."""
    return shutil.which("node") or shutil.which("nodejs")


class NodeProcess:
    """A running node_runner.js. One `ask` at a time. It ends when `close` is called or when this process goes away."""

    def __init__(self, node: str, max_memory: int, max_line: int) -> None:
        heap = max(max_memory // 1_048_576, 16)
        command = [node, "--no-warnings", f"--max-old-space-size={heap}", "-e", package_script("node_runner.js")]
        # A session of its own: Ctrl-C in the terminal must not end it before the crawl has signed its last request.
        self._process = subprocess.Popen(  # noqa: S603 (the command is ours; the path comes from PATH)
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=NODE_ENVIRONMENT,
            start_new_session=True,
            bufsize=0,
        )
        self._max_line = max_line
        self._buffer = bytearray()
        self._input, self._writable = _pipe(self._process.stdin, selectors.EVENT_WRITE)
        self._output, self._readable = _pipe(self._process.stdout, selectors.EVENT_READ)

    @property
    def pid(self) -> int:
        """The process id of node."""
        return self._process.pid

    def is_running(self) -> bool:
        """Whether node lives."""
        return self._process.poll() is None

    def ask(self, line: bytes, timeout: float) -> bytes:
        """The line that answers `line`, both without line feed. After EngineTimedOut or EngineDied the process is gone."""
        deadline = time.monotonic() + timeout
        try:
            self._write(line + b"\n", deadline)
            return self._read(deadline)
        except TimeoutError:
            self.close()
            raise EngineTimedOut(f"node was stopped after {timeout:g} s") from None
        except (OSError, ValueError) as error:  # ValueError: the pipes were closed before
            self.close()
            reason = f": {error}" if isinstance(error, _LongLineError) else ""
            raise EngineDied(f"the node process ended (status {self._process.returncode}){reason}") from None

    def close(self) -> None:
        """Kill node and close the pipes; harmless when repeated."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _write(self, line: bytes, deadline: float) -> None:
        rest = memoryview(line)
        while rest:
            _await(self._writable, deadline)
            rest = rest[os.write(self._input, rest) :]

    def _read(self, deadline: float) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > self._max_line:
                raise _LongLineError(f"it wrote a line longer than {self._max_line} bytes")
            _await(self._readable, deadline)
            chunk = os.read(self._output, _CHUNK)
            if not chunk:
                raise BrokenPipeError
            self._buffer += chunk
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line


class _LongLineError(OSError):
    """Node wrote more than an answer may have."""


def _pipe(pipe: IO[bytes] | None, event: int) -> tuple[int, selectors.BaseSelector]:
    """A pipe's file descriptor, made non-blocking, and what waits for it. Poll: no limit on descriptor numbers, and none of its own."""
    if pipe is None:
        raise AssertionError("the process was started without pipes")
    os.set_blocking(pipe.fileno(), False)
    selector = selectors.PollSelector()
    selector.register(pipe.fileno(), event)
    return pipe.fileno(), selector


def _await(selector: selectors.BaseSelector, deadline: float) -> None:
    if not selector.select(max(deadline - time.monotonic(), 0)):
        raise TimeoutError
