"""A pool of lendable things (tokens, tunnels) that rest after a bad verdict, longer each time, and are burnt when dead.

Between a request and its attempt: `take()` gives the entry that waited longest, or waits until one is rested.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from jobschema import Verdict
from jobspiders.errors import PoolExhaustedError


@dataclass(slots=True)
class PoolEntry:
    """One lendable thing. `name` may be logged; `secret` may not."""

    name: str
    secret: str = field(default="", repr=False)
    resting_until: float = 0.0
    rested_at: float = -1.0  # when the last rest was ordered: answers to requests sent before it order no second one
    last_taken: float = -1.0
    strikes: int = 0  # bad verdicts in a row
    last_verdict: Verdict | None = None


class RestingPool:
    """Entries of one kind for one platform.

    `noun` names the kind in messages; `max_wait` is how many seconds a request may wait for a rested entry; `clock` and
    `sleep` are seams for tests (seconds, monotonic).
    """

    def __init__(
        self,
        noun: str,
        entries: Iterable[PoolEntry],
        *,
        max_wait: float = 1800.0,
        rest_limit: float = 14400.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.noun = noun
        self.max_wait = max_wait
        self.rest_limit = rest_limit
        self._clock = clock
        self._sleep = sleep
        self._entries = {entry.name: entry for entry in entries}
        self._burnt: dict[str, Verdict] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def secrets(self) -> list[str]:
        """Every secret in the pool, for redaction."""
        return [entry.secret for entry in self._entries.values() if entry.secret]

    def secret_of(self, name: str) -> str:
        """The secret of an entry that was lent; empty when it was burnt meanwhile."""
        entry = self._entries.get(name)
        return entry.secret if entry else ""

    async def take(self) -> PoolEntry:
        """The rested entry that was taken longest ago; waits for one. Raises PoolExhaustedError."""
        waited = 0.0
        while True:
            entry = self._longest_idle()
            now = self._clock()
            wait = entry.resting_until - now
            if wait <= 0:
                entry.last_taken = now
                return entry
            if waited + wait > self.max_wait:
                raise PoolExhaustedError(
                    f"every {self.noun} rests and the first comes back in {wait:.0f} s, after the {self.max_wait:.0f} s that a request "
                    f"may wait (VERDICT_MAX_WAIT); last verdict on {entry.name}: {entry.last_verdict}. "
                    f"Give more {self.noun}s, or wait and start again",
                    finish_reason="banned",
                )
            await self._sleep(wait)
            waited += wait

    def _longest_idle(self) -> PoolEntry:
        if not self._entries:
            causes = ", ".join(f"{name}: {verdict}" for name, verdict in self._burnt.items()) or "none was given"
            raise PoolExhaustedError(f"no {self.noun} is left ({causes}). Give new ones", finish_reason=f"{self.noun}s_exhausted")
        now = self._clock()
        return min(self._entries.values(), key=lambda entry: (max(entry.resting_until, now), entry.last_taken))

    def praise(self, name: str) -> None:
        """Record a good answer: the next rest starts short again."""
        entry = self._entries.get(name)
        if entry is not None:
            entry.strikes = 0

    def rest(self, name: str, verdict: Verdict, seconds: float, *, sent_at: float, exact: bool = False) -> float:
        """Let an entry rest `seconds`, doubled for each earlier strike unless `exact` (the platform named the time).

        `sent_at` is when the refused request was sent, on this pool's clock: several requests in flight on one entry are one
        ban, not several. Returns the seconds ordered, 0 when none were.
        """
        entry = self._entries.get(name)
        if entry is None or sent_at < entry.rested_at:
            return 0.0
        ordered = seconds if exact else min(seconds * 2**entry.strikes, self.rest_limit)
        now = self._clock()
        entry.strikes += 1
        entry.last_verdict = verdict
        entry.rested_at = now
        entry.resting_until = max(entry.resting_until, now + ordered)
        return ordered

    def burn(self, name: str, verdict: Verdict) -> bool:
        """Retire an entry for good, for a named verdict. False when it was gone already."""
        if self._entries.pop(name, None) is None:
            return False
        self._burnt[name] = verdict
        return True

    def now(self) -> float:
        """The pool's clock, for `sent_at`."""
        return self._clock()
