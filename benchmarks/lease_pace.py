"""One crawl of 51job, its keywords by argument or from Redis, and its pace: the pages after the first answer, per second.

`python -m benchmarks.lease_pace arguments|leases FOLDER TEXT,TEXT ...` prints pages, seconds, and the crawler's own CPU seconds as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from scrapy import signals
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.utils.project import get_project_settings

from benchmarks.lease_fleet import PAGES


def main() -> None:
    way, folder, texts = sys.argv[1:]
    settings = get_project_settings()
    settings.set("DATA_DIR", folder)
    process = AsyncCrawlerProcess(settings)
    crawler = process.create_crawler("qcwy")
    times: list[float] = []
    spent: list[float] = []
    ends: set[asyncio.Task[None]] = set()

    async def end_when_complete() -> None:
        while crawler.stats.get_value("keyword/complete", 0) < len(texts.split(",")):  # type: ignore[union-attr]
            await asyncio.sleep(0.05)
        crawler.spider.stop("finished")  # type: ignore[union-attr]

    def note(**_: Any) -> None:
        times.append(time.perf_counter())
        spent.append(time.process_time())

    def opened(**_: Any) -> None:
        if way == "leases":
            ends.add(asyncio.get_running_loop().create_task(end_when_complete()))

    crawler.signals.connect(note, signals.response_received)
    crawler.signals.connect(opened, signals.spider_opened)
    arguments = {"keywords": texts, "city": "全国", "pages": str(PAGES)} if way == "arguments" else {}
    process.crawl(crawler, details="0", companies="0", **arguments)
    process.start()
    figures = {"pages": len(times), "seconds": times[-1] - times[0], "cpu_seconds": spent[-1] - spent[0]}
    print(json.dumps({**figures, "complete": crawler.stats.get_value("keyword/complete")}))  # type: ignore[union-attr]


if __name__ == "__main__":
    main()
