"""From a list of items to postings, companies and refusals, and the judgement whether the contract still holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from jobschema import Verdict
from jobspiders.platforms.base import RawCompany, RawJob, Reading, Reject


class ItemReader(Protocol):
    """How a platform reads one item of its lists."""

    def is_ad(self, item: dict[str, Any]) -> bool:
        """Whether the item is no posting at all."""

    def read_job(self, item: dict[str, Any]) -> RawJob | Reject:
        """The posting in an item, or why it is refused."""

    def read_company(self, item: dict[str, Any], job: RawJob) -> RawCompany | Reject | None:
        """The company in the same item (personal data already gone); None when it does not tell one."""


def read_items(reading: Reading, items: Sequence[object], reader: ItemReader) -> None:
    """Fill `reading` from a list's elements: jobs, companies (once each), rejects, counts."""
    reading.items = len(items)
    seen: set[str] = set()
    for item in items:
        if type(item) is not dict:
            reading.rejects.append(Reject("item:type", value=f"<{type(item).__name__}>"))
        elif reader.is_ad(item):
            reading.ads += 1
        else:
            _read_item(reading, item, reader, seen)


def _read_item(reading: Reading, item: dict[str, Any], reader: ItemReader, seen: set[str]) -> None:
    job = reader.read_job(item)
    if isinstance(job, Reject):
        reading.rejects.append(job)
        return
    if job.company_id and job.company_id not in seen:
        company = reader.read_company(item, job)
        if isinstance(company, Reject):
            reading.rejects.append(Reject(company.reason, job.job_id, company.value))
            return
        if company is not None:
            seen.add(company.company_id)
            reading.companies.append(company)
    reading.jobs.append(job)


def judge_shape(reading: Reading, rejected_share: float) -> Reading:
    """Turn the verdict to schema_changed, and empty the reading, when more than `rejected_share` of its postings were refused."""
    postings = reading.items - reading.ads
    if postings <= 0 or len(reading.rejects) <= rejected_share * postings:
        return reading
    names = sorted({reject.reason for reject in reading.rejects})
    reading.verdict = Verdict.SCHEMA_CHANGED
    reading.reason = f"{len(reading.rejects)} of {postings} items refused: {', '.join(names[:6])}"
    reading.jobs.clear()
    reading.companies.clear()
    reading.has_more = False
    return reading
