"""Questions that the summary, the tests and the control plane ask of the ClickHouse store: all SQL that reads it is here."""

# ruff: noqa: S608 - the names put into SQL are ours; values travel as parameters
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from jobschema.enums import Platform
from jobstore.connection import Parameters
from jobstore.tables import SCHEMA
from jobstore.views import OPEN_PENDING_VIEW, build_views


class Readable(Protocol):
    """What answers queries: a `ClickHouseStore`."""

    def read(self, query: str, parameters: Parameters | None = None) -> list[dict[str, Any]]:
        """The rows of a query, each as column name -> value."""
        ...


@dataclass(frozen=True, slots=True)
class SalaryQuartiles:
    """The spread of the middle of the salary range, CNY a month, over the postings of one platform in one city."""

    platform: Platform
    city: str
    jobs: int
    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Sightings:
    """When a posting was seen."""

    first_seen: datetime
    last_seen: datetime
    times_seen: int
    versions: int


def job_counts(store: Readable) -> dict[Platform, int]:
    """How many different postings are stored, by platform (0 when none)."""
    return _count_ids(store, "job")


def company_counts(store: Readable) -> dict[Platform, int]:
    """How many different companies are stored, by platform (0 when none)."""
    return _count_ids(store, "company")


def table_counts(store: Readable) -> dict[str, int]:
    """Rows of every table: versions and sightings may count double until the engine merges them."""
    query = " UNION ALL ".join(f"SELECT '{table.name}' AS name, count() AS rows FROM {table.name}" for table in SCHEMA.tables)
    found = {row["name"]: row["rows"] for row in store.read(query)}
    return {table.name: found[table.name] for table in SCHEMA.tables}


def job_ids(store: Readable, platform: str) -> set[str]:
    """The ids of all stored postings of a platform."""
    return _ids(store, Platform(platform), "job")


def company_ids(store: Readable, platform: str) -> set[str]:
    """The ids of all stored companies of a platform."""
    return _ids(store, Platform(platform), "company")


def pending_company_ids(store: Readable, platform: str) -> set[str]:
    """The ids of the companies of a platform that were seen in postings and are not stored yet."""
    query = f"SELECT company_id FROM {OPEN_PENDING_VIEW} WHERE platform = {{platform:String}}"
    return {row["company_id"] for row in store.read(query, {"platform": str(Platform(platform))})}


def salary_quartiles(store: Readable, cities: Sequence[str] = (), least: int = 1) -> list[SalaryQuartiles]:
    """The spread of salaries by platform and city, most postings first; `cities` limits them, `least` is the fewest postings of a line."""
    query = """
        SELECT platform, city, count() AS jobs, quantilesExact(0.25, 0.5, 0.75)((month_low + month_high) / 2) AS found
        FROM job_analytics
        WHERE isNotNull(month_low) AND isNotNull(month_high) AND (empty({cities:Array(String)}) OR has({cities:Array(String)}, city))
        GROUP BY platform, city HAVING jobs >= {least:UInt64}
        ORDER BY jobs DESC, city, platform
    """
    rows = store.read(query, {"cities": list(cities), "least": least})
    return [SalaryQuartiles(Platform(row["platform"]), row["city"], row["jobs"], *row["found"]) for row in rows]


_ANALYTICS_COLUMNS = frozenset(column.name for view in build_views(SCHEMA) if view.name == "job_analytics" for column in view.columns)
FIRST_COLUMNS = ("platform", "job_id", "title", "company_name", "city", "salary_text", "month_low", "month_high", "education", "last_seen")


def first_rows(store: Readable, count: int = 10, columns: Sequence[str] = FIRST_COLUMNS) -> list[dict[str, Any]]:
    """Some rows of `job_analytics`, as many of each platform as there are up to `count` in all; `columns` are columns of it."""
    unknown = [name for name in columns if name not in _ANALYTICS_COLUMNS]
    if unknown:
        raise ValueError(f"job_analytics has no column {', '.join(unknown)}; it has {', '.join(sorted(_ANALYTICS_COLUMNS))}")
    chosen = ", ".join(columns)
    each = -(-count // len(Platform))
    query = f"SELECT {chosen} FROM job_analytics ORDER BY platform, job_id LIMIT {{each:UInt64}} BY platform LIMIT {{count:UInt64}}"
    return store.read(query, {"each": each, "count": count})


def job_sightings(store: Readable, platform: str, job_id: str) -> Sightings | None:
    """When one posting was seen; None when it is not stored."""
    query = f"SELECT first_seen, last_seen, times_seen, versions FROM {Platform(platform)}_job_latest WHERE job_id = {{job_id:String}}"
    rows = store.read(query, {"job_id": job_id})
    return Sightings(**rows[0]) if rows else None


def _count_ids(store: Readable, noun: str) -> dict[Platform, int]:
    query = " UNION ALL ".join(
        f"SELECT '{platform}' AS platform, uniqExact({noun}_id) AS things FROM {platform}_{noun}" for platform in Platform
    )
    found = {row["platform"]: row["things"] for row in store.read(query)}
    return {platform: found[platform] for platform in Platform}


def _ids(store: Readable, platform: Platform, noun: str) -> set[str]:
    return {row["id"] for row in store.read(f"SELECT DISTINCT {noun}_id AS id FROM {platform}_{noun}")}
