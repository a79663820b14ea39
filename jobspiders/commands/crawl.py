"""`scrapy crawl SPIDER`: Scrapy's own command, with arguments checked before anything starts and an exit code that tells the ending."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from scrapy.commands.crawl import Command as CrawlCommand
from scrapy.exceptions import UsageError

from jobspiders.errors import ArgumentsInvalidError
from jobspiders.outcome import read_outcome
from jobspiders.spiders.base import KeywordSpider

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class Command(CrawlCommand):
    """Exit code: 0 complete, 1 could not start, 2 wrong usage, 3 blocked by the platform, 4 something is missing."""

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        assert self.crawler_process is not None
        spiders = self.crawler_process.spider_loader.list()
        if len(args) != 1 or args[0] not in spiders:
            given = f"{' '.join(args)!r} is none" if args else "none is given"
            raise UsageError(f"give one spider ({given}); valid are {', '.join(spiders)}", print_help=False)
        crawler = self._create_crawler(args[0])
        if issubclass(crawler.spidercls, KeywordSpider):
            try:
                crawler.spidercls.check(crawler.settings, opts.spargs)
            except (ArgumentsInvalidError, ValueError) as error:
                raise UsageError(str(error), print_help=False) from None
        self.crawler_process.crawl(crawler, **opts.spargs)
        self.crawler_process.start()
        self.exitcode = 1 if self.crawler_process.bootstrap_failed else exit_code_of(crawler)


def exit_code_of(crawler: Crawler) -> int:
    """0 for a spider that is not ours: Scrapy has no word on how it went."""
    if crawler.stats is None or not issubclass(crawler.spidercls, KeywordSpider):
        return 0
    return int(read_outcome(crawler.spidercls.platform_name, crawler.stats.get_stats()).exit_code)
