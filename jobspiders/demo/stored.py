"""What the demo stored: asked of the store itself after the spiders closed it, and compared with the sandbox's oracle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from jobspiders.demo.summary import Check
from jobspiders.pipelines.clickhouse import store_dsn
from jobstore.clickhouse import ClickHouseStore

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings


class StoredDemo:
    """The demo's store, open for reading. Use as a context manager."""

    def __init__(self, settings: BaseSettings) -> None:
        self.dsn = store_dsn(settings)

    def __enter__(self) -> Self:
        self.store = ClickHouseStore.open(self.dsn)
        return self

    def __exit__(self, *_exc: object) -> None:
        self.store.close()

    def first_rows(self, count: int = 9) -> list[dict[str, Any]]:
        """A few rows of each platform."""
        query = "SELECT * FROM job_analytics ORDER BY month_high IS NULL, job_id LIMIT {each:UInt32} BY platform LIMIT {count:UInt32}"
        return self.store.read(query, {"each": count // 3, "count": count})

    def salaries(self) -> Iterable[tuple[str, str, float]]:
        """(platform, city, CNY per month, the middle of the stated range) of every posting that states one."""
        rows = self.store.read(
            "SELECT platform, city, (month_low + month_high) / 2 AS salary FROM job_analytics "
            "WHERE month_low IS NOT NULL AND month_high IS NOT NULL AND employment = 'full_time' OR employment IS NULL AND month_low > 2000"
        )
        return [(row["platform"], row["city"], row["salary"]) for row in rows if row["salary"] is not None]

    def check(self, platform: str, keywords: Sequence[Mapping[str, Any]]) -> Check:
        """Stored postings against the ids that the oracle says these keywords must yield."""
        expected = {job_id for keyword in keywords for job_id in keyword["jobs"]}
        rows = self.store.read("SELECT DISTINCT job_id FROM job_analytics WHERE platform = {platform:String}", {"platform": platform})
        stored = {row["job_id"] for row in rows}
        return Check(len(expected), len(stored), len(expected - stored), len(stored - expected))
