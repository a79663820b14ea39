"""The thread that owns an engine: takes calls in order, answers each on its caller's loop. Between ScriptSigner and ScriptHost.

Only plain values cross the thread: an exception would carry frames, and with them the engine, to a thread that may not touch it.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import execjs

from jobspiders.signers.context import EngineTimedOut
from jobspiders.signers.host import ScriptHost
from jobspiders.signers.signature import ScriptSignature


class Fault(StrEnum):
    """Why a call has no signature."""

    SCRIPT = "script"
    TIMEOUT = "timeout"
    ENGINE = "engine"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call: a signature (None for a call that only opens), or a fault and the engine's unredacted words."""

    signature: ScriptSignature | None = None
    fault: Fault | None = None
    text: str = field(default="", repr=False)


@dataclass(slots=True, eq=False)
class PendingCall:
    """A call on its way to the engine and back. `request` None: only choose the engine. `is_last`: let the engine go and end."""

    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Outcome]
    request: dict[str, Any] | None = field(default=None, repr=False)
    is_last: bool = False

    def settle(self, outcome: Outcome) -> None:
        """Answer the caller, from any thread; a caller who went away is no error."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self.loop.call_soon_threadsafe(self._answer, outcome)

    def _answer(self, outcome: Outcome) -> None:
        if not self.future.done():
            self.future.set_result(outcome)


class ScriptWorker:
    """One daemon thread over one host. The thread starts with the first call and ends after a call that is the last."""

    def __init__(self, host: ScriptHost, name: str) -> None:
        self.host = host
        self.calls = 0
        self._name = name
        self._queue: queue.SimpleQueue[PendingCall | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._running: PendingCall | None = None
        self._is_stopping = False

    def submit(self, call: PendingCall) -> None:
        """Queue a call. The caller bounds how many."""
        if call.is_last:
            self._is_stopping = True
        self._queue.put(call)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def is_overdue(self) -> bool:
        """Whether the engine has let the moment pass by which it stops a call itself: it hangs."""
        busy_until = self.host.busy_until
        return busy_until is not None and time.monotonic() > busy_until

    def abandon(self) -> tuple[PendingCall | None, list[PendingCall]]:
        """Leave the thread to itself (it ends if its engine ever comes back): the call that hangs, and the calls behind it."""
        self._is_stopping = True
        waiting = list(self._drain())
        self._queue.put(None)
        return self._running, waiting

    def is_alive(self) -> bool:
        """Whether the thread lives."""
        return self._thread is not None and self._thread.is_alive()

    def join(self) -> None:
        """Wait for the thread, which has answered its last call and is about to end (microseconds)."""
        if self._thread is not None:
            self._thread.join(1.0)

    def _drain(self) -> Iterator[PendingCall]:
        with contextlib.suppress(queue.Empty):
            while True:
                if (call := self._queue.get_nowait()) is not None:
                    yield call

    def _run(self) -> None:
        call = self._queue.get()
        while call is not None and not call.is_last:
            self._running = call
            if not call.future.done():  # its caller may have gone
                call.settle(self._outcome(call))
            self._running = None
            call = self._queue.get()
        self.host.close()
        if call is not None:
            call.settle(Outcome())

    def _outcome(self, call: PendingCall) -> Outcome:
        if self._is_stopping:
            return Outcome(fault=Fault.CLOSED)
        try:
            if call.request is None:
                self.host.open()
                return Outcome()
            self.calls += 1
            return Outcome(self.host.call(call.request))
        except EngineTimedOut as error:
            return Outcome(fault=Fault.TIMEOUT, text=str(error))
        except (execjs.ProgramError, ValueError) as error:
            return Outcome(fault=Fault.SCRIPT, text=str(error))
        except (execjs.Error, OSError) as error:
            return Outcome(fault=Fault.ENGINE, text=str(error))
        except Exception as error:  # noqa: BLE001 (the thread's edge: a caller must hear of any failure; it is raised there)
            return Outcome(fault=Fault.ENGINE, text=f"{type(error).__name__} in the engine")
