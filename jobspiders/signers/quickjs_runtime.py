"""The PyExecJS runtime `jobspiders-quickjs`: QuickJS inside this process, no node needed. The first choice of ScriptSigner."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

import execjs
from execjs._abstract_runtime import AbstractRuntime

from jobspiders.signers.context import EngineDied, EngineLimits, EngineMisused, EngineTimedOut, ScriptContext, ScriptFault, package_script

_INTERRUPTED = "InternalError: interrupted"
# QuickJS throws null (or this error) when its heap is full.
_EXHAUSTED = (
    {"kind": "thrown", "name": "object", "message": "null"},
    {"kind": "thrown", "name": "InternalError", "message": "out of memory"},
)


class QuickjsRuntime(AbstractRuntime):  # type: ignore[misc]
    """Compiles scripts for QuickJS. `load` imports the engine's module (package quickjs-ng)."""

    name = "QuickJS in this process"

    def __init__(self, limits: EngineLimits | None = None, load: Callable[[str], Any] = import_module) -> None:
        self.limits = limits or EngineLimits()
        self._load = load

    def limited(self, limits: EngineLimits) -> QuickjsRuntime:
        """The same runtime with other limits."""
        return QuickjsRuntime(limits, self._load)

    def is_available(self) -> bool:
        try:
            return hasattr(self._load("quickjs").Context, "set_time_limit")
        except ImportError:
            return False

    def _compile(self, source: str, cwd: str | None = None) -> QuickjsContext:  # noqa: ARG002 (PyExecJS passes cwd)
        return QuickjsContext(self._load("quickjs"), source, self.limits)

    def close(self) -> None:
        """Nothing to let go: each context owns its engine."""


class QuickjsContext(ScriptContext):
    """One script in one engine. QuickJS may be entered from the thread that made it only: elsewhere the process can crash, so
    every entry checks. The interpreter lock is free while JavaScript runs. QuickJS counts the process's CPU time, so in a process
    with other busy threads the time-out comes early, never late."""

    def __init__(self, engine: Any, source: str, limits: EngineLimits) -> None:
        self._thread = threading.get_ident()
        self._fault = engine.JSException
        self._limits = limits
        context = self._context = engine.Context()
        context.set_memory_limit(limits.max_memory)
        context.set_time_limit(limits.timeout)
        bridge = self._enter(context.eval, package_script("bridge.js"))
        evaluate = context.eval("(0, eval)")
        try:
            self._enter(context.eval, source)
        except EngineDied as error:
            raise ScriptFault(f"it does not compile or fails at its top level: {error}") from None
        self._ask: Callable[..., str] | None = lambda *args: str(bridge(evaluate, limits.max_output, *args))

    def ask(self, mode: str, code: str, args_text: str) -> str:
        if self._ask is None:
            raise execjs.RuntimeUnavailableError("this QuickJS context is closed")
        reply: str = self._enter(self._ask, mode, code, args_text)
        if len(reply) < 100 and json.loads(reply) in _EXHAUSTED:
            raise EngineDied(f"QuickJS ran out of memory ({self._limits.max_memory} bytes), or the script threw null")
        return reply

    def memory_bytes(self) -> int:
        return int(self._enter(lambda: self._context.memory()["malloc_size"]))

    def close(self) -> None:
        self._check_thread()
        self._ask = self._context = None

    def _enter(self, function: Callable[..., Any], *args: Any) -> Any:
        self._check_thread()
        try:
            return function(*args)
        except self._fault as error:
            first = _first_line(error)
        if first.startswith(_INTERRUPTED):
            raise EngineTimedOut(f"QuickJS stopped it after {self._limits.timeout:g} s")
        raise EngineDied("QuickJS ran out of memory" if first == "null" else first)

    def _check_thread(self) -> None:
        if threading.get_ident() != self._thread:
            raise EngineMisused(
                "a QuickJS context was used from another thread than the one that compiled it, which can crash the process; "
                "compile and call on one thread, or use ScriptSigner, which owns such a thread"
            )


def _first_line(error: Exception) -> str:
    """`Name: message (at <input>:LINE:COLUMN)` without the rest of the stack."""
    lines = str(error).strip().splitlines() or [""]
    place = next((line.strip() for line in lines[1:] if "<input>" in line), "")
    return f"{lines[0]} ({place})" if place and not lines[0].startswith(_INTERRUPTED) else lines[0]
