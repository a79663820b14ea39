"""One worker's side of the leases: enlist, beat, claim, complete, give back, leave. No task, no lock, no sleep: RedisFeed adds those.

Every call may be sent again when its answer got lost, and means the same: a claim carries a number, an end its epoch.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from jobschema import Platform
from jobschema.messages import Keyword, Lease
from jobspiders.leases.entries import to_json
from jobspiders.leases.scripts import MAX_BATCH, LeaseScripts
from jobspiders.leases.terms import UNSTARTED, ReturnTerms

SECOND = 1_000_000  # Redis' times are microseconds


@dataclass(frozen=True, slots=True)
class LeasePolicy:
    """The terms all workers of a platform share. `lease_seconds` without a heartbeat and the leases go back."""

    beat_seconds: float = 3.0
    lease_seconds: float = 9.0
    max_attempts: int = 5
    seen_seconds: float = 30 * 86400.0  # how long a named run remembers what is complete


@dataclass(slots=True)
class Beat:
    """The answer to a heartbeat."""

    is_enlisted: bool
    held: int = 0  # leases that Redis says this worker holds, new ones included
    next_deadline: float = 0.0  # seconds until some worker's leases may be free
    open_keywords: int = 0  # queued or leased, on all nodes
    inbox: int = 0  # operator's messages waiting
    claimed: list[Lease] = field(default_factory=list)
    lost: list[Lease] = field(default_factory=list)  # leases that are gone while their runs go on


class LeaseHolder:
    """A worker: a number that Redis gave, and the leases under it. A holder that Redis forgot enlists again under a new number."""

    def __init__(
        self, scripts: LeaseScripts, platform: Platform, policy: LeasePolicy | None = None, *, node: Mapping[str, Any] | None = None
    ) -> None:
        self.policy = policy or LeasePolicy()
        self.platform = platform
        self.worker = 0  # 0: not enlisted
        self.held: dict[str, Lease] = {}
        self._scripts = scripts
        self._node = to_json(dict(node or {}))
        self._claim_number = 0
        self._is_claiming = False  # a claim was sent and not answered: the next one repeats it
        self._fresh: list[Lease] = []  # claimed, and not handed out by `keep` yet
        self._lost: list[Lease] = []  # lost, and not told by `keep` yet
        self._ending: set[tuple[str, int]] = set()  # an end was sent and not answered: what Redis no longer holds of these is not lost
        self._ended: OrderedDict[str, Lease] = OrderedDict()  # completed lately: a Redis restarted from an older file may have forgotten it
        self._common = (int(self.policy.lease_seconds * SECOND), self.policy.max_attempts)

    async def enlist(self) -> int:
        """Get a (new) number. Leases of an earlier number are lost."""
        self._lose(list(self.held.values()))
        self._claim_number, self._is_claiming = 0, False
        self.worker = int(await self._scripts.run("enlist", *self._common, self._node))
        return self.worker

    async def beat(self, want: int = 0) -> Beat:
        """Extend every lease, look at the deadlines of all workers, and claim up to `want` keywords."""
        want = min(want, MAX_BATCH)
        if want and not self._is_claiming:
            self._claim_number += 1
            self._is_claiming = True
        seen = int(self.policy.seen_seconds * SECOND)
        answer = await self._scripts.run("beat", self.worker, *self._common, self._claim_number, want, seen)
        if not answer[0]:
            return Beat(is_enlisted=False)
        claimed = self._read_claims(int(answer[5]), answer[6])
        if want:
            self._is_claiming = False
        self.held.update((lease.lease_id, lease) for lease in claimed)
        self._fresh += claimed
        return Beat(True, answer[1], max(0, answer[2]) / SECOND, answer[3], answer[4], claimed)

    async def keep(self, want: int = 0) -> Beat:
        """A beat with what follows from it: enlist again where Redis forgot this worker, compare the books where they differ.

        When a step of it fails, the next call tells what this one learned: no claim and no loss goes unheard.
        """
        beat = await self.beat(want)
        if not beat.is_enlisted:
            await self.enlist()
        elif beat.held != len(self.held):
            await self.reconcile()
        beat.claimed = [lease for lease in self._fresh if self.held.get(lease.lease_id) == lease]
        beat.lost = self._lost
        self._fresh, self._lost = [], []
        return beat

    async def complete(self, leases: Iterable[Lease]) -> list[bool]:
        """The rows of these are stored. False for a stale lease: somebody else has the keyword, or had it."""
        answers = await self._end("complete", list(leases))
        for lease, result in answers:
            self._let_go(lease)
            if result:
                self._remember(lease)
        return [bool(result) for _, result in answers]

    async def give_back(self, leases: Iterable[Lease], terms: ReturnTerms, causes: Mapping[str, int] | None = None) -> list[str]:
        """Back to the queue at once. Per lease: `q` queued again, `d` given up after too many attempts, empty: the lease is stale."""
        said = to_json(dict(causes or {}))
        answers = await self._end("give_back", list(leases), *_read_terms(terms), said)
        for lease, _ in answers:
            self._let_go(lease)
        return [state for _, state in answers]

    async def check(self, leases: Iterable[Lease]) -> list[bool]:
        """Is each lease current on Redis' word? The question to ask before rows are stored as complete."""
        answers = await self._run("check", list(leases))
        for lease, is_current in answers:
            if not is_current:
                self._let_go(lease)  # for good, even if Redis should go back in time and call it current again
        return [bool(is_current) for _, is_current in answers]

    async def leave(self) -> int:
        """Off duty: what is still held goes back to its place. Returns how many."""
        count = int(await self._scripts.run("leave", self.worker, *self._common)) if self.worker else 0
        self.worker = 0
        self.held.clear()
        return count

    async def reconcile(self) -> list[Lease]:
        """Compare both sides' books after `Beat.held` differed; returns the leases that are lost.

        What Redis holds for us and we do not know was completed before Redis lost its last second (is ended again), or
        nobody started it (goes back).
        """
        answer = await self._scripts.run("holdings", self.worker)
        theirs = {answer[i]: int(float(answer[i + 1])) for i in range(0, len(answer), 2)}
        differ = [lease for lease in self.held.values() if theirs.get(lease.lease_id) != lease.epoch]
        lost = [lease for lease in differ if (lease.lease_id, lease.epoch) not in self._ending]
        self._lose(lost)
        unknown = [(identity, epoch) for identity, epoch in theirs.items() if identity not in self.held]
        ended = [self._ended[identity] for identity, epoch in unknown if self._was_ended(identity, epoch)]
        await self.complete(ended)
        strays = [(identity, epoch) for identity, epoch in unknown if not self._was_ended(identity, epoch)]
        if strays:
            terms = (*_read_terms(UNSTARTED), "{}")
            await self._scripts.run(
                "give_back", self.worker, *self._common, *terms, to_json([(identity, str(epoch)) for identity, epoch in strays])
            )
        return lost

    async def _end(self, step: str, leases: list[Lease], *arguments: object) -> list[tuple[Lease, Any]]:
        names = {(lease.lease_id, lease.epoch) for lease in leases}
        self._ending |= names
        answers = await self._run(step, leases, *arguments)
        self._ending -= names
        return answers

    async def _run(self, step: str, leases: list[Lease], *arguments: object) -> list[tuple[Lease, Any]]:
        """One call per worker number: leases of an earlier number keep theirs, and are stale."""
        answers: list[tuple[Lease, Any]] = []
        for worker, group in groupby(leases, key=lambda lease: lease.worker):
            mine = list(group)
            pairs = [(lease.lease_id, str(lease.epoch)) for lease in mine]
            results = json.loads(await self._scripts.run(step, worker, *self._common, *arguments, to_json(pairs)))
            answers += zip(mine, results, strict=True)
        return answers

    def _was_ended(self, identity: str, epoch: int) -> bool:
        lease = self._ended.get(identity)
        return lease is not None and lease.epoch == epoch

    def _remember(self, lease: Lease) -> None:
        self._ended[lease.lease_id] = lease
        if len(self._ended) > MAX_BATCH:
            self._ended.popitem(last=False)

    def _lose(self, leases: list[Lease]) -> None:
        self._lost += leases
        for lease in leases:
            self._let_go(lease)

    def _let_go(self, lease: Lease) -> None:
        if self.held.get(lease.lease_id) is not None and self.held[lease.lease_id].epoch == lease.epoch:
            del self.held[lease.lease_id]

    def _read_claims(self, epoch: int, answer: str) -> list[Lease]:
        return [
            Lease(identity, Keyword(platform=self.platform, **values), epoch=epoch, attempt=attempt, worker=self.worker)
            for identity, values, attempt in json.loads(answer)
        ]


def _read_terms(terms: ReturnTerms) -> tuple[object, int]:
    return "final" if terms.is_final else int(terms.counted), int(terms.keeps_place)
