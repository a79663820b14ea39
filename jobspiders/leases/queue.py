"""The operators' side of the leases: push, status, where, dead letters, rebuild. The control plane and `scrapy keywords` use it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from jobschema import Platform
from jobschema.keys import ID_SEPARATOR
from jobschema.messages import Keyword
from jobspiders.leases.entries import entry_id, read_entry, text_of, to_json, write_entry
from jobspiders.leases.holder import SECOND
from jobspiders.leases.scripts import MAX_BATCH, LeaseScripts, band_of

T = TypeVar("T")
_PUSH_BATCH = 500


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of pushed keywords."""

    queued: int = 0
    open_already: int = 0  # queued, leased or dead in the same run
    complete_already: int = 0  # complete in the same named run


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A worker on duty; `deadline` in seconds from now, below zero: about to lose its leases."""

    worker: int
    node: dict[str, Any]
    deadline: float
    held: int


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """The figures of one platform's queue. The conservation law: pushed = queued + leased + complete + dead + dropped."""

    pushed: int
    queued: int
    leased: int
    complete: int
    dead: int
    dropped: int
    open: int  # entries: queued + leased + dead, counted on their own
    reaped: int  # leases taken from dead workers so far
    stale: int  # late completions refused so far
    inbox: int
    unreadable: int
    epoch: int
    workers: list[WorkerStatus] = field(default_factory=list)

    @property
    def imbalance(self) -> int:
        """Keywords too few (positive: lost) or too many; 0 is the law."""
        return self.pushed - self.queued - self.leased - self.complete - self.dead - self.dropped

    @property
    def is_conserved(self) -> bool:
        return self.imbalance == 0 and self.open == self.queued + self.leased + self.dead


@dataclass(frozen=True, slots=True)
class KeywordPlace:
    """Where a keyword is. `state`: queued, leased, dead, complete or unknown (`lost` breaks the law). Times in seconds."""

    identity: str
    state: str
    keyword: Keyword | None = None
    attempts: int = 0
    failed_attempts: int = 0
    rank: int | None = None  # keywords before it
    node: dict[str, Any] = field(default_factory=dict)
    lease_age: float | None = None
    lease_left: float | None = None
    epoch: int | None = None
    causes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A keyword that was given up. `died_at`: seconds since 1970, Redis' clock."""

    identity: str
    keyword: Keyword
    causes: dict[str, int]
    died_at: float


class KeywordQueue:
    """One platform's queue, seen from outside."""

    def __init__(self, scripts: LeaseScripts, platform: Platform) -> None:
        self.platform = platform
        self._scripts = scripts

    async def push(self, keywords: Iterable[Keyword], run: str = "") -> Pushed:
        """Queue keywords, each at most once per run. A named run also skips what it completed; the nameless one crawls it again."""
        states: Counter[str] = Counter()
        for batch in _batches(keywords, _PUSH_BATCH):
            rows = [(entry_id(keyword, run), write_entry(keyword), band_of(keyword.priority)) for keyword in batch]
            states.update(json.loads(await self._scripts.run("push", int(bool(run)), to_json(rows))))
        return Pushed(states["q"], states["o"], states["c"])

    async def peek(self, count: int = 100) -> list[str]:
        """The inbox's next messages, which stay there."""
        return list(await self._scripts.run("peek", count))

    async def take_in(self, accepted: Sequence[tuple[str, Keyword, str]], refused: Sequence[tuple[str, str]] = ()) -> Counter[str]:
        """Move inbox messages into the queue: (message, keyword, run) each, or aside: (message, cause) each. Letters of intake.lua."""
        rows: list[tuple[str, bool, str, str, int]] = [
            (message, bool(run), entry_id(keyword, run), write_entry(keyword), band_of(keyword.priority))
            for message, keyword, run in accepted
        ]
        rows += [(message, False, "", to_json({"cause": cause, "message": message}), 0) for message, cause in refused]
        return Counter(json.loads(await self._scripts.run("intake", to_json(rows))))

    async def status(self) -> QueueStatus:
        return self._read_status(await self._scripts.run("status"))

    async def watch(self, seconds: float) -> QueueStatus | None:
        """The status, for one caller of the whole fleet in so many seconds; None for the others."""
        answer = await self._scripts.run("status", int(seconds * SECOND))
        return self._read_status(answer) if answer else None

    def _read_status(self, answer: list[Any]) -> QueueStatus:
        figures, workers = answer
        values = {figures[i]: int(figures[i + 1]) for i in range(0, len(figures), 2)}
        now = values.pop("now")
        on_duty = [
            WorkerStatus(int(number), _decode(node), (float(deadline) - now) / SECOND, held) for number, node, deadline, held in workers
        ]
        return QueueStatus(**values, workers=on_duty)

    async def audit(self) -> list[str]:
        """The slow exact check of every keyword; sentences on what is wrong. Blocks Redis for about a second per 300,000 open keywords."""
        return list(await self._scripts.run("audit"))

    async def where(self, identities: Sequence[str]) -> list[KeywordPlace]:
        answers = await self._scripts.run("where", to_json(list(identities)))
        return [self._read_place(identity, answer) for identity, answer in zip(identities, answers, strict=True)]

    async def find(self, text: str, count: int = 100) -> list[str]:
        """The identities of a text in all runs and cities, as far as they are open or remembered as complete."""
        found = await self._scripts.run("find", f"{ID_SEPARATOR}{text}", count)
        return [identity for identity in found if text_of(identity) == text]

    async def dead(self, count: int = 100, offset: int = 0) -> list[DeadLetter]:
        """Dead letters, the longest dead first."""
        letters = await self._scripts.run("dead", offset, count)
        return [
            DeadLetter(identity, read_entry(entry, self.platform), json.loads(causes), float(when) / SECOND)
            for identity, entry, causes, when in letters
        ]

    async def retry(self, identities: Iterable[str]) -> int:
        """Dead letters back into the queue, their attempts forgiven. Returns how many were dead."""
        return sum([int(await self._scripts.run("retry", to_json(batch))) for batch in _batches(identities, MAX_BATCH)])

    async def drop(self, identities: Iterable[str]) -> int:
        """Forget dead letters. Returns how many were dead."""
        return sum([int(await self._scripts.run("drop", to_json(batch))) for batch in _batches(identities, MAX_BATCH)])

    async def give_back(self, identities: Iterable[str]) -> int:
        """Take keywords from whoever holds them, back to their place. Returns how many were leased; their workers' leases are stale."""
        return sum([int(await self._scripts.run("recall", to_json(batch))) for batch in _batches(identities, MAX_BATCH)])

    def _read_place(self, identity: str, answer: list[Any]) -> KeywordPlace:
        state, entry, mark, causes, rank, epoch, node, deadline, now = answer
        _, attempts, failed, claimed, _ = mark.split() if mark else ("", 0, 0, 0, "")
        is_leased = state == "leased"
        return KeywordPlace(
            identity,
            state,
            keyword=read_entry(entry, self.platform) if entry else None,
            attempts=int(attempts),
            failed_attempts=int(failed),
            rank=int(rank) if rank != "" else None,
            node=_decode(node),
            lease_age=(float(now) - float(claimed)) / SECOND if is_leased else None,
            lease_left=(float(deadline) - float(now)) / SECOND if is_leased and deadline else None,
            epoch=int(float(epoch)) if epoch else None,
            causes=_decode(causes),
        )


def _decode(text: str) -> dict[str, Any]:
    return json.loads(text) if text else {}


def _batches(values: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(values)
    while batch := list(islice(rest, size)):
        yield batch
