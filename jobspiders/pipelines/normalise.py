"""First pipeline, 100: a raw job or company in the platform's words is cleaned and becomes a Job or Company that can be compared."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from scrapy.exceptions import DropItem

from jobschema import Company, Job
from jobspiders import statkeys
from jobspiders.normalise.cleaning import CleaningRule, RuleSet, make_rules
from jobspiders.normalise.rows import normalise_company, normalise_job
from jobspiders.pipelines.mysql import sql_dsn
from jobspiders.platforms.base import RawCompany, RawJob
from jobspiders.session import session_of

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from jobschema import Platform


class RowRejected(DropItem):
    """A cleaning rule leaves the row out. Nothing is missing: the run is as complete as before."""


class NormalisePipeline:
    """Counts every text that could not be read; the row is kept. Other items pass. The cleaning rules are those of the start."""

    rules = RuleSet()

    def __init__(self, crawler: Crawler, platform: Platform, mask: bool) -> None:
        self.crawler = crawler
        self.platform = platform
        self.mask = mask

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler, session_of(crawler).platform.name, crawler.settings.getbool("CONTACT_MASKING_ENABLED"))

    async def open_spider(self) -> None:
        """Read the rules where MYSQL_DSN is set. A StoreError or RuleInvalidError ends the crawl before it begins."""
        dsn = sql_dsn(self.crawler.settings)
        if dsn:
            self.rules = await asyncio.to_thread(load_rules, dsn)
            self.crawler.stats.set_value(statkeys.CLEANING_VERSION, self.rules.version)

    def process_item(self, item: Any) -> Any:
        changed_by: tuple[CleaningRule, ...] = ()
        if self.rules.rules and isinstance(item, RawJob | RawCompany):
            item, changed_by = self.clean(item)
        row = self.normalise(item)
        if changed_by and isinstance(row, Job | Company):
            row.problems.extend(rule.mark for rule in changed_by)
        return row

    def clean(self, item: Any) -> tuple[Any, tuple[CleaningRule, ...]]:
        """The item after the rules, and the rules that changed it. Raises RowRejected."""
        cleaned = self.rules.clean(item, str(self.platform))
        if cleaned.rejected_by is not None:
            self.crawler.stats.inc_value(f"{statkeys.CLEANING_REJECTED}/{cleaned.rejected_by.id}")
            raise RowRejected(f"cleaning_rule {cleaned.rejected_by.id} leaves it out")
        for rule in cleaned.changed_by:
            self.crawler.stats.inc_value(f"{statkeys.CLEANING_CHANGED}/{rule.id}")
        return cleaned.raw, cleaned.changed_by

    def normalise(self, item: Any) -> Any:
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


def load_rules(dsn: str) -> RuleSet:
    """The enabled rules of a store. Raises StoreError, RuleInvalidError."""
    from jobstore.sql import SqlSink  # a node without this store need not load SQLAlchemy
    from jobstore.sql.rules import read_rules

    sink = SqlSink.open(dsn)
    try:
        return make_rules(read_rules(sink.database))
    finally:
        sink.close()
