"""`scrapy fetch`: Scrapy's own, except that it opens no store (a crawl may be using it) and says in one line which setting is missing."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from scrapy import Request
from scrapy.commands.fetch import Command as FetchCommand
from scrapy.exceptions import UsageError
from scrapy.utils.spider import spidercls_for_request

from jobspiders.errors import ArgumentsInvalidError
from jobspiders.session import open_session

if TYPE_CHECKING:
    from scrapy.commands import ScrapyCommand


class Command(FetchCommand):
    """`scrapy fetch --spider qcwy URL`: signed as in a crawl; a block is printed as it came."""

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        close_store(self)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        check_platform(self, opts.spider, args[0] if args else "")
        super().run(args, opts)


def close_store(command: ScrapyCommand) -> None:
    """Nothing is stored by looking at a page, so no store is opened."""
    assert command.settings is not None
    command.settings.set("ITEM_PIPELINES", {}, priority="spider")


def check_platform(command: ScrapyCommand, spider: str | None, url: str) -> None:
    """UsageError when the spider that would take `url` lacks a setting; Scrapy would show a traceback."""
    assert command.crawler_process is not None
    loader = command.crawler_process.spider_loader
    try:
        spidercls = loader.load(spider) if spider else spidercls_for_request(loader, Request(url)) if "://" in url else None
        platform = getattr(spidercls, "platform_name", None)
        if platform is not None:
            open_session(platform, command.crawler_process.settings)
    except KeyError:
        raise UsageError(f"spider {spider!r} is not known; valid are {', '.join(loader.list())}", print_help=False) from None
    except (ArgumentsInvalidError, ValueError) as error:
        raise UsageError(str(error), print_help=False) from None
