"""On the way out, 745: choose the way to the network for this attempt. HttpProxyMiddleware (750) takes the credentials off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from jobspiders.session import session_of

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

    from jobspiders.pools.resting import RestingPool


class TunnelMiddleware:
    """Sets `meta["tunnel"]` (the entry's name) and, for a real tunnel, `meta["proxy"]`."""

    def __init__(self, tunnels: RestingPool) -> None:
        self.tunnels = tunnels

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(session_of(crawler).tunnels)

    async def process_request(self, request: Request) -> None:
        if "call" not in request.meta:
            return
        entry = await self.tunnels.take()
        request.meta["tunnel"] = entry.name
        if entry.secret:
            request.meta["proxy"] = entry.secret
