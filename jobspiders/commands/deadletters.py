"""`scrapy deadletters list|retry|drop`: the rows that a store refused, with the reason; what to send again, what to let go."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

if TYPE_CHECKING:
    from jobstore.deadletters import DeadLetter

VERBS = ("list", "retry", "drop")


class Command(ScrapyCommand):
    """`retry` puts rows back into the spool: the next crawl on this machine sends them."""

    requires_project = True
    requires_crawler_process = False

    def syntax(self) -> str:
        return "list | retry | drop [options]"

    def short_desc(self) -> str:
        return "Show, send again or drop the rows that a store refused"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--sink", help="only those of this sink (clickhouse, mysql, ingest, enrichment)")
        parser.add_argument("--key", help="only the one with this key, as `list --json` shows it")
        parser.add_argument("--json", action="store_true", help="list whole letters, one JSON object a line")
        parser.add_argument("--yes", action="store_true", help="drop for good")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1 or args[0] not in VERBS:
            raise UsageError(f"give one of {', '.join(VERBS)}; {' '.join(args) or 'nothing'} was given", print_help=False)
        if args[0] == "drop" and not opts.yes:
            raise UsageError("drop throws rows away for good: look at `scrapy deadletters list`, then add --yes", print_help=False)
        # Scrapy imports every command before any: what only this one needs is loaded here.
        from jobspiders.pipelines.outlet import spool_folder
        from jobstore.errors import StoreError

        assert self.settings is not None
        try:
            self.do(args[0], spool_folder(self.settings["DATA_DIR"]), opts)
        except StoreError as error:
            raise UsageError(str(error), print_help=False) from None

    def do(self, verb: str, folder: Path, opts: argparse.Namespace) -> None:
        from jobstore.deadletters import DeadLetters

        def is_wanted(letter: DeadLetter) -> bool:
            is_retried = verb != "retry" or letter.to_row() is not None
            return is_retried and opts.sink in (None, letter.sink) and opts.key in (None, letter.key)

        letters = DeadLetters(folder)
        if verb == "list":
            show([letter for letter in letters.read() if is_wanted(letter)], whole=opts.json)
        elif verb == "drop":
            print(f"{len(letters.take(is_wanted, lambda _taken: None))} rows dropped")
        else:
            taken = letters.take(is_wanted, lambda wanted: put_back(wanted, folder))
            print(f"{len(taken)} rows wait in the spool; the next crawl on this machine sends them")


def show(letters: list[DeadLetter], *, whole: bool) -> None:
    from dataclasses import asdict

    if whole:
        for letter in letters:
            print(json.dumps(asdict(letter), ensure_ascii=True))
        return
    for letter in letters:
        print(f"{letter.at}  {letter.sink:<10}  {letter.kind:<8}  {ascii(letter.reason)[1:-1][:200]}")
    print(f"{len(letters)} dead letters")


def put_back(letters: list[DeadLetter], folder: Path) -> None:
    """One batch for each sink, whose token is made of the letters: put back twice by a crash, they are sent once."""
    from jobstore.spool import Spool
    from jobstore.spool_rows import pack_rows

    if not letters:
        return
    spool = Spool.create(folder)
    try:
        for sink in sorted({letter.sink for letter in letters}):
            own = [letter for letter in letters if letter.sink == sink]
            identity = hashlib.blake2b("\n".join(letter.key for letter in own).encode(), digest_size=16).hexdigest()
            rows = [row for letter in own if (row := letter.to_row()) is not None]
            spool.put(f"retry.{identity}:spool:0", pack_rows(rows), [sink])
    finally:
        spool.close()
