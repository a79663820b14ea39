"""`scrapy demo`: the sandbox, three spiders at once, a real ClickHouse engine, and what came of it, in under a minute.

Nothing but loopback and the folder is touched; run again on the same folder, it adds no duplicate.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from jobschema import Platform

if TYPE_CHECKING:
    from jobspiders.demo.summary import Check
    from jobspiders.demo.world import Errand
    from jobspiders.outcome import Outcome
    from sandbox.process import SandboxProcess

SIZE = 4000  # made-up postings per platform
SEED = 7


class Command(ScrapyCommand):
    """Exit code: 0 complete, 3 when a platform blocked its spider for good, 4 when something is missing."""

    requires_project = True

    def syntax(self) -> str:
        return "[options]"

    def short_desc(self) -> str:
        return "Crawl three fake platforms and show what is stored; no network, no server"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--catalogue", metavar="DIR", help="serve captured postings from this folder instead of made-up ones")
        parser.add_argument("--folder", metavar="DIR", help="where rows and picture go (default DATA_DIR/demo, or DATA_DIR/demo-catalogue)")
        parser.add_argument("--size", type=int, default=SIZE, help=f"made-up postings per platform (default {SIZE})")
        parser.add_argument(
            "--control", action="store_true", help="with a control plane: keywords and tokens from it, rows through its door"
        )
        parser.add_argument("--seed", type=int, default=SEED, help=f"of the made-up postings and of the trouble (default {SEED})")
        parser.add_argument(
            "--ban", metavar="PLATFORM", choices=list(Platform), help="let this platform refuse everything, to see how that ends"
        )

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        if args:
            raise UsageError(f"scrapy demo takes no argument, only options; {args[0]!r} is none", print_help=False)
        if opts.catalogue and not Path(opts.catalogue).is_dir():
            raise UsageError(
                f"--catalogue {opts.catalogue!r} is no folder. Give one with captured responses, or leave it out", print_help=False
            )
        assert self.settings is not None
        name = "demo-catalogue" if opts.catalogue else "demo"
        self.folder = Path(opts.folder) if opts.folder else Path(self.settings["DATA_DIR"]) / name
        self.rows_folder = self.folder / "clickhouse"
        self.settings.set("DATA_DIR", str(self.folder.resolve()), priority="cmdline")
        self.settings.set("CLICKHOUSE_DSN", "", priority="cmdline")
        self.settings.set("LOG_LEVEL", opts.loglevel or "WARNING", priority="cmdline")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:  # noqa: ARG002 (Scrapy's signature)
        # Scrapy imports every command before any: what only the demo needs is loaded here.
        from jobspiders.demo.summary import open_console
        from jobspiders.demo.world import TROUBLE, choose_errands, point_settings
        from sandbox.process import SandboxProcess

        assert self.settings is not None
        console = open_console()
        show_progress()
        started = time.monotonic()
        switches = {platform.value: dict(trouble) for platform, trouble in TROUBLE.items()}
        if opts.ban:
            switches[opts.ban].update(ban_trigger="always")
        size = None if opts.catalogue else opts.size
        with SandboxProcess(size=size, seed=opts.seed, catalogue=opts.catalogue, switches=switches) as sandbox:
            errands = choose_errands(sandbox.keywords())
            for name, value in point_settings(sandbox.base_url, sandbox.secrets).items():
                self.settings.set(name, value, priority="cmdline")
            announce(console, sandbox, errands)
            outcomes = self.crawl_under_control(console, errands, sandbox.secrets) if opts.control else self.crawl(errands)
            truth = {errand.platform.value: sandbox.oracle(errand.keywords)["keywords"] for errand in errands}
        self.show(console, outcomes, truth)
        console.print(f"\nDone in {time.monotonic() - started:.0f} s.")
        self.exitcode = max((outcome.exit_code for outcome in outcomes), key=lambda code: (code != 0, -code))

    def crawl_under_control(self, console: Any, errands: Sequence[Errand], secrets: Mapping[str, Any]) -> list[Outcome]:
        """The same crawl as a node that holds one credential: no keyword, no token, no store of its own."""
        from jobspiders.demo.control import ControlPlane
        from jobspiders.platforms import build_platform
        from jobspiders.secret import Secret

        assert self.settings is not None
        with ControlPlane(self.folder.resolve() / "control") as plane:
            platforms = {errand.platform: build_platform(errand.platform, self.settings) for errand in errands}
            codes = {errand.platform: [platforms[errand.platform].city_code(city) for city in errand.cities] for errand in errands}
            settings = {**plane.prepare(errands, codes, secrets["boss_tokens"]), "BOSS_TOKENS": Secret("")}
            for name, value in settings.items():
                self.settings.set(name, value, priority="cmdline")
            console.print(
                f"A control plane on {plane.url} gives {plane.keywords} keywords; its /docs shows runs and rows.", highlight=False
            )
            outcomes = self.crawl(errands, is_controlled=True)
            plane.catch_up()
        self.rows_folder = plane.folder / "clickhouse"
        self.settings.set("CLICKHOUSE_DSN", f"chdb://{self.rows_folder}", priority="cmdline")
        return outcomes

    def crawl(self, errands: Sequence[Errand], *, is_controlled: bool = False) -> list[Outcome]:
        from jobspiders.outcome import read_outcome

        assert self.crawler_process is not None
        crawlers = []
        for errand in errands:
            crawler = self.crawler_process.create_crawler(errand.platform.value)
            self.crawler_process.crawl(crawler, **({} if is_controlled else errand.arguments))
            crawlers.append(crawler)
        self.crawler_process.start()
        return [read_outcome(errand.platform, crawler.stats.get_stats()) for errand, crawler in zip(errands, crawlers, strict=True)]

    def show(self, console: Any, outcomes: Sequence[Outcome], truth: Mapping[str, Any]) -> None:
        from jobspiders.demo.picture import draw_salaries
        from jobspiders.demo.stored import StoredDemo
        from jobspiders.demo.summary import show_next, show_rows, show_summary

        assert self.settings is not None
        with StoredDemo(self.settings) as stored:
            checks: dict[str, Check] = {platform: stored.check(platform, keywords) for platform, keywords in truth.items()}
            console.print()
            show_summary(console, outcomes, checks)
            show_rows(console, stored.first_rows())
            picture = draw_salaries(stored.salaries(), self.folder / "salaries.svg")
        show_next(console, picture, self.rows_folder)


def show_progress() -> None:
    """Progress lines as they are, whatever level the rest of the log has."""
    logger = logging.getLogger("jobspiders.extensions.progress")
    logger.addHandler(logging.StreamHandler())
    logger.setLevel(logging.INFO)
    logger.propagate = False


def announce(console: Any, sandbox: SandboxProcess, errands: Sequence[Errand]) -> None:
    counts = ", ".join(f"{platform} {rows['jobs']:,}" for platform, rows in sandbox.catalogue.items())
    console.print(f"A fake world on {sandbox.base_url} holds {counts} postings.", highlight=False)
    for errand in errands:
        console.print(
            f"  {errand.platform:8} searches {', '.join(errand.texts)} in {', '.join(errand.cities)}", highlight=False, soft_wrap=True
        )
