"""What the demo shows at the end: how each platform's crawl went, what is stored, and what to type next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from jobspiders.outcome import ExitCode, Outcome

SHOWN = ("platform", "city", "title", "company_name", "salary_text", "month_low", "month_high", "experience_text", "education")
WIDTH = 150
STYLES = {ExitCode.COMPLETE: "green", ExitCode.BLOCKED: "red", ExitCode.PARTIAL: "yellow"}


@dataclass(frozen=True, slots=True)
class Check:
    """Stored ids against the sandbox's oracle, for one platform."""

    expected: int
    stored: int
    missing: int
    invented: int

    @property
    def words(self) -> str:
        if not self.missing and not self.invented:
            return f"all {self.expected}"
        return f"{self.missing} of {self.expected} missing, {self.invented} invented"


def open_console() -> Console:
    """The terminal as it is; a pipe or a file gets lines long enough for the tables."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)


def show_summary(console: Console, outcomes: Sequence[Outcome], checks: Mapping[str, Check]) -> None:
    """One row a platform: pages, jobs, companies, bans met and survived, rejected rows, rows/s, and the oracle's word."""
    table = Table(title="What was crawled", title_justify="left", title_style="bold")
    for name in ("platform", "ending", "pages", "jobs", "companies", "bans met", "survived", "rejected", "rows/s", "stored postings"):
        table.add_column(name, justify="left" if name in ("platform", "ending", "stored postings") else "right")
    for outcome in outcomes:
        table.add_row(
            outcome.platform,
            f"[{STYLES[outcome.exit_code]}]{outcome.words}[/]",
            *(str(n) for n in (outcome.pages, outcome.jobs, outcome.companies)),
            *(str(n) for n in (outcome.blocks_met, outcome.blocks_survived, outcome.rejected)),
            f"{outcome.rows_per_second:.0f}",
            checks[outcome.platform].words if outcome.platform in checks else "",
        )
    console.print(table)


def show_rows(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """The first rows of job_analytics, the columns that people look at."""
    table = Table(title="job_analytics, first rows", title_justify="left", title_style="bold")
    for name in SHOWN:
        table.add_column(name, overflow="ellipsis", no_wrap=True, max_width=20, min_width=8)
    for row in rows:
        table.add_row(*(_shown(row[name]) for name in SHOWN))
    console.print(table)


def show_next(console: Console, picture: Path, folder: Path) -> None:
    """Where the picture is, and the next two commands."""
    console.print(f"Picture:  {picture}", soft_wrap=True)
    console.print(f"Rows:     {folder} (ClickHouse, in process)", soft_wrap=True)
    console.print("\nNext, type:", style="bold")
    question = "SELECT platform, city, count() AS jobs, round(median(month_low)) AS low, round(median(month_high)) AS high "
    question += "FROM job_analytics GROUP BY platform, city ORDER BY jobs DESC LIMIT 12"
    for command in (
        f'scrapy sql --folder {folder} "{question}"',
        "scrapy crawl qcwy -a keywords=Python -a city=北京 -a pages=2 -O jobs.jsonl   # the real platform, with your QCWY_SIGN_KEY",
    ):
        console.print(f"  .venv/bin/{command}", soft_wrap=True, highlight=False, markup=False)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if isinstance(value, float) else str(value)
