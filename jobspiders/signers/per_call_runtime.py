"""The PyExecJS runtime `jobspiders-node-per-call`: PyExecJS's own node runner, a process per call, with a time-out. The last fallback."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable

import execjs
from execjs import _runner_sources
from execjs._abstract_runtime import AbstractRuntime

from jobspiders.signers.context import EngineDied, EngineLimits, EngineTimedOut, ScriptContext, ScriptFault, package_script
from jobspiders.signers.node_process import NODE_ENVIRONMENT, find_node

# Node is a CommonJS place; without this a UMD library exports itself instead of becoming a global, as it does in the other engines.
_NO_MODULES = "var module = undefined, exports = undefined, define = undefined, require = undefined;\n"
_ERROR_LINE = re.compile(r"^\w*Error\b.*$", re.MULTILINE)


class PerCallRuntime(AbstractRuntime):  # type: ignore[misc]
    """Starts node for every call. `find` gives the path of node, or None."""

    name = "Node.js (a process per call)"

    def __init__(self, limits: EngineLimits | None = None, find: Callable[[], str | None] = find_node) -> None:
        self.limits = limits or EngineLimits()
        self._find = find

    def limited(self, limits: EngineLimits) -> PerCallRuntime:
        """The same runtime with other limits."""
        return PerCallRuntime(limits, self._find)

    def is_available(self) -> bool:
        return self._find() is not None

    def _compile(self, source: str, cwd: str | None = None) -> PerCallContext:  # noqa: ARG002 (PyExecJS passes cwd)
        node = self._find()
        if node is None:
            raise execjs.RuntimeUnavailableError("node is not installed: there is neither `node` nor `nodejs` on PATH")
        return PerCallContext(node, source, self.limits)

    def close(self) -> None:
        """Nothing to let go: nothing lives between calls."""


class PerCallContext(ScriptContext):
    """The text of a script, run from the start for every call. Nothing a script remembers lasts."""

    def __init__(self, node: str, source: str, limits: EngineLimits) -> None:
        self._limits = limits
        bridge = package_script("bridge.js").strip()
        runtime = execjs.ExternalRuntime(self.__class__.__name__, [node], _runner_sources.Node)
        self._stock = _BoundedNode(runtime, f"{_NO_MODULES}var jobspidersBridge = {bridge};\n{source}", limits)

    def ask(self, mode: str, code: str, args_text: str) -> str:
        given = ", ".join(json.dumps(part) for part in (mode, code, args_text))
        evaluate = "function (code) { return eval(code); }"
        try:
            return str(self._stock.exec_(f"return jobspidersBridge({evaluate}, {self._limits.max_output}, {given})"))
        except (IndexError, ValueError):
            raise EngineDied("node ended without an answer") from None


class _BoundedNode(execjs.ExternalRuntime.Context):  # type: ignore[misc]
    """PyExecJS's context for node; of it, only the process is ours: a time-out, a clean environment, errors without the program."""

    def __init__(self, runtime: execjs.ExternalRuntime, source: str, limits: EngineLimits) -> None:
        super().__init__(runtime, source)
        self._limits = limits

    def _exec_with_pipe(self, source: str) -> str:
        program: str = self._compile(source)
        heap = max(self._limits.max_memory // 1_048_576, 16)
        try:
            done = subprocess.run(  # noqa: S603 (the command is ours; the path comes from PATH)
                [*self._runtime._binary(), "--no-warnings", f"--max-old-space-size={heap}"],
                input=program.encode(),
                capture_output=True,
                env=NODE_ENVIRONMENT,
                timeout=self._limits.timeout,
                start_new_session=True,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise EngineTimedOut(f"node was stopped after {self._limits.timeout:g} s") from None
        if done.returncode < 0:
            raise EngineDied(f"node ended by signal {-done.returncode}")
        if done.returncode:
            told = _ERROR_LINE.search(done.stderr.decode("utf-8", "replace"))
            raise ScriptFault(f"it does not compile or fails at its top level: {told.group() if told else f'status {done.returncode}'}")
        return done.stdout.decode("utf-8", "replace")
