"""When to try a batch again: waits that double, a limit on the whole."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from jobstore.errors import TransientStoreError

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Seconds: the first wait, the longest wait, and how long after the first failure to give up. `sleep` and `clock` are seams."""

    first: float = 0.2
    longest: float = 10.0
    give_up_after: float = 300.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def run(self, action: Callable[[], Answer], on_retry: Callable[[TransientStoreError], None]) -> Answer:
        """Run `action` until it succeeds, fails for good, or has failed for `give_up_after` seconds; the last error is raised."""
        wait, give_up_at = self.first, None
        while True:
            try:
                return action()
            except TransientStoreError as error:
                give_up_at = give_up_at or self.clock() + self.give_up_after
                if self.clock() + wait > give_up_at:
                    raise
                on_retry(error)
            self.sleep(wait)
            wait = min(wait * 2, self.longest)
