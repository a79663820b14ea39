"""Beside the flow, at the end: how the crawl ended, as one log line and as the exit code that `scrapy crawl` takes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

from scrapy import signals

from jobspiders import statkeys
from jobspiders.outcome import read_outcome
from jobspiders.session import session_of

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)


class OutcomeReport:
    """Reads the stats when everything is stored (engine_stopped) and says what became of the crawl."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.platform = session_of(crawler).platform.name
        crawler.signals.connect(self.report, signals.engine_stopped)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def report(self) -> None:
        outcome = read_outcome(self.platform, self.crawler.stats.get_stats())
        self.crawler.stats.set_value(statkeys.OUTCOME_EXIT_CODE, int(outcome.exit_code))
        logger.info(
            "%s %s: %d pages, %d jobs, %d companies, %d of %d keywords complete, %d blocks met, %d survived, %d rows rejected",
            outcome.platform,
            outcome.words,
            outcome.pages,
            outcome.jobs,
            outcome.companies,
            outcome.keywords_complete,
            outcome.keywords,
            outcome.blocks_met,
            outcome.blocks_survived,
            outcome.rejected,
        )
