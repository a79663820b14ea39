"""Writes numbered batches to a chDB folder from a given number on, and prints each number once its batch is stored.

    python crash_writer.py DSN FIRST LAST

The same number always makes the same rows and the same token. Killed and started again by test_crash.py.
"""

import sys
from datetime import UTC, datetime, timedelta

from jobschema import Company, Job, PendingCompany, Platform
from jobstore import ClickHouseStore

ROWS = 150
START = datetime(2026, 3, 1, tzinfo=UTC)
PLATFORMS = tuple(Platform)


def make_batch(number: int) -> list[Job | Company | PendingCompany]:
    """Postings on all platforms, a tenth of them seen in the batch before too, and the companies they belong to."""
    platform = PLATFORMS[number % 3]
    at = START + timedelta(seconds=number)
    rows: list[Job | Company | PendingCompany] = []
    for n in range(number * ROWS - ROWS // 10, number * ROWS + ROWS):
        both = (platform, PLATFORMS[0])
        rows += [Job(platform=one, job_id=f"{n}", title=f"t{n}", crawled_at=at, content_hash=f"{n:032x}", raw="{}" * 500) for one in both]
    rows.append(Company(platform=platform, company_id=f"{number}", name="x", crawled_at=at, content_hash=f"{number:032x}", raw="{}"))
    rows.append(PendingCompany(platform=platform, company_id=f"p{number}", seen_at=at))
    return rows


def main(dsn: str, first: int, last: int) -> None:
    store = ClickHouseStore.open(dsn)
    store.ensure_schema()
    for number in range(first, last):
        store.write_rows(make_batch(number), f"crash:{number}")
        print(number, flush=True)
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
