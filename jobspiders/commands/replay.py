"""`scrapy replay PLATFORM KIND FILE|-`: what would a crawl have made of this saved response body? Prints JSON lines."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from jobschema import Platform, Verdict
from jobspiders.platforms import build_reader, replay_call
from jobspiders.platforms.base import Answer, CallKind, Reading


class Command(ScrapyCommand):
    """Exit code 0 only when the verdict is ok or empty; 4 otherwise, 2 for wrong usage."""

    requires_project = True
    requires_crawler_process = False

    def syntax(self) -> str:
        return "[options] <platform> <kind> <file|->"

    def short_desc(self) -> str:
        return "Print the verdict and the rows of a saved response body"

    def long_desc(self) -> str:
        return (
            "Reads a response body from a file or standard input (-) and prints, as JSON lines, the verdict, the normalised rows and what "
            f"was rejected and why. Platforms: {', '.join(Platform)}. Kinds: {', '.join(CallKind)}."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--status", type=int, default=200, help="HTTP status of the saved response (default 200)")
        parser.add_argument("--content-type", default="application/json", help="its Content-Type (default application/json)")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 3:
            raise UsageError("give a platform, a kind and a file, as in: scrapy replay qcwy search page.json")
        assert self.settings is not None
        platform = _choose(Platform, args[0], "platform")
        kind = _choose(CallKind, args[1], "kind")
        answer = Answer(opts.status, {"content-type": opts.content_type}, _read(args[2]))
        reading = build_reader(platform, self.settings).read(replay_call(kind), answer)
        mask = self.settings.getbool("CONTACT_MASKING_ENABLED")
        with suppress(BrokenPipeError):  # `| head` has seen enough
            for line in describe(platform, reading, mask):
                print(json.dumps(line, ensure_ascii=False, default=str), flush=True)
        self.exitcode = 0 if reading.verdict in (Verdict.OK, Verdict.EMPTY) else 4


def describe(platform: Platform, reading: Reading, mask: bool) -> Iterator[dict[str, Any]]:
    """The reading as one dict a line: first the verdict with its counts, then every row, then every reject."""
    from jobspiders.normalise.rows import normalise_company, normalise_job

    now = datetime.now(UTC)
    yield {
        "verdict": reading.verdict,
        "reason": reading.reason,
        "items": reading.items,
        "jobs": len(reading.jobs),
        "companies": len(reading.companies),
        "rejected": len(reading.rejects),
        "ads": reading.ads,
        "total": reading.total,
        "has_more": reading.has_more,
        "capped": reading.capped,
        "inner": [{"verdict": verdict, "reason": reason} for verdict, reason in reading.inner],
    }
    for job in reading.jobs:
        yield {"job": asdict(normalise_job(job, platform=platform, keyword="", crawled_at=now, mask=mask))}
    for company in reading.companies:
        yield {"company": asdict(normalise_company(company, platform=platform, crawled_at=now, mask=mask))}
    for reject in reading.rejects:
        yield {"rejected": asdict(reject)}


def _choose(choices: Any, value: str, noun: str) -> Any:
    try:
        return choices(value)
    except ValueError:
        raise UsageError(f"{noun} {value!r} is not known; valid are {', '.join(choices)}", print_help=False) from None


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read {name!r}: {error.strerror}. Give a file with a response body, or - for standard input", print_help=False
        ) from None
