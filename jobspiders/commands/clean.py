"""`scrapy clean --dry-run`: what the cleaning rules of MYSQL_DSN would do to the rows that are stored there."""

from __future__ import annotations

import argparse
from itertools import chain

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError


class Command(ScrapyCommand):
    """Reads; changes nothing. Rules are applied to rows while they are crawled."""

    requires_project = True
    requires_crawler_process = False

    def syntax(self) -> str:
        return "--dry-run [--limit ROWS]"

    def short_desc(self) -> str:
        return "Show what the cleaning rules would change in stored rows"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--dry-run", action="store_true", help="show, and change nothing")
        parser.add_argument("--limit", type=int, help="look at this many postings and this many companies (default: all)")
        parser.add_argument("--samples", type=int, default=20, help="changes to show (default 20)")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if args or not opts.dry_run:
            raise UsageError(
                "stored rows say what the platforms said and are not rewritten: the rules apply to rows while they are crawled. "
                "To see what they would do: scrapy clean --dry-run",
                print_help=False,
            )
        # Scrapy imports every command before any: drivers are loaded by the one that needs them.
        from jobschema import Company, Job
        from jobspiders.normalise.cleaning import RuleInvalidError, make_rules
        from jobspiders.normalise.cleaning_report import rehearse
        from jobspiders.pipelines.mysql import sql_dsn
        from jobstore.errors import StoreError
        from jobstore.sql import SqlSink
        from jobstore.sql.reading import read_rows
        from jobstore.sql.rules import read_rules

        assert self.settings is not None
        dsn = sql_dsn(self.settings)
        if not dsn:
            raise UsageError("set MYSQL_DSN: the rules, and the rows to try them on, are there", print_help=False)
        try:
            sink = SqlSink.open(dsn)
            try:
                rules = make_rules(read_rules(sink.database))
                stored = chain.from_iterable(read_rows(sink.database, row, limit=opts.limit) for row in (Job, Company))
                report = rehearse(rules, stored, opts.samples)
            finally:
                sink.close()
        except (StoreError, RuleInvalidError) as error:
            raise UsageError(str(error), print_help=False) from None
        for platform, row_id, name, before, after in report.samples:
            print(f"{platform} {row_id} {name}: {before!r} -> {after!r}")
        for rule, count in report.by_rule.most_common():
            print(f"rule {rule.id} (version {rule.version}, {rule.kind}.{rule.field}, {rule.action}): {count} rows")
        print(f"{len(rules.rules)} rules (version {rules.version or 'none'}), {report.rows} rows: {report.changed} would change, ", end="")
        print(f"{report.rejected} would be rejected")
