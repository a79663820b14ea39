"""The yardstick: the smallest Scrapy spider that fetches the same search pages and writes dicts to a JSONL feed, default settings.

`python -m benchmarks.bare BASE_URL SIGN_KEY OUT PAGE_SIZE TEXT,TEXT CITY,CITY` prints pages, items and seconds as JSON.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlencode

import scrapy
from scrapy.crawler import AsyncCrawlerProcess

PATH = "/open/noauth/search-pc"


class BareSpider(scrapy.Spider):
    """51job's signed search: page 1 says how many there are, the rest follow."""

    name = "bare"

    def __init__(self, base_url: str, key: str, page_size: str, texts: str, cities: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.base_url, self.key, self.size = base_url, key, int(page_size)
        self.searches = [(text, city) for text in texts.split(",") for city in cities.split(",")]

    def ask(self, text: str, city: str, page: int) -> scrapy.Request:
        query = {
            "api_key": "51job",
            "timestamp": int(time.time()),
            "keyword": text,
            "searchType": 2,
            "jobArea": city,
            "sortType": 0,
            "pageNum": page,
            "pageSize": self.size,
            "source": 1,
        }
        target = f"{PATH}?{urlencode(query)}"
        sign = hmac.new(self.key.encode(), target.encode(), hashlib.sha256).hexdigest()
        return scrapy.Request(
            self.base_url + target, headers={"sign": sign, "From-Domain": "51job_web"}, cb_kwargs={"at": (text, city, page)}
        )

    async def start(self) -> AsyncIterator[scrapy.Request]:
        for text, city in self.searches:
            yield self.ask(text, city, 1)

    def parse(self, response: Any, at: tuple[str, str, int]) -> Iterator[Any]:
        job = response.json()["resultbody"]["job"]
        self.crawler.stats.inc_value("pages")
        yield from job["items"]
        text, city, page = at
        if page == 1:
            for following in range(2, -(-job["totalCount"] // self.size) + 1):
                yield self.ask(text, city, following)


def main() -> None:
    base_url, key, out, page_size, texts, cities = sys.argv[1:]
    process = AsyncCrawlerProcess({"FEEDS": {out: {"format": "jsonlines", "overwrite": True}}, "LOG_LEVEL": "INFO"})
    crawler = process.create_crawler(BareSpider)
    process.crawl(crawler, base_url=base_url, key=key, page_size=page_size, texts=texts, cities=cities)
    process.start()
    stats = crawler.stats.get_stats()
    print(json.dumps({"pages": stats["pages"], "items": stats["item_scraped_count"], "seconds": stats["elapsed_time_seconds"]}))


if __name__ == "__main__":
    main()
