"""How a crawl ended, read from its stats: the one place that tells "0 jobs" from "blocked", in words and as an exit code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from jobschema import Platform, Verdict
from jobspiders import statkeys


class ExitCode(IntEnum):
    """What `scrapy crawl` and `scrapy demo` exit with; 1 and 2 are Scrapy's own (start-up failure, usage)."""

    COMPLETE = 0
    BLOCKED = 3  # the platform refused requests for good
    PARTIAL = 4  # something is missing for another reason


SOUND_ENDINGS = frozenset({"finished", "closespider_itemcount", "closespider_pagecount", "closespider_timeout", "drained"})
BLOCKED_ENDINGS = frozenset({"banned", "tokens_exhausted", "tunnels_exhausted"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """One platform's crawl in figures."""

    platform: Platform
    finish_reason: str
    seconds: float
    pages: int
    jobs: int
    companies: int
    keywords: int
    keywords_complete: int
    blocks_met: int
    blocks_survived: int
    refused: Mapping[str, int]  # verdict -> requests given up
    verdicts: Mapping[str, int]
    rejected: int

    @property
    def blocks(self) -> dict[str, int]:
        """Requests given up for a block, by verdict."""
        return {verdict: count for verdict, count in self.refused.items() if Verdict(verdict).is_block}

    @property
    def exit_code(self) -> ExitCode:
        if self.blocks or self.finish_reason in BLOCKED_ENDINGS:
            return ExitCode.BLOCKED
        if self.finish_reason not in SOUND_ENDINGS or self.keywords_complete < self.keywords:
            return ExitCode.PARTIAL
        return ExitCode.COMPLETE

    @property
    def words(self) -> str:
        """The ending in a few words: complete, no jobs, blocked (why), partial (why)."""
        if self.exit_code is ExitCode.BLOCKED:
            worst = max(self.blocks or self._met(), key=lambda verdict: (self.blocks or self._met())[verdict], default=self.finish_reason)
            return f"blocked: {worst}"
        if self.exit_code is ExitCode.PARTIAL:
            causes = ", ".join(self.refused) or self.finish_reason
            return f"partial: {self.keywords_complete} of {self.keywords} keywords ({causes})"
        return "complete" if self.jobs else "complete, no jobs"

    @property
    def rows_per_second(self) -> float:
        return (self.jobs + self.companies) / self.seconds if self.seconds else 0.0

    def _met(self) -> dict[str, int]:
        return {verdict: count for verdict, count in self.verdicts.items() if Verdict(verdict).is_block}


def read_outcome(platform: Platform, stats: Mapping[str, Any]) -> Outcome:
    """Read an outcome from a crawler's stats; keys that were never set count as 0."""
    verdicts = branch(stats, statkeys.VERDICT_COUNT)
    return Outcome(
        platform=platform,
        finish_reason=stats.get("finish_reason", "running"),
        seconds=stats.get("elapsed_time_seconds", 0.0),
        pages=stats.get(statkeys.SEARCH_PAGES, 0),
        jobs=stats.get(statkeys.ROWS_JOB, 0),
        companies=stats.get(statkeys.ROWS_COMPANY, 0),
        keywords=stats.get(statkeys.KEYWORD_OPENED, 0),
        keywords_complete=stats.get(statkeys.KEYWORD_COMPLETE, 0),
        blocks_met=sum(count for verdict, count in verdicts.items() if Verdict(verdict).is_block),
        blocks_survived=stats.get(statkeys.VERDICT_SURVIVED, 0),
        refused=branch(stats, statkeys.VERDICT_REFUSED),
        verdicts=verdicts,
        rejected=sum(branch(stats, statkeys.ROWS_REJECTED).values()),
    )


def branch(stats: Mapping[str, Any], key: str) -> dict[str, int]:
    """The counts below a key: `branch(stats, "verdict/count")["ok"]`."""
    prefix = f"{key}/"
    return {name.removeprefix(prefix): count for name, count in stats.items() if name.startswith(prefix)}
