"""`scrapy sql "SELECT ..."`: ask the store of this machine (or of CLICKHOUSE_DSN) a question, and see the answer as a table."""

from __future__ import annotations

import argparse

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError


class Command(ScrapyCommand):
    """Reads; changes nothing."""

    requires_project = True
    requires_crawler_process = False

    def syntax(self) -> str:
        return '[options] "SELECT ..."'

    def short_desc(self) -> str:
        return "Ask the ClickHouse store a question"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--folder", help="a chDB folder instead of CLICKHOUSE_DSN")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1:
            raise UsageError('give one query in quotes, as in: scrapy sql "SELECT count() FROM job_analytics"', print_help=False)
        # Scrapy imports every command before any: an engine of 500 MB is loaded by the one that needs it.
        from jobspiders.pipelines.clickhouse import store_dsn
        from jobstore.clickhouse import ClickHouseStore
        from jobstore.errors import StoreError

        assert self.settings is not None
        dsn = f"chdb://{opts.folder}" if opts.folder else store_dsn(self.settings)
        try:
            store = ClickHouseStore.open(dsn)
            try:
                rows = store.read(args[0])
            finally:
                store.close()
        except StoreError as error:
            raise UsageError(str(error), print_help=False) from None
        self.show(rows)

    def show(self, rows: list[dict[str, object]]) -> None:
        from rich.console import Console
        from rich.table import Table

        table = Table()
        for name in rows[0] if rows else ("no rows",):
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*("NULL" if value is None else str(value) for value in row.values()))
        Console().print(table)
