"""On the way back, 585: what was this response really? Good ones go on to the callback with their reading; a ban never does.

The platform classifies and parses; this middleware lets tokens and tunnels rest, burns dead tokens, retries, and closes the
spider when the platform refuses everything.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

from scrapy.downloadermiddlewares.retry import get_retry_request

from jobschema import Verdict
from jobspiders import statkeys
from jobspiders.errors import RefusedError
from jobspiders.platforms.base import Answer, CallKind, Reading
from jobspiders.session import PlatformSession, session_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

logger = logging.getLogger(__name__)

RETRIED = frozenset({Verdict.SERVER_ERROR}) | {verdict for verdict in Verdict if verdict.is_block}

NEVER_GONE = frozenset({CallKind.SEARCH, CallKind.BATCH})  # a door that is not there is a fault; a posting may be gone


class VerdictMiddleware:
    """Reads every answer to a call; sets `meta["reading"]` on the good ones, and on all of those that belong to no run."""

    def __init__(self, crawler: Crawler, session: PlatformSession) -> None:
        settings = crawler.settings
        self.crawler = crawler
        self.session = session
        self.retry_times = settings.getint("VERDICT_RETRY_TIMES")
        self.block_limit = settings.getint("VERDICT_BLOCK_LIMIT")
        self.rest_scale = settings.getfloat("VERDICT_REST_SCALE")
        self.rests: Mapping[str, Mapping[str, float]] = settings.getdict("VERDICT_RESTS")
        self.blocks_in_a_row = 0

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler, session_of(crawler))

    async def process_response(self, request: Request, response: Response) -> Response | Request:
        call = request.meta.get("call")
        if call is None:
            return response
        headers = {name.decode("latin-1").lower(): b",".join(values).decode("latin-1") for name, values in response.headers.items()}
        reading = self.session.platform.read(call, Answer(response.status, headers, response.body))
        self._count(reading)
        if "run" not in request.meta:  # somebody looks (`scrapy shell`): show the block, pay for nothing, try nothing again
            request.meta["reading"] = reading
            request.meta["dont_cache"] = not reading.verdict.is_good
            return response
        for verdict, _reason in reading.inner:
            self._react(request, Reading(verdict=verdict))
        if reading.verdict.is_good and not (reading.verdict is Verdict.NOT_FOUND and call.kind in NEVER_GONE):
            return self._accept(request, response, reading)
        self._react(request, reading)
        return self._retry_or_refuse(request, reading)

    def _count(self, reading: Reading) -> None:
        stats = self.crawler.stats
        stats.inc_value(f"{statkeys.VERDICT_COUNT}/{reading.verdict}")
        for verdict, _reason in reading.inner:
            stats.inc_value(f"{statkeys.VERDICT_INNER_COUNT}/{verdict}")
        for reject in reading.rejects:
            stats.inc_value(f"{statkeys.ROWS_REJECTED}/{reject.reason}")

    def _accept(self, request: Request, response: Response, reading: Reading) -> Response:
        self.blocks_in_a_row = 0
        if "tunnel" in request.meta:  # an answer out of the HTTP cache cost neither
            self.session.tokens.praise(request.meta["token"])
            self.session.tunnels.praise(request.meta["tunnel"])
        if request.meta.get("blocked_times"):
            self.crawler.stats.inc_value(statkeys.VERDICT_SURVIVED, request.meta["blocked_times"])
        request.meta["reading"] = reading
        return response

    def _react(self, request: Request, reading: Reading) -> None:
        """Rest or burn what the verdict is about. The only place where a token or a tunnel pays for an answer."""
        verdict = reading.verdict
        if verdict is Verdict.TOKEN_INVALID:
            if self.session.tokens.burn(request.meta["token"], verdict):
                self.crawler.stats.inc_value(f"{statkeys.TOKEN_BURNT}/{verdict}")
                logger.warning("%s is burnt: %s (%s); %d left", request.meta["token"], verdict, reading.reason, len(self.session.tokens))
            return
        for noun, seconds in self.rests.get(verdict, {}).items():
            self._rest(noun, request, reading, seconds)

    def _rest(self, noun: str, request: Request, reading: Reading, seconds: float) -> None:
        pool = self.session.tokens if noun == "token" else self.session.tunnels
        asked = reading.retry_after
        ordered = pool.rest(
            request.meta[noun],
            reading.verdict,
            asked if asked is not None else seconds * self.rest_scale,
            sent_at=request.meta["sent_at"],
            exact=asked is not None,
        )
        if ordered:
            self.crawler.stats.inc_value(f"{statkeys.REST_COUNT}/{noun}/{reading.verdict}")
            logger.info("%s %s rests %.1f s: %s (%s)", noun, request.meta[noun], ordered, reading.verdict, reading.reason)

    def _retry_or_refuse(self, request: Request, reading: Reading) -> Request:
        if reading.verdict.is_block:
            self._count_block(request, reading)
        if reading.verdict in RETRIED and not self._is_giving_up():
            retry = get_retry_request(
                request,
                spider=self.crawler.spider,  # type: ignore[arg-type]  # there is one while requests are on their way
                reason=reading.verdict.value,
                max_retry_times=self.retry_times,
                stats_base_key=statkeys.VERDICT_RETRY,
            )
            if retry is not None:
                return retry
        self.crawler.stats.inc_value(f"{statkeys.VERDICT_REFUSED}/{reading.verdict}")
        raise RefusedError(f"{request.method} {request.url} ended in {reading.verdict}: {reading.reason}", reading)

    def _count_block(self, request: Request, reading: Reading) -> None:
        request.meta["blocked_times"] = request.meta.get("blocked_times", 0) + 1
        self.blocks_in_a_row += 1
        if self.blocks_in_a_row == self.block_limit:
            logger.error(
                "the platform refused %d requests in a row, the last one with %s (%s): closing as banned. "
                "Give other tokens or tunnels, or slow down (docs/troubleshooting.md#banned)",
                self.blocks_in_a_row,
                reading.verdict,
                reading.reason,
            )
            self.session.stop("banned")

    def _is_giving_up(self) -> bool:
        return self.blocks_in_a_row >= self.block_limit
