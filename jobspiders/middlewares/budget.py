"""On the way out, 747: wait for this request's turn in the budget that all nodes share. On the way back: heed a named time."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Self

from scrapy.exceptions import NotConfigured

from jobspiders import statkeys
from jobspiders.pools.tunnels import DIRECT
from jobspiders.session import session_of

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from jobspiders.leases.budget import RequestBudget
    from jobspiders.session import PlatformSession

TOO_MANY = 429


class BudgetMiddleware:
    """Draws each attempt from the platform's and the exit's budget. Waits, too, while Redis is away: nobody can know then who asks what."""

    def __init__(self, crawler: Crawler, session: PlatformSession, budget: RequestBudget) -> None:
        self.stats = crawler.stats
        self.tokens = session.tokens
        self.budget = budget
        self.node = crawler.settings.get("NODE_NAME") or socket.gethostname()
        self.longest_pause = crawler.settings.getfloat("VERDICT_REST_LIMIT")

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        session = session_of(crawler)
        if session.budget is None:
            raise NotConfigured  # no Redis is named: the manners of this node are all there is
        return cls(crawler, session, session.budget)

    async def process_request(self, request: Request) -> None:
        if "tunnel" not in request.meta:
            return
        waited = await self.budget.take(self.name_exit(request))
        if waited:
            self.stats.inc_value(statkeys.BUDGET_WAITED, waited)  # type: ignore[arg-type]  # a float adds up as well
            request.meta["sent_at"] = self.tokens.now()  # an answer is judged by when it was asked for

    async def process_response(self, request: Request, response: Response) -> Response:
        seconds = read_pause(response)
        if seconds and "tunnel" in request.meta:
            self.stats.inc_value(statkeys.BUDGET_PAUSED)
            await self.budget.pause(self.name_exit(request), min(seconds, self.longest_pause))
        return response

    def name_exit(self, request: Request) -> str:
        """A tunnel is the same exit for every node; a node's own address is its own."""
        name: str = request.meta["tunnel"]
        return f"{self.node}/{name}" if name == DIRECT else name


def read_pause(response: Response) -> float:
    """The seconds of a 429's Retry-After; 0 where none is named."""
    named = (response.headers.get("Retry-After") or b"").decode("latin-1")
    return float(named) if response.status == TOO_MANY and named.isdigit() else 0.0
