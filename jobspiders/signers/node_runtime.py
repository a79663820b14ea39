"""The PyExecJS runtime `jobspiders-node`: one long-lived node process per runtime object, one vm context in it per compiled script."""

from __future__ import annotations

import itertools
import json
import threading
import weakref
from collections.abc import Callable
from typing import Any

import execjs
from execjs._abstract_runtime import AbstractRuntime

from jobspiders.signers.context import EngineLimits, ScriptContext, ScriptFault, package_script, thrown_text
from jobspiders.signers.node_process import NodeProcess, find_node

START_TIMEOUT = 15.0  # seconds that node may take to start on a busy machine, before a script's own time-out counts


class NodeRuntime(AbstractRuntime):  # type: ignore[misc]
    """Starts node at the first compile and again whenever it was killed. `find` gives the path of node, or None."""

    name = "Node.js (one long-lived process)"

    def __init__(self, limits: EngineLimits | None = None, find: Callable[[], str | None] = find_node) -> None:
        self.limits = limits or EngineLimits()
        self._find = find
        self._process: NodeProcess | None = None
        self._lock = threading.Lock()  # one line out, one line back
        self._numbers = itertools.count(1)

    def limited(self, limits: EngineLimits) -> NodeRuntime:
        """The same runtime with other limits and a process of its own."""
        return NodeRuntime(limits, self._find)

    def is_available(self) -> bool:
        return self._find() is not None

    @property
    def pid(self) -> int | None:
        """The process id of node while it runs."""
        process = self._process
        return process.pid if process is not None and process.is_running() else None

    def close(self) -> None:
        """End the node process. The next compile or call starts another."""
        with self._lock:
            if self._process is not None:
                self._process.close()
                self._process = None

    def _compile(self, source: str, cwd: str | None = None) -> NodeContext:  # noqa: ARG002 (PyExecJS passes cwd)
        return NodeContext(self, source, next(self._numbers))

    def ask(self, order: dict[str, Any], home: NodeProcess | None, timeout: float) -> str:
        """One order to `home`, as ASCII JSON text. A `home` that was replaced answers with an error of kind `moved`."""
        with self._lock:
            if self._process is not home or home is None:
                return '{"kind":"moved"}'
            return home.ask(json.dumps(order).encode(), timeout).decode("ascii", "replace")

    def process(self) -> NodeProcess:
        """The running node process, started when there is none."""
        with self._lock:
            if self._process is None or not self._process.is_running():
                self._process = self._start()
            return self._process

    def _start(self) -> NodeProcess:
        node = self._find()
        if node is None:
            raise execjs.RuntimeUnavailableError("node is not installed: there is neither `node` nor `nodejs` on PATH")
        process = NodeProcess(node, self.limits.max_memory, 8 * self.limits.max_output + 65536)
        weakref.finalize(self, process.close)
        process.ask(b'{"op":"memory"}', START_TIMEOUT)
        return process


class NodeContext(ScriptContext):
    """One script in one vm context. Compiled anew, unseen, when the process was killed for another script's sake."""

    def __init__(self, runtime: NodeRuntime, source: str, number: int) -> None:
        self._runtime = runtime
        self._source = source
        self._number = number
        self._home: NodeProcess | None = None
        self._floor = 0
        self._move_in()

    def ask(self, mode: str, code: str, args_text: str) -> str:
        order = {"op": "call", "context": self._number, "mode": mode, "code": code, "args": args_text}
        for _ in range(3):
            reply = self._runtime.ask(order, self._home, self._runtime.limits.timeout)
            if reply != '{"kind":"moved"}':
                return reply
            self._move_in()
        raise execjs.RuntimeUnavailableError("the node process was replaced three times during one call")

    def memory_bytes(self) -> int:
        return max(self._memory() - self._floor, 0)

    def close(self) -> None:
        self._runtime.ask({"op": "drop", "context": self._number}, self._home, self._runtime.limits.timeout)

    def _move_in(self) -> None:
        self._home = self._runtime.process()
        bridge, limits = package_script("bridge.js"), self._runtime.limits
        order = {"op": "compile", "context": self._number, "bridge": bridge, "source": self._source, "limit": limits.max_output}
        reply = json.loads(self._runtime.ask(order, self._home, limits.timeout))
        if "failed" in reply:
            raise ScriptFault(f"it does not compile or fails at its top level: {thrown_text(reply['failed'])}")
        self._floor = self._memory()

    def _memory(self) -> int:
        return int(json.loads(self._runtime.ask({"op": "memory"}, self._home, self._runtime.limits.timeout)).get("bytes", 0))
