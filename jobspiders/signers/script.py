"""`ScriptSigner`: signs requests with an operator's JavaScript, off the event loop. What the signing middleware awaits.

sign(request) -> [slot] -> ScriptWorker (own thread) -> ScriptHost -> PyExecJS runtime -> ScriptSignature, or a SigningError
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jobspiders.signers.context import EngineLimits, check_function_name
from jobspiders.signers.errors import EngineUnavailable, ScriptError, SigningError, SigningTimeout
from jobspiders.signers.host import ScriptHost, ScriptPlan
from jobspiders.signers.redaction import redacted, request_secrets
from jobspiders.signers.registry import RUNTIME_NAMES, registered_runtime
from jobspiders.signers.signature import SAMPLE_REQUEST, ScriptSignature, check_request
from jobspiders.signers.worker import Fault, Outcome, PendingCall, ScriptWorker

logger = logging.getLogger(__name__)

_LOOK_EVERY = 0.25  # seconds between looks at whether the engine hangs
_MOST_HANGS = 2  # engines of one kind that may hang at a time before that kind is given up
_ADVICE = {
    Fault.SCRIPT: (ScriptError, "it must answer {headers: {name: text}, params: {name: text}}; correct the script"),
    Fault.TIMEOUT: (SigningTimeout, "the next call meets a fresh engine; make the script faster or raise the time-out"),
    Fault.ENGINE: (EngineUnavailable, "install quickjs-ng or node, or give the script more memory"),
    Fault.CLOSED: (EngineUnavailable, "the signer was closed"),
}


@dataclass(frozen=True, slots=True)
class SignerState:
    """Figures for stats and for `scrapy doctor`."""

    engine: str  # the runtime in use, "" before the first call
    calls: int
    waiting: int  # calls handed to the engine's thread and not answered yet, at most `max_waiting`
    recycled: int  # contexts replaced after a failure, a time-out, growth or old age
    hangs: int  # engines that had to be left hanging
    pid: int | None  # of the long-lived node


class ScriptSigner:
    """Signs with the script at path `script` (or with `source`). For one event loop; bounded by `max_waiting` calls on their
    way, more callers wait. `runtime`: auto, or one of RUNTIME_NAMES. `timeout`: seconds for one call. `max_calls`: a context is
    replaced after that many. `max_memory`: bytes of script heap. `sample`: the request of the self-test. `find_runtime`: runtime
    by name, from PyExecJS's registry unless told otherwise."""

    def __init__(
        self,
        script: str | Path | None = None,
        *,
        source: str | None = None,
        function: str = "sign",
        runtime: str = "auto",
        timeout: float = 2.0,
        max_calls: int = 50_000,
        max_memory: int = 128 * 1024 * 1024,
        max_waiting: int = 256,
        sample: Mapping[str, Any] = SAMPLE_REQUEST,
        find_runtime: Callable[[str], Any] = registered_runtime,
    ) -> None:
        if (script is None) == (source is None):
            raise ValueError("give ScriptSigner either the path of a script or its source")
        self._plan = ScriptPlan(
            source=Path(script).read_text(encoding="utf-8-sig") if script is not None else str(source),
            label=str(script or "(inline)"),
            function=check_function_name(function),
            runtimes=_runtimes(runtime),
            limits=EngineLimits(timeout=timeout, max_memory=max_memory),
            max_calls=max_calls,
            sample=check_request(sample),
        )
        self._find = find_runtime
        self._slots = asyncio.Semaphore(max_waiting)
        self._waiting = 0
        self._watching: asyncio.TimerHandle | None = None
        self._left: list[tuple[str, ScriptWorker]] = []  # engines that hung, and their threads
        self._worker = self._new_worker()
        self._retired = (0, 0)  # calls and recyclings of workers that were left
        self._closing: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"ScriptSigner({self._plan.label!r}, function={self._plan.function!r}, engine={self._worker.host.engine!r})"

    def state(self) -> SignerState:
        """Figures so far; may be read at any time on the event loop's thread."""
        host = self._worker.host
        calls, recycled = self._retired
        return SignerState(host.engine, calls + self._worker.calls, self._waiting, recycled + host.recycled, len(self._left), host.pid)

    async def open(self) -> str:
        """Choose the engine now rather than at the first call, by calling the script with the sample: its name. As sign() raises."""
        self._signature(await self._ask(None), self._plan.sample)
        return self._worker.host.engine

    async def sign(self, request: Mapping[str, Any]) -> ScriptSignature:
        """What the script adds to `request` (as signing_request() makes it). ScriptError, SigningTimeout, EngineUnavailable;
        TypeError for a request of other types."""
        values = check_request(request)
        return self._signature(await self._ask(values), values)

    async def close(self) -> None:
        """End the engine and its thread. The call that runs is answered; those behind it get EngineUnavailable."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        call = self._pending(None, is_last=True)
        self._worker.submit(call)
        await self._answered(call)
        self._worker.join()
        if self._watching is not None:
            self._watching.cancel()

    async def _ask(self, request: dict[str, Any] | None) -> Outcome:
        async with self._slots:
            if self._closing is not None:
                return Outcome(fault=Fault.CLOSED)
            call = self._pending(request)
            self._worker.submit(call)
            try:
                return await self._answered(call)
            finally:
                call.future.cancel()  # does nothing once it is answered; otherwise the worker passes over it

    async def _answered(self, call: PendingCall) -> Outcome:
        self._waiting += 1
        if self._watching is None:
            self._watching = call.loop.call_later(_LOOK_EVERY, self._watch, call.loop)
        try:
            return await call.future
        finally:
            self._waiting -= 1

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """While calls wait: look now and then whether the engine hangs."""
        if self._worker.is_overdue():
            self._leave_worker()
        self._watching = loop.call_later(_LOOK_EVERY, self._watch, loop) if self._waiting else None

    def _leave_worker(self) -> None:
        """The engine hangs where it cannot be stopped: answer that call, and go on with a new thread and a new engine."""
        left = self._worker
        engine = left.host.engine
        self._left.append((engine, left))
        self._retired = (self._retired[0] + left.calls, self._retired[1] + left.host.recycled + 1)
        logger.warning("signing script %s: the engine %s hangs and is left behind", self._plan.label, engine or "(starting)")
        hanging, waiting = left.abandon()
        self._worker = self._new_worker()
        if hanging is not None:
            hanging.settle(Outcome(fault=Fault.TIMEOUT, text=f"{engine} did not stop after {self._plan.limits.timeout:g} s"))
        for call in waiting:
            self._worker.submit(call)

    def _new_worker(self) -> ScriptWorker:
        hanging = Counter(engine for engine, worker in self._left if worker.is_alive())
        runtimes = tuple(name for name in self._plan.runtimes if hanging[name] < _MOST_HANGS)
        return ScriptWorker(ScriptHost(replace(self._plan, runtimes=runtimes), self._find), f"signer {self._plan.label}")

    @staticmethod
    def _pending(request: dict[str, Any] | None, *, is_last: bool = False) -> PendingCall:
        loop = asyncio.get_running_loop()
        return PendingCall(loop, loop.create_future(), request, is_last)

    def _signature(self, outcome: Outcome, request: Mapping[str, Any]) -> ScriptSignature:
        if outcome.fault is not None:
            raise self._error(outcome.fault, redacted(outcome.text, request_secrets(request), 900))
        return outcome.signature or ScriptSignature()

    def _error(self, fault: Fault, told: str) -> SigningError:
        error_class, advice = _ADVICE[fault]
        what = f"signing script {self._plan.label}, function {self._plan.function}(request)"
        return error_class(f"{what}: {told}; {advice}" if told else f"{what}: {advice}")


def _runtimes(runtime: str) -> tuple[str, ...]:
    if runtime == "auto":
        return tuple(RUNTIME_NAMES)
    if runtime not in RUNTIME_NAMES:
        raise ValueError(f"{runtime!r} is no JavaScript runtime; valid: auto, {', '.join(RUNTIME_NAMES)}")
    return (runtime,)
