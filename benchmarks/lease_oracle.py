"""Judges the simulated fleet: an independent, plain model of who holds what, fed with every step that Redis really executed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobschema.keys import PlatformKeys
from jobschema.messages import Keyword
from jobspiders.leases.holder import LeasePolicy
from jobspiders.leases.queue import KeywordPlace

KEYS = PlatformKeys("boss")
POLICY = LeasePolicy(max_attempts=8)
RUN = "r1"


class ViolationError(AssertionError):
    """An invariant does not hold."""


@dataclass(slots=True)
class Truth:
    """What Redis must know; goes back in time with it."""

    current: dict[str, tuple[int, int]] = field(default_factory=dict)  # id -> (worker, epoch) that may end it
    deadlines: dict[int, float] = field(default_factory=dict)  # worker -> when its leases expire
    last_look: float | None = None
    completed: set[str] = field(default_factory=set)


class Oracle:
    """The invariants: one current lease at most, no end under a stale one, nothing complete before it is stored, nothing lost."""

    def __init__(self, say: Callable[..., None]) -> None:
        self.truth = Truth()
        self.top_epoch = 0
        self.is_over = False
        self.bad_texts: set[str] = set()
        self.pushed: dict[str, Keyword] = {}
        self.stored: Counter[str] = Counter()
        self.ended_durably: set[str] = set()
        self.lost_at: dict[int, float] = {}  # worker -> when it was killed
        self.recoveries: list[float] = []
        self._waiting: dict[str, int] = {}  # id -> the killed worker that held it
        self._say = say

    def store(self, identity: str) -> None:
        self.stored[identity] += 1

    def rewind(self, truth: Truth | None) -> None:
        """Redis came back with an older state, or with none."""
        self.truth = truth or Truth()

    def observe(self, step: str, now: float, arguments: Sequence[str], answer: Any) -> None:
        """Judge one executed step and learn from it."""
        if step == "enlist":
            self._look(now)
            self.truth.deadlines[int(answer)] = now + POLICY.lease_seconds
        elif step == "recall":
            self._recall(json.loads(arguments[0]), answer)
        else:
            judge = getattr(self, f"_after_{step}", None)
            if judge is not None:
                judge(now, arguments, answer)

    # -- the rule of deadlines, once more and independently ---------------------------------------------------------------

    def _look(self, now: float) -> None:
        truth = self.truth
        gap = 0.0 if truth.last_look is None else now - truth.last_look
        truth.last_look = now
        if gap > POLICY.lease_seconds:
            truth.deadlines = {worker: deadline + gap for worker, deadline in truth.deadlines.items()}
        for worker in [worker for worker, deadline in truth.deadlines.items() if deadline < now - 1e-6]:
            self._bury(worker)

    def _bury(self, worker: int) -> None:
        del self.truth.deadlines[worker]
        for identity, (holder, _) in list(self.truth.current.items()):
            if holder == worker:
                del self.truth.current[identity]
                if worker in self.lost_at:
                    self._waiting[identity] = worker

    def _is_enlisted(self, worker: int, now: float) -> bool:
        deadline = self.truth.deadlines.get(worker)
        if deadline is not None and deadline < now - 1e-6:
            self._look(now)
        return worker in self.truth.deadlines

    def _holds(self, worker: int, identity: str, epoch: str, now: float) -> bool:
        return self._is_enlisted(worker, now) and self.truth.current.get(identity) == (worker, int(epoch))

    # -- steps ------------------------------------------------------------------------------------------------------------

    def _after_beat(self, now: float, arguments: Sequence[str], answer: Any) -> None:
        worker = int(arguments[0])
        self._look(now)
        is_enlisted = worker in self.truth.deadlines
        if bool(answer[0]) != is_enlisted:
            raise ViolationError(f"worker {worker} {'was refused' if is_enlisted else 'extended expired leases'}")
        if not is_enlisted:
            return
        self.truth.deadlines[worker] = now + POLICY.lease_seconds
        for identity, _, _ in json.loads(answer[6]):
            self._claim(now, identity, (worker, int(answer[5])))
        held = sum(holder == worker for holder, _ in self.truth.current.values())
        if held != answer[1]:
            raise ViolationError(f"worker {worker} holds {held} leases, Redis says {answer[1]}")

    def _claim(self, now: float, identity: str, claim: tuple[int, int]) -> None:
        if self.truth.current.get(identity) == claim:
            return  # the same answer again
        if identity in self.truth.current:
            raise ViolationError(f"{identity}: leased to {claim} while {self.truth.current[identity]} holds it")
        if identity in self.truth.completed:
            raise ViolationError(f"{identity}: leased again after it was complete")
        if claim[1] < self.top_epoch:
            raise ViolationError(f"{identity}: epoch {claim[1]} after {self.top_epoch}")
        self.top_epoch = claim[1]
        self.truth.current[identity] = claim
        self._say("claim", identity, claim)
        if identity in self._waiting:
            self.recoveries.append(now - self.lost_at[self._waiting.pop(identity)])

    def _after_complete(self, now: float, arguments: Sequence[str], answer: Any) -> None:
        worker = int(arguments[0])
        for (identity, epoch), result in zip(json.loads(arguments[3]), json.loads(answer), strict=True):
            holds = self._holds(worker, identity, epoch, now)
            if (result == 1) != holds:
                raise ViolationError(
                    f"{identity}: completion under {worker}/{epoch} gave {result}, the lease is {self.truth.current.get(identity)}"
                )
            if result == 1:
                self._complete(identity)

    def _complete(self, identity: str) -> None:
        self._say("complete", identity, self.truth.current[identity])
        if not self.stored[identity]:
            raise ViolationError(f"{identity}: complete, and its rows are not stored")
        del self.truth.current[identity]
        self.truth.completed.add(identity)

    def _after_give_back(self, now: float, arguments: Sequence[str], answer: Any) -> None:
        worker = int(arguments[0])
        for (identity, epoch), state in zip(json.loads(arguments[6]), json.loads(answer), strict=True):
            holds = self._holds(worker, identity, epoch, now)
            if bool(state) != holds:
                raise ViolationError(
                    f"{identity}: return under {worker}/{epoch} gave {state!r}, the lease is {self.truth.current.get(identity)}"
                )
            if state:
                self._say("return", identity, state)
                del self.truth.current[identity]

    def _after_check(self, now: float, arguments: Sequence[str], answer: Any) -> None:
        worker = int(arguments[0])
        for (identity, epoch), result in zip(json.loads(arguments[3]), json.loads(answer), strict=True):
            if bool(result) != self._holds(worker, identity, epoch, now):
                raise ViolationError(f"{identity}: {worker}/{epoch} current: {result}, the lease is {self.truth.current.get(identity)}")

    def _recall(self, identities: Sequence[str], answer: int) -> None:
        leased = [identity for identity in identities if self.truth.current.pop(identity, None)]
        if answer != len(leased):
            raise ViolationError(f"{answer} of {identities} were recalled, leased were {leased}")

    # -- the end ----------------------------------------------------------------------------------------------------------

    def judge_place(self, place: KeywordPlace) -> None:
        """Every keyword is complete and stored, or dead for a reason."""
        identity, text = place.identity, self.pushed[place.identity].text
        is_ended = place.state == "complete" or (place.state == "unknown" and identity in self.ended_durably)
        if text in self.bad_texts:
            if place.state != "dead" or not place.causes.get("search_server_error"):
                raise ViolationError(f"{identity} fails always and is {place}")
        elif not is_ended and not (place.state == "dead" and place.causes.get("worker_lost", 0) >= 1):
            raise ViolationError(f"{identity} is lost: {place}")
        elif is_ended and not self.stored[identity]:
            raise ViolationError(f"{identity} is complete, and its rows are not stored")
