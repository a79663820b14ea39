"""First pipeline, 100: a raw job or company in the platform's words becomes a Job or Company that can be compared."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from jobschema import Company, Job
from jobspiders import statkeys
from jobspiders.normalise.rows import normalise_company, normalise_job
from jobspiders.platforms.base import RawCompany, RawJob
from jobspiders.session import session_of

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from jobschema import Platform


class NormalisePipeline:
    """Counts every text that could not be read; the row is kept. Other items pass."""

    def __init__(self, crawler: Crawler, platform: Platform, mask: bool) -> None:
        self.crawler = crawler
        self.platform = platform
        self.mask = mask

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler, session_of(crawler).platform.name, crawler.settings.getbool("CONTACT_MASKING_ENABLED"))

    def process_item(self, item: Any) -> Any:
        row: Job | Company
        if isinstance(item, RawJob):
            row = normalise_job(item, platform=self.platform, keyword=item.keyword, crawled_at=datetime.now(UTC), mask=self.mask)
        elif isinstance(item, RawCompany):
            row = normalise_company(item, platform=self.platform, crawled_at=datetime.now(UTC), mask=self.mask)
        else:
            return item
        for problem in row.problems:
            self.crawler.stats.inc_value(f"{statkeys.NORMALISE_PROBLEM}/{problem}")
        return row
