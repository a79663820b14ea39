"""Which fault the next request meets, and how many met each: seeded dice, a plan that goes before them, counts. Pure."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from enum import StrEnum


class Fault(StrEnum):
    """What happens to one request (over TCP: to what a client says before the target speaks again)."""

    NONE = "none"
    RESET = "reset"  # the request is taken and the connection reset; the target never sees it
    ACCEPT_THEN_RESET = "accept_then_reset"  # the target does it and answers; the answer is lost in a reset
    HALF_REQUEST = "half_request"  # the target gets the first half, then the connection ends
    HALF_ANSWER = "half_answer"  # the target does it; the client gets half of the answer, then a reset
    DELAY = "delay"  # everything goes through, later
    ERROR = "error"  # http: 503 instead of the target
    DUPLICATE = "duplicate"  # http: the target gets it twice, the client the first answer


TCP_FAULTS = frozenset(Fault) - {Fault.ERROR, Fault.DUPLICATE}


class FaultInvalidError(ValueError):
    """A fault, a share or a setting that this proxy cannot have."""


class FaultDice:
    """Draws faults. `shares` is fault name -> share of requests (0 to 1); what is left over goes through."""

    def __init__(self, seed: int, allowed: Iterable[Fault] = tuple(Fault)) -> None:
        self._allowed = frozenset(allowed)
        self._random = random.Random(seed)
        self._plan: deque[Fault] = deque()
        self.shares: dict[Fault, float] = {}
        self.match = ""
        self.delay_seconds = 0.1
        self.counts: Counter[str] = Counter()

    def change(self, wanted: Mapping[str, object]) -> None:
        """Set `match`, `delay_seconds` and the shares of faults; all shares are replaced when one is named. Raises FaultInvalidError."""
        rest = dict(wanted)
        match, delay = rest.pop("match", self.match), rest.pop("delay_seconds", self.delay_seconds)
        if not isinstance(match, str):
            raise FaultInvalidError(f"match is {match!r}; it is a text that a request must hold to meet a fault, or empty")
        if isinstance(delay, bool) or not isinstance(delay, int | float) or not 0 <= delay <= 60:
            raise FaultInvalidError(f"delay_seconds is {delay!r}; it is a number from 0 to 60")
        shares = {self._read(name): _read_share(name, share) for name, share in rest.items()}
        if sum(shares.values()) > 1 + 1e-9:
            raise FaultInvalidError(f"the shares {rest} make more than 1")
        self.match, self.delay_seconds = match, float(delay)
        if rest:
            self.shares = shares

    def plan(self, names: Iterable[str]) -> None:
        """The next matching requests meet these, in order, before the dice are asked again. Raises FaultInvalidError."""
        self._plan = deque([self._read(name) for name in names])

    def draw(self, request: bytes) -> Fault:
        """The fault of a request whose beginning is given. One throw for each matching request, so that a seed repeats itself."""
        self.counts["requests"] += 1
        if self.match.encode() not in request:
            return Fault.NONE
        fault = self._plan.popleft() if self._plan else self._throw()
        if fault is not Fault.NONE:
            self.counts[fault] += 1
        return fault

    def _throw(self) -> Fault:
        thrown = self._random.random()
        for fault, share in self.shares.items():
            if thrown < share:
                return fault
            thrown -= share
        return Fault.NONE

    def _read(self, name: str) -> Fault:
        known = sorted(self._allowed)
        if name not in known:
            raise FaultInvalidError(f"no fault {name!r} here; there are {', '.join(known)}")
        return Fault(name)


def _read_share(name: str, share: object) -> float:
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise FaultInvalidError(f"{name} is {share!r}; it is a share of the requests, from 0 to 1")
    return float(share)
