"""On the way out, 690: lend the request a token for this attempt. The request carries its name, never the token itself.

A request that nobody made a call of (`scrapy shell URL`, `scrapy fetch URL`) is recognised here, so that it is signed like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from jobspiders.session import session_of

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

    from jobspiders.session import PlatformSession


class TokenMiddleware:
    """Sets `meta["token"]` (the entry's name) and `meta["sent_at"]` (the pools' clock) on every call of a platform."""

    def __init__(self, session: PlatformSession) -> None:
        self.platform = session.platform
        self.tokens = session.tokens

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(session_of(crawler))

    async def process_request(self, request: Request) -> None:
        if "call" not in request.meta:
            call = self.platform.recognise(request.method, request.url, request.body)
            if call is None:
                return
            request.meta["call"] = call
        entry = await self.tokens.take()
        request.meta["token"] = entry.name
        request.meta["sent_at"] = self.tokens.now()
