"""`scrapy shell`: Scrapy's own, except that it opens no store (a crawl may be using it) and says in one line which setting is missing."""

from __future__ import annotations

import argparse

from scrapy.commands.shell import Command as ShellCommand

from jobspiders.commands.fetch import check_platform, close_store


class Command(ShellCommand):
    """`scrapy shell --spider boss URL`: signed as in a crawl; `response.meta["reading"]` says what the answer really was."""

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        close_store(self)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        check_platform(self, opts.spider, args[0] if args else "")
        super().run(args, opts)
