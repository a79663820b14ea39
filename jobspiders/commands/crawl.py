"""`scrapy crawl SPIDER`: Scrapy's own command, with arguments checked before anything starts and an exit code that tells the ending."""

from __future__ import annotations

import argparse

from scrapy.commands.crawl import Command as CrawlCommand
from scrapy.exceptions import UsageError

from jobspiders import statkeys
from jobspiders.errors import ArgumentsInvalidError
from jobspiders.spiders.base import KeywordSpider


class Command(CrawlCommand):
    """Exit code: 0 complete, 1 could not start, 2 wrong usage, 3 blocked by the platform, 4 something is missing."""

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1:
            raise UsageError(f"give one spider; valid are {', '.join(self.crawler_process.spider_loader.list())}", print_help=False)
        crawler = self._create_crawler(args[0])
        if issubclass(crawler.spidercls, KeywordSpider):
            try:
                crawler.spidercls.check(crawler.settings, opts.spargs)
            except (ArgumentsInvalidError, ValueError) as error:
                raise UsageError(str(error), print_help=False) from None
        self.crawler_process.crawl(crawler, **opts.spargs)
        self.crawler_process.start()
        self.exitcode = 1 if self.crawler_process.bootstrap_failed else crawler.stats.get_value(statkeys.OUTCOME_EXIT_CODE, 0)
