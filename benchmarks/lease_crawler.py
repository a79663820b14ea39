"""A node of the fleet benchmark: the real spiders of several platforms in one process, keywords from Redis. To be killed.

python -m benchmarks.lease_crawler boss qcwy zhilian
"""

from __future__ import annotations

import sys

from scrapy.crawler import AsyncCrawlerProcess
from scrapy.utils.project import get_project_settings


def main() -> None:
    process = AsyncCrawlerProcess(get_project_settings())
    for name in sys.argv[1:]:
        process.crawl(name, details="0", companies="0")
    process.start()


if __name__ == "__main__":
    main()
