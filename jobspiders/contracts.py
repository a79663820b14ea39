"""`scrapy check`: a contract that asks a platform for one search page, through the very middlewares of a crawl."""

from __future__ import annotations

from typing import Any

from scrapy.contracts import Contract

from jobschema.messages import Keyword, Lease
from jobspiders.platforms.base import SearchQuery


class SearchContract(Contract):
    """`@ask TEXT CITY` builds the request of the first search page; the spider's own settings say where the platform is."""

    name = "ask"

    def adjust_request_args(self, args: dict[str, Any]) -> dict[str, Any]:
        spider = args["callback"].__self__
        text, city = self.args
        code = spider.platform.city_code(city)
        call = spider.platform.search(SearchQuery(text, code))
        run = spider.ledger.begin(Lease("check", Keyword(spider.platform_name, text, code, depth=1)))
        spider.ledger.opened(run)
        args.update(url=call.url, method=call.method, headers=dict(call.headers), body=call.body, meta={"call": call, "run": run})
        return args
