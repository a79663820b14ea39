"""The product: the qcwy spider with everything on (token, tunnel, signing, verdict, normalise, ClickHouse) over the same pages.

`python -m benchmarks.full FOLDER TEXT,TEXT CITY,CITY` takes addresses and keys from the environment, as `scrapy crawl` does, and
prints pages, items and seconds as JSON. `-O` feed on top: BENCH_FEED=FILE.
"""

from __future__ import annotations

import json
import os
import sys

from scrapy.crawler import AsyncCrawlerProcess
from scrapy.utils.project import get_project_settings


def main() -> None:
    folder, texts, cities = sys.argv[1:]
    settings = get_project_settings()
    settings.set("DATA_DIR", folder)
    settings.set("CONCURRENT_REQUESTS", 16)  # Scrapy's own default, as the yardstick has it
    settings.set("CONCURRENT_REQUESTS_PER_DOMAIN", 8)
    if os.environ.get("BENCH_FEED"):
        settings.set("FEEDS", {os.environ["BENCH_FEED"]: {"format": "jsonlines", "overwrite": True}})
    process = AsyncCrawlerProcess(settings)
    crawler = process.create_crawler("qcwy")
    process.crawl(crawler, keywords=texts, city=cities)
    process.start()
    stats = crawler.stats.get_stats()
    print(json.dumps({"pages": stats["search/pages"], "items": stats["rows/job"], "seconds": stats["elapsed_time_seconds"]}))


if __name__ == "__main__":
    main()
