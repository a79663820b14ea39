"""What a run proves about postings that it did not meet: noted page by page, told to the lifecycle book when the run's rows are stored.

spider -> search pages, answers of details -> run over, its rows in every sink -> LifecycleBook (MYSQL_DSN), or the ingest door
(INGEST_ENABLED) to that of the control plane -> keyword acknowledged

A run that dies is never told: only what ends is a pass. Where nobody keeps a book, nothing is noted.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from jobschema.enums import Verdict
from jobspiders import statkeys
from jobspiders.ledger import KeywordRun
from jobspiders.pipelines.mysql import sql_dsn
from jobspiders.platforms.base import CallKind, RawJob, Reading
from jobspiders.secret import reveal
from jobstore.errors import StoreError, TransientStoreError
from jobstore.ingest import IngestBook
from jobstore.lifecycle import Authority, KeywordPass, PassRecord, PassReport
from jobstore.retry import RetryPolicy

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

logger = logging.getLogger(__name__)
PASS_NOT_RECORDED = "pass_not_recorded"  # noqa: S105  # the cause of a run whose pass the store did not take
SEARCH_CAPPED = "search_capped"  # the cause of a run that the platform shows only a part of
_KINDS = tuple(f"{kind}_" for kind in CallKind)  # what stands before a verdict in a cause


class Book(Protocol):
    """Where passes are told: `jobstore.lifecycle_book.LifecycleBook`, or the door to one, which answers None and judges later."""

    def record(self, record: PassRecord) -> PassReport | None: ...
    def close(self) -> None: ...


@dataclass(slots=True)
class _Notes:
    """Of one run. `seen` is job id -> when it was fetched; `gone` are postings that the platform says it has no more."""

    started_at: datetime
    pages: int = 0
    claimed: int | None = None
    is_truncated: bool = False
    seen: dict[str, datetime] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)


class PassNotes:
    """One per spider; without `open_book` every call returns at once. The book is opened in a thread, when the first run is over."""

    def __init__(
        self,
        open_book: Callable[[], Book] | None = None,
        *,
        count: Callable[[str, int], object] = lambda _key, _number: None,
        retry: RetryPolicy | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._open_book = open_book
        self._book: Book | None = None
        self._opening = threading.Lock()
        self._count = count
        self._clock = clock
        self._closing = threading.Event()
        self._retry = retry or RetryPolicy(give_up_after=60.0, sleep=self._wait)
        self._notes: dict[KeywordRun, _Notes] = {}
        self._details: Counter[bool] = Counter()  # of this crawl: was the posting there?

    def begin(self, run: KeywordRun, *, is_narrowed: bool = False) -> None:
        """A run begins; narrowed: by the operator's filters, so that it never shows all that the keyword has."""
        if self._open_book is not None:
            self._notes[run] = _Notes(self._clock(), is_truncated=is_narrowed)

    def note_search(self, run: KeywordRun, reading: Reading) -> None:
        """A search page was read; the first one's total is the keyword's."""
        notes = self._notes.get(run)
        if notes is None:
            return
        if not notes.pages:
            notes.claimed = reading.total
        notes.pages += 1
        at = self._clock()
        for job in reading.jobs:
            notes.seen[job.job_id] = at

    def note_cut(self, run: KeywordRun) -> None:
        """There is more than the run reads: a page beyond the keyword's depth, say."""
        if run in self._notes:
            self._notes[run].is_truncated = True

    def note_details(self, run: KeywordRun, reading: Reading, gone: Iterable[RawJob]) -> None:
        """Details were answered; `gone` are the postings that were asked for and neither answered nor missing."""
        if run not in self._notes:
            return
        is_said = reading.verdict is Verdict.NOT_FOUND or any(verdict is Verdict.NOT_FOUND for verdict, _ in reading.inner)
        ids = {job.job_id for job in gone} if is_said else set()
        self._details.update({True: len(reading.jobs), False: len(ids)})
        self._notes[run].gone |= ids

    async def record(self, run: KeywordRun) -> str | None:
        """Tell the book of a run that is over and whose rows are stored. A cause when that failed: the run must go again."""
        notes = self._notes.pop(run, None)
        if notes is None:
            return None
        one = make_pass(run, notes, self._clock())
        try:
            told = await asyncio.to_thread(self._retry.run, lambda: self._tell(one, notes), self._give_up_when_closing)
        except StoreError as error:
            logger.error("the pass over %r is not recorded, so its keyword goes back: %s", one.text, error)
            return PASS_NOT_RECORDED
        for key, number in told.items():
            self._count(key, number)
        return None

    def stop_waiting(self) -> None:
        """The crawl ends: a store that is away is asked once more and not waited for."""
        self._closing.set()

    async def close(self) -> None:
        """After the last `record`."""
        if self._book is not None:
            await asyncio.to_thread(self._book.close)

    def _tell(self, one: KeywordPass, notes: _Notes) -> Counter[str]:
        """In a thread: what came of it, to be counted. May be repeated."""
        gone = tuple(sorted(notes.gone)) if notes.gone and self._is_word_believed() else ()
        report = self._find_book().record(PassRecord(one, notes.seen, gone))
        if report is None:
            return Counter({f"{statkeys.LIFECYCLE_PASSES}/sent": 1})
        delisted = {Authority.ABSENCE: len(report.delisted), Authority.PLATFORM: len(report.gone)}
        told = Counter({f"{statkeys.LIFECYCLE_DELISTED}/{authority}": number for authority, number in delisted.items()})
        told[f"{statkeys.LIFECYCLE_PASSES}/{report.outcome}"] = 1
        return +told

    def _find_book(self) -> Book:
        with self._opening:
            if self._book is None:
                assert self._open_book is not None, "notes are only taken for a book"
                self._book = self._open_book()
            return self._book

    def _is_word_believed(self) -> bool:
        """A door at which no posting is found any more is a broken door: as many must have been there as are said to be gone."""
        there, gone = self._details[True], self._details[False]
        if gone > there:
            logger.warning("%d of %d postings are said to be gone: not believed, nobody is delisted by that", gone, gone + there)
        return gone <= there

    def _wait(self, seconds: float) -> None:
        self._closing.wait(seconds)

    def _give_up_when_closing(self, error: TransientStoreError) -> None:
        if self._closing.is_set():
            raise error


def make_pass(run: KeywordRun, notes: _Notes, ended_at: datetime) -> KeywordPass:
    """What the run was, in the book's words: a capped search is one that was not read to its end, not one that failed."""
    keyword = run.lease.keyword
    return KeywordPass(
        platform=keyword.platform,
        text=keyword.text,
        city_code=keyword.city_code,
        started_at=notes.started_at,
        ended_at=ended_at,
        jobs=len(notes.seen),
        pages=notes.pages,
        causes=tuple(_plain_causes(run.causes)),
        is_truncated=notes.is_truncated or SEARCH_CAPPED in run.causes,
        claimed=notes.claimed,
    )


def _plain_causes(causes: Iterable[str]) -> Iterator[str]:
    """Verdicts as such, whatever they were answers to: `search_ip_banned` is `ip_banned`."""
    for cause in causes:
        prefix = next((kind for kind in _KINDS if cause.startswith(kind)), "")
        if cause != SEARCH_CAPPED:
            yield cause.removeprefix(prefix)


def read_passes_needed(settings: BaseSettings) -> int:
    """How many passes without a posting delist it. Raises ValueError when the setting is out of range."""
    needed = settings.getint("DELIST_AFTER_PASSES", 2)
    if needed < 1:
        raise ValueError(f"DELIST_AFTER_PASSES is {needed}; valid is 1 or more: complete passes without a posting before it is delisted")
    return needed


def open_passes(settings: BaseSettings, count: Callable[[str, int], object]) -> PassNotes:
    """The notes of a crawl, with a book where MYSQL_DSN or INGEST_ENABLED says so; `count` takes stats keys, on the loop."""
    dsn, needed = sql_dsn(settings), read_passes_needed(settings)
    if dsn:
        return PassNotes(lambda: _open_book(dsn, needed), count=count)
    if settings.getbool("INGEST_ENABLED"):
        return PassNotes(lambda: IngestBook(str(settings["CONTROL_API_URL"]), reveal(settings["CONTROL_API_TOKEN"])), count=count)
    return PassNotes()


def _open_book(dsn: str, needed: int) -> Book:
    from jobstore.lifecycle_book import LifecycleBook  # a node without this store need not load SQLAlchemy

    return LifecycleBook.open(dsn, needed)
