"""Per lease: the requests still open and what went wrong. At zero the run is over, exactly once: complete or partial.

Every scheduled request ends in a callback, an errback or Scrapy's `request_dropped` signal; each of them closes it here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from jobschema.messages import Lease


@dataclass(slots=True, eq=False)
class KeywordRun:
    """One pass over one keyword."""

    lease: Lease
    open_requests: int = 0
    causes: Counter[str] = field(default_factory=Counter)  # why the run is not complete: cause -> how often
    is_over: bool = False


class Ledger:
    """The runs of one spider. `on_complete` and `on_partial` are awaited once per run, through `spawn`."""

    def __init__(
        self,
        on_complete: Callable[[KeywordRun], Awaitable[None]],
        on_partial: Callable[[KeywordRun], Awaitable[None]],
        spawn: Callable[[Awaitable[None]], object],
    ) -> None:
        self._on_complete = on_complete
        self._on_partial = on_partial
        self._spawn = spawn
        self._runs: set[KeywordRun] = set()

    def begin(self, lease: Lease) -> KeywordRun:
        run = KeywordRun(lease)
        self._runs.add(run)
        return run

    def opened(self, run: KeywordRun) -> None:
        """A request of the run was handed to Scrapy."""
        run.open_requests += 1

    def closed(self, run: KeywordRun, cause: str | None = None) -> None:
        """A request of the run has ended; `cause` when it ended badly."""
        if cause is not None:
            self.blemish(run, cause)
        run.open_requests -= 1
        if run.open_requests == 0:
            self._end(run)

    def blemish(self, run: KeywordRun, cause: str) -> None:
        """The run will not be complete, whatever its other requests bring."""
        run.causes[cause] += 1

    def cut_off(self, cause: str) -> list[KeywordRun]:
        """The crawl ends: every run still open is partial. Returns them."""
        cut = list(self._runs)
        for run in cut:
            self.blemish(run, cause)
            self._end(run)
        return cut

    def _end(self, run: KeywordRun) -> None:
        if run.is_over:
            return
        run.is_over = True
        self._runs.discard(run)
        self._spawn(self._on_partial(run) if run.causes else self._on_complete(run))
