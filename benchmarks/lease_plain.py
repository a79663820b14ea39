"""The yardstick of the kill benchmark: a spider on plain scrapy-redis that fetches the same 51job search pages. To be killed.

`python -m benchmarks.lease_plain FOLDER BASE_URL SIGN_KEY` reads REDIS_URL. Each page is written out at once,
which is kinder to it than a feed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import scrapy
from scrapy.crawler import AsyncCrawlerProcess
from scrapy_redis.spiders import RedisSpider

from benchmarks.lease_fleet import PAGE_SIZE, PAGES

PATH = "/open/noauth/search-pc"
REDIS_KEY = "plain:keywords"


class PlainSpider(RedisSpider):  # type: ignore[misc]  # scrapy-redis has no types
    """A message is `{"text": ..., "city": ...}`; page 1 is asked first, each page asks for the next."""

    name = "plain"
    redis_key = REDIS_KEY

    def __init__(self, folder: str, base_url: str, key: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pages = Path(folder, "pages.jsonl").open("a", encoding="utf-8", buffering=1)  # noqa: SIM115  # open until the kill
        self.base_url, self.key = base_url, key

    def make_request_from_data(self, data: Any) -> scrapy.Request:
        message = json.loads(data)
        return self.ask(message["text"], message["city"], 1)

    def ask(self, text: str, city: str, page: int) -> scrapy.Request:
        query = {"api_key": "51job", "timestamp": int(time.time()), "keyword": text, "searchType": 2, "jobArea": city}
        target = f"{PATH}?{urlencode({**query, 'sortType': 0, 'pageNum': page, 'pageSize': PAGE_SIZE, 'source': 1})}"
        sign = hmac.new(self.key.encode(), target.encode(), hashlib.sha256).hexdigest()
        headers = {"sign": sign, "From-Domain": "51job_web"}
        return scrapy.Request(self.base_url + target, headers=headers, cb_kwargs={"at": (text, city, page)})

    def parse(self, response: Any, at: tuple[str, str, int]) -> Iterator[scrapy.Request]:
        text, city, page = at
        ids = [item["jobId"] for item in response.json()["resultbody"]["job"]["items"]]
        self.pages.write(json.dumps({"text": text, "page": page, "ids": ids}) + "\n")
        if page < PAGES:
            yield self.ask(text, city, page + 1)


def main() -> None:
    folder, base_url, key = sys.argv[1:]
    process = AsyncCrawlerProcess({"REDIS_URL": os.environ["REDIS_URL"], "LOG_LEVEL": "WARNING", "TELNETCONSOLE_ENABLED": False})
    process.crawl(PlainSpider, folder=folder, base_url=base_url, key=key)
    process.start()


if __name__ == "__main__":
    main()
