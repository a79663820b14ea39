"""On the way out, 690: lend the request a token for this attempt. The request carries its name, never the token itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from jobspiders.session import session_of

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

    from jobspiders.pools.resting import RestingPool


class TokenMiddleware:
    """Sets `meta["token"]` (the entry's name) and `meta["sent_at"]` (the pools' clock) on every call of a platform."""

    def __init__(self, tokens: RestingPool) -> None:
        self.tokens = tokens

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(session_of(crawler).tokens)

    async def process_request(self, request: Request) -> None:
        if "call" not in request.meta:
            return
        entry = await self.tokens.take()
        request.meta["token"] = entry.name
        request.meta["sent_at"] = self.tokens.now()
