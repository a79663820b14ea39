"""Per lease: requests still open, rows not yet in every sink, and what went wrong. At zero the run is over, once: complete or partial.

Every scheduled request ends in a callback, an errback or Scrapy's `request_dropped` signal; each of them closes it here. Rows are
counted by the page: every row of the crawl has a number, a run keeps the highest of its pages', and a run's rows are stored when
the outlet says that all rows up to that number are. So a row costs nothing here.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from jobschema.messages import Lease
from jobstore.failpoints import reach

ROWS_NOT_STORED = "rows_not_stored"  # the cause of a run whose rows a sink lacks at the end; they may be in the spool


@dataclass(slots=True, eq=False)
class KeywordRun:
    """One pass over one keyword."""

    lease: Lease
    open_requests: int = 0
    open_pages: int = 0  # pages, or single items, on their way through the pipelines
    rows_due: deque[tuple[int, int]] = field(default_factory=deque)  # of each page: number of its last row, how many rows
    has_begun: bool = False
    causes: Counter[str] = field(default_factory=Counter)  # why the run is not complete: cause -> how often
    is_over: bool = False

    @property
    def rows_missing(self) -> int:
        """Rows handed over and not yet in every sink."""
        return sum(rows for _, rows in self.rows_due)


def _count_nothing() -> int:
    """No sink: what is handed over is as safe as it gets."""
    return 0


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
        self._stored = 0
        self._count_taken: Callable[[], int] = _count_nothing

    def begin(self, lease: Lease) -> KeywordRun:
        run = KeywordRun(lease)
        self._runs.add(run)
        return run

    def opened(self, run: KeywordRun) -> None:
        """A request of the run was handed to Scrapy."""
        run.open_requests += 1
        run.has_begun = True

    def closed(self, run: KeywordRun, cause: str | None = None) -> None:
        """A request of the run has ended; `cause` when it ended badly."""
        if cause is not None:
            self.blemish(run, cause)
        run.open_requests -= 1
        self._look(run)

    def blemish(self, run: KeywordRun, cause: str) -> None:
        """The run will not be complete, whatever its other requests bring."""
        run.causes[cause] += 1

    # -- rows -----------------------------------------------------------------------------------------------------------

    def count_rows_by(self, count_taken: Callable[[], int]) -> None:
        """Rows go to sinks in this crawl: `count_taken()` is how many were given to the outlet so far, of all runs."""
        self._count_taken = count_taken

    def awaits(self, run: KeywordRun) -> None:
        """A page's rows, or a single one, go through the pipelines; `handed` follows."""
        run.open_pages += 1

    def handed(self, run: KeywordRun, rows: int, cause: str | None = None) -> None:
        """They have passed; `cause` when some did not arrive."""
        if cause is not None:
            self.blemish(run, cause)
        run.open_pages -= 1
        taken = self._count_taken()
        if rows and taken > self._stored:
            run.rows_due.append((taken, rows))
        self._look(run)

    def stored(self, count: int) -> None:
        """The first `count` rows of the crawl are in every sink."""
        self._stored = count
        for run in list(self._runs):
            while run.rows_due and run.rows_due[0][0] <= count:
                run.rows_due.popleft()
            self._look(run)

    # -- the end --------------------------------------------------------------------------------------------------------

    def cut_off(self, cause: str) -> list[KeywordRun]:
        """The crawl ends: every run still open is partial. Returns them."""
        cut = list(self._runs)
        for run in cut:
            self.blemish(run, cause)
            if run.rows_due:
                run.causes[ROWS_NOT_STORED] += run.rows_missing
            self._end(run)
        return cut

    def _look(self, run: KeywordRun) -> None:
        """End the run when nothing of it is open. One that never asked for anything has not begun."""
        if run.open_requests <= 0 and not run.open_pages and not run.rows_due and not run.is_over and run.has_begun:
            self._end(run)

    def _end(self, run: KeywordRun) -> None:
        if run.is_over:
            return
        run.is_over = True
        self._runs.discard(run)
        reach("run_over")
        self._spawn(self._on_partial(run) if run.causes else self._on_complete(run))
