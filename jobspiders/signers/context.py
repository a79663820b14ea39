"""What our PyExecJS runtimes share: limits, the faults an engine can have, and a context that speaks through bridge.js.

execjs.get("jobspiders-...").compile(source) -> ScriptContext.call(function, request) -> bridge.js in the engine -> read_reply()
"""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import execjs
from execjs._abstract_runtime_context import AbstractRuntimeContext

FUNCTION_NAME = re.compile(r"[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """What one compiled script may use."""

    timeout: float = 2.0  # seconds for one call, and for compiling
    max_memory: int = 128 * 1024 * 1024  # bytes of script heap
    max_output: int = 256 * 1024  # characters of one answer


class ScriptFault(execjs.ProgramError):  # type: ignore[misc]
    """The script threw, does not compile, or answered what cannot be passed on."""


class EngineTimedOut(execjs.RuntimeError):  # type: ignore[misc]
    """The call was stopped because it ran too long. The context is spent."""


class EngineDied(execjs.RuntimeError):  # type: ignore[misc]
    """The engine ended or ran out of memory during a call. The context is spent."""


class EngineMisused(execjs.RuntimeError):  # type: ignore[misc]
    """A context was used from a thread that may not use it."""


def package_script(name: str) -> str:
    """The text of a .js file of this package, also from a zipped egg."""
    return files("jobspiders.signers").joinpath(name).read_text(encoding="utf-8")


def check_function_name(name: str) -> str:
    """`name` when it is a plain or dotted identifier; else ValueError."""
    if not FUNCTION_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a JavaScript function name; valid: an identifier, or identifiers joined by dots (lib.sign)")
    return name


def read_reply(text: str) -> Any:
    """The value in a reply of bridge.js (undefined is None); ScriptFault says what came instead."""
    reply = json.loads(text)
    kind = reply["kind"]
    if kind == "value":
        return reply["value"]
    if kind == "undefined":
        return None
    raise ScriptFault(thrown_text(reply) if kind == "thrown" else _FAULTS[kind].format_map(reply))


def thrown_text(reply: dict[str, Any]) -> str:
    """What was thrown, as one line: name, message and, where known, the line of the script."""
    where = f" (line {reply['line']})" if reply.get("line") else ""
    return f"it threw {reply['name']}: {reply['message']}{where}"


_FAULTS = {
    "absent": "the script defines no function of that name at its top level",
    "promise": "it answered a Promise; it must be a plain function, not an async one",
    "unserialisable": "it answered a {type}, which is not data",
    "huge": "its answer has {length} characters, more than allowed",
}


class ScriptContext(AbstractRuntimeContext):  # type: ignore[misc]
    """A compiled script in one engine. Not for several threads at once."""

    def is_available(self) -> bool:
        return True

    def _call(self, name: str, *args: Any) -> Any:
        return read_reply(self.ask("call", check_function_name(name), json.dumps(args)))

    def _eval(self, source: str) -> Any:
        return read_reply(self.ask("eval", source if source.strip() else "''", "[]"))

    def _exec_(self, source: str) -> Any:
        return self._eval(f"(function () {{ {source}\n }})()")

    @abstractmethod
    def ask(self, mode: str, code: str, args_text: str) -> str:
        """One pass through bridge.js: its reply as ASCII JSON text. EngineTimedOut, EngineDied."""

    def memory_bytes(self) -> int:
        """What the script's heap holds now, in bytes; 0 where the engine keeps nothing between calls."""
        return 0

    def close(self) -> None:
        """Let the engine go. A closed context answers no more calls."""
