"""`scrapy parity [--repair]`: do ClickHouse and MySQL say the same? From cron: the exit code is 1 when they do not."""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import TYPE_CHECKING

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

if TYPE_CHECKING:
    from jobstore.parity import ParityReport


class Command(ScrapyCommand):
    """Exit code 0: equal, or everything mended; 1: differences are left; 2: wrong usage, or a store that does not answer."""

    requires_project = True
    requires_crawler_process = False

    def syntax(self) -> str:
        return "[--repair] [--settle MINUTES]"

    def short_desc(self) -> str:
        return "Compare the rows of ClickHouse and MySQL, and mend differences"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--repair", action="store_true", help="mend each difference on the side that saw the row less lately")
        parser.add_argument("--settle", type=float, default=15, help="minutes that rows may be on their way to a store (default 15)")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if args:
            raise UsageError("no argument is expected, as in: scrapy parity --repair", print_help=False)
        # Scrapy imports every command before any: an engine of 500 MB is loaded by the one that needs it.
        from jobspiders.pipelines.clickhouse import NO_STORE, store_dsn
        from jobspiders.pipelines.mysql import sql_dsn
        from jobstore.errors import StoreError

        assert self.settings is not None
        clickhouse, sql = store_dsn(self.settings), sql_dsn(self.settings)
        if not sql or clickhouse == NO_STORE:
            raise UsageError("there is nothing to compare: set MYSQL_DSN, and CLICKHOUSE_DSN to something else than none", print_help=False)
        try:
            report = compare(clickhouse, sql, repair=opts.repair, settle=timedelta(minutes=opts.settle))
        except StoreError as error:
            raise UsageError(str(error), print_help=False) from None
        self.show(report)
        self.exitcode = 1 if report.differences > report.mended else 0

    def show(self, report: ParityReport) -> None:
        for table in report.tables:
            print(
                f"{table.platform} {table.noun}: ClickHouse {table.clickhouse_rows}, MySQL {table.sql_rows}; missing in MySQL "
                f"{table.missing_in_sql}, in ClickHouse {table.missing_in_clickhouse}, different {table.different}, "
                f"too fresh to tell {table.unsettled}, mended {table.mended}"
            )
        for sample in report.samples:
            print(sample)
        print(f"{report.differences} differences, {report.mended} mended")


def compare(clickhouse: str, sql: str, *, repair: bool, settle: timedelta) -> ParityReport:
    """Open both stores and compare them. Raises StoreError."""
    from jobstore.clickhouse import ClickHouseStore
    from jobstore.parity import ParityCheck
    from jobstore.parity.sides import ClickHouseSide, SqlSide
    from jobstore.sql import SqlSink

    sink = SqlSink.open(sql)
    try:
        store = ClickHouseStore.open(clickhouse)
        try:
            store.ensure_schema()
            return ParityCheck(ClickHouseSide(store), SqlSide(sink), settle=settle).run(repair=repair)
        finally:
            store.close()
    finally:
        sink.close()
