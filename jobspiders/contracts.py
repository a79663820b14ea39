"""`scrapy check`: a contract that asks a platform for one search page, through the very middlewares of a crawl."""

from __future__ import annotations

from typing import Any

from scrapy.contracts import Contract
from scrapy.exceptions import ContractFail

from jobschema.messages import Keyword, Lease
from jobspiders.platforms.base import SearchQuery


class SearchContract(Contract):
    """`@ask TEXT CITY` asks for the first search page, wherever the settings say the platform is: it must bring a posting, or a call
    for the detail of one."""

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

    def post_process(self, output: list[Any]) -> None:
        if not output:
            raise ContractFail(f"a search for {' in '.join(self.args)} brought neither a posting nor a call for the detail of one")
