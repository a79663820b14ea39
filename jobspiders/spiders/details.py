"""The details of postings within one crawl: which to ask for, how to merge them, what a batch left out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from jobspiders.platforms.base import Call, RawJob, Reading, SearchPlatform, merged

KEPT = 20_000  # details remembered, so that a posting found by a second keyword costs no second request
ATTEMPTS = 3  # times that a posting is asked for when batches leave it out


@dataclass(slots=True)
class Unanswered:
    """The postings of a detail call that it did not answer."""

    again: list[Call] = field(default_factory=list)  # calls that ask once more, one posting each
    lost: list[RawJob] = field(default_factory=list)  # asked often enough
    gone: list[RawJob] = field(default_factory=list)  # the platform says that it has them no more


class DetailDesk:
    """One per spider. Postings are known by their `job_id`."""

    def __init__(self, platform: SearchPlatform) -> None:
        self.platform = platform
        self._kept: OrderedDict[str, RawJob] = OrderedDict()
        self._asked: dict[str, int] = {}
        self._is_batch_trusted = True

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._kept

    def sort(self, jobs: Sequence[RawJob]) -> tuple[list[RawJob], list[Call]]:
        """Split a page's postings into those that are whole (or whose detail is at hand) and the calls for the others."""
        known = [merged(job, self._kept[job.job_id]) for job in jobs if job.job_id in self._kept]
        unknown = [job for job in jobs if job.job_id not in self._kept]
        calls = self._calls(unknown)
        asked = {job.job_id for call in calls for job in call.jobs}
        return known + [job for job in unknown if job.job_id not in asked], calls

    def _calls(self, jobs: Sequence[RawJob]) -> list[Call]:
        if self._is_batch_trusted:
            return self.platform.detail_calls(jobs)
        return [call for job in jobs for call in self.platform.detail_calls([job])]

    def merge(self, asked: Sequence[RawJob], answered: Sequence[RawJob]) -> Iterator[RawJob]:
        """The postings of a call that were answered, each with its list's words under its detail's."""
        details = {job.job_id: job for job in answered}
        for job in asked:
            detail = details.get(job.job_id)
            if detail is None:
                continue
            self._asked.pop(job.job_id, None)
            self._kept[job.job_id] = detail
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            yield merged(job, detail)

    def settle(self, call: Call, reading: Reading) -> Unanswered:
        """Sort what the call left unanswered. A batch that loses answers without a word (two of them under one key, say) is not
        trusted again."""
        if len(reading.missing) > len(reading.inner):
            self._is_batch_trusted = False
        left = Unanswered()
        answered = {job.job_id for job in reading.jobs}
        missing = {job.job_id for job in reading.missing}
        for job in call.jobs:
            if job.job_id in answered:
                continue
            attempts = self._asked.get(job.job_id, 1)
            if job.job_id not in missing:
                left.gone.append(job)
            elif attempts < ATTEMPTS:
                self._asked[job.job_id] = attempts + 1
                left.again += self.platform.detail_calls([job])
            else:
                self._asked.pop(job.job_id)
                left.lost.append(job)
        return left
