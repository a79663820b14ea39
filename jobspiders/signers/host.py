"""Runs one operator's script on the best engine there is, and replaces a spent engine. Synchronous, for one thread: ScriptWorker's.

open() tries the runtimes in order with a real call -> call() -> on a fault, a time-out, growth or old age: a fresh context
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import execjs

from jobspiders.signers.context import EngineDied, EngineLimits, EngineTimedOut
from jobspiders.signers.redaction import redacted, request_secrets
from jobspiders.signers.signature import ScriptSignature, read_signature

logger = logging.getLogger(__name__)

_CALLS_BETWEEN_WEIGHINGS = 64  # at most
_START_ALLOWANCE = 20.0  # seconds in which one engine must have started and compiled the script
_REFUSAL_LASTS = 30.0  # seconds
_GRACE = 1.0  # seconds past twice the time-out: QuickJS counts CPU time, which a starved process gets late


@dataclass(frozen=True, slots=True)
class ScriptPlan:
    """Which script, which function of it, on which runtimes (as settings name them, best first), within which limits."""

    source: str = field(repr=False)
    label: str  # what messages call the script: its path
    function: str
    runtimes: tuple[str, ...]
    limits: EngineLimits
    max_calls: int  # of one context
    sample: Mapping[str, Any] = field(repr=False)


class NoEngineError(execjs.RuntimeError):  # type: ignore[misc]
    """No runtime of the plan can run the script; says for each of them why."""


class UnfitScriptError(execjs.ProgramError):  # type: ignore[misc]
    """Every engine that started failed the self-test because of the script."""


class ScriptHost:
    """Everything here happens on the thread that calls it. `find` gives a runtime by its name in settings."""

    def __init__(self, plan: ScriptPlan, find: Callable[[str], Any]) -> None:
        self._plan = plan
        self._find = find
        self._runtime: Any = None
        self._context: Any = None
        self._calls = 0  # answered by the context
        self._weighing_due = _CALLS_BETWEEN_WEIGHINGS  # the number of calls at which the context is weighed next
        self._refusal: tuple[float, Exception] | None = None  # until when, and what: starting every engine again would cost each call
        self.engine = ""  # the runtime in use, as settings name it
        self.recycled = 0  # contexts that were replaced
        self.busy_until: float | None = None  # time.monotonic() by which the running step must have ended

    @property
    def pid(self) -> int | None:
        """The process id of the engine, where it is a process that lasts."""
        return getattr(self._runtime, "pid", None)

    def open(self) -> None:
        """Choose the engine: the first that answers the plan's sample rightly. NoEngineError, UnfitScriptError: also at once in
        the seconds after one of them was raised."""
        if self.engine:
            return
        if self._refusal and time.monotonic() < self._refusal[0]:
            raise self._refusal[1]
        refusals: list[str] = []
        started = False
        for name in self._plan.runtimes:
            try:
                self._try(name)
            except (execjs.Error, OSError, ValueError) as error:
                started = started or isinstance(error, execjs.ProgramError | ValueError | EngineTimedOut)
                refusals.append(f"{name}: {_reason(error, self._plan.sample)}")
                self.close()
            else:
                self._tell(name, refusals)
                return
        error_class = UnfitScriptError if started else NoEngineError
        self._refusal = (time.monotonic() + _REFUSAL_LASTS, error_class("; ".join(refusals) or "every engine hangs on this script"))
        raise self._refusal[1]

    def call(self, request: Mapping[str, Any]) -> ScriptSignature:
        """What the script answers. Once more on a fresh engine when it died: signing again does no harm, and a leak that earlier
        calls left must not cost this one. ScriptFault, ValueError (no signature), EngineTimedOut, EngineDied, and what open() raises."""
        self.open()
        self._weigh()
        try:
            return self._answer(request)
        except EngineDied:
            logger.warning("signing script %s: the engine %s died during a call; trying once more", self._plan.label, self.engine)
        except execjs.RuntimeUnavailableError:
            self.close()  # the next call chooses an engine anew
            raise
        try:
            return self._answer(request)
        except execjs.RuntimeError:
            self.close()
            raise

    def close(self) -> None:
        """Let context and runtime go; the next call opens them again."""
        self._discard()
        if hasattr(self._runtime, "close"):
            self._runtime.close()
        self._runtime, self.engine = None, ""

    def _try(self, name: str) -> None:
        runtime = self._find(name)
        self._runtime = runtime.limited(self._plan.limits) if hasattr(runtime, "limited") else runtime
        self._answer(self._plan.sample)

    def _tell(self, name: str, refusals: Sequence[str]) -> None:
        self.engine = name
        passed = f" (passed over: {'; '.join(refusals)})" if refusals else ""
        logger.info("signing script %s: function %s runs on %s%s", self._plan.label, self._plan.function, name, passed)

    def _answer(self, request: Mapping[str, Any]) -> ScriptSignature:
        try:
            if self._context is None:
                self.busy_until = time.monotonic() + _START_ALLOWANCE
                self.recycled += bool(self.engine)
                self._context = self._runtime.compile(self._plan.source)
            self.busy_until = time.monotonic() + 2 * self._plan.limits.timeout + _GRACE
            signature = read_signature(self._context.call(self._plan.function, request))
        except BaseException:
            self._discard()
            raise
        finally:
            self.busy_until = None
        self._calls += 1
        return signature

    def _weigh(self) -> None:
        """Replace a context that has grown old or fat before it fails a call."""
        if self._calls >= self._plan.max_calls:
            self._discard()
        elif self._calls >= self._weighing_due and hasattr(self._context, "memory_bytes"):
            bearable = self._plan.limits.max_memory // 2
            try:
                weight = self._context.memory_bytes()
            except execjs.Error:  # it died while it was idle
                weight = bearable
            if weight >= bearable:
                self._discard()
            else:  # as many calls as it may take to become fat, at the rate so far
                calls = (bearable - weight) * self._calls // max(weight, 1)
                self._weighing_due = self._calls + min(max(calls, 1), _CALLS_BETWEEN_WEIGHINGS)

    def _discard(self) -> None:
        if self._context is None:
            return
        context, self._context, self._calls, self._weighing_due = self._context, None, 0, _CALLS_BETWEEN_WEIGHINGS
        try:
            if hasattr(context, "close"):
                context.close()
        except execjs.Error:
            logger.debug("signing script %s: a spent engine did not close cleanly", self._plan.label)


def _reason(error: Exception, sample: Mapping[str, Any]) -> str:
    return redacted(str(error) or type(error).__name__, request_secrets(sample))
