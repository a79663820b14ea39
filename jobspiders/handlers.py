"""The last step out: sign the request for this one attempt, over the bytes really sent, and hand it to Scrapy's own handler.

Everything before this point (duplicate filter, HTTP cache, retries, logs) sees the unsigned request, and a retry or a redirect is
signed afresh because it passes here again. docs/decisions/0001-signing-in-the-download-handler.md says why it is not a middleware.
"""

from __future__ import annotations

import time
from dataclasses import replace
from random import SystemRandom
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode, urlsplit

from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.exceptions import NotConfigured
from scrapy.http import Headers, Request
from scrapy.utils.misc import build_from_crawler, load_object

from jobspiders.platforms.base import Call, SignedCall, SigningContext
from jobspiders.session import PlatformSession, session_of
from jobspiders.signers.signature import ScriptSignature, signing_request

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response


class SigningDownloadHandler(BaseDownloadHandler):
    """Wraps the handler that SIGNING_HANDLER names. Requests without `meta["call"]` pass unsigned."""

    lazy = True

    def __init__(self, crawler: Crawler, session: PlatformSession | None) -> None:
        super().__init__(crawler)
        self.session = session
        self.random = SystemRandom()
        self.inner: BaseDownloadHandler = build_from_crawler(load_object(crawler.settings["SIGNING_HANDLER"]), crawler)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        try:
            session = session_of(crawler)
        except NotConfigured:
            session = None
        return cls(crawler, session)

    async def download_request(self, request: Request) -> Response:
        call = request.meta.get("call")
        if call is None or self.session is None or not _is_same_host(request.url, call.url):
            return await self.inner.download_request(request)
        signed = await self._sign(call, request, self.session)
        try:
            response = await self.inner.download_request(_on_the_wire(request, signed))
        except Exception as error:  # noqa: BLE001 - whatever it is, it goes on, without the signed URL
            raise _unsigned(error, signed.url, request.url) from None
        return response.replace(url=request.url) if response.url != request.url else response

    async def _sign(self, call: Call, request: Request, session: PlatformSession) -> SignedCall:
        """Sign what is asked for now: after a redirect the URL is no longer the call's."""
        now = time.time()
        token = session.tokens.secret_of(request.meta["token"])
        asked = replace(call, url=request.url, method=request.method, body=request.body)
        signed = session.platform.sign(asked, SigningContext(now=now, random=self.random, token=token))
        if session.script is None:
            return signed
        request_to_sign = signing_request(
            signed.method,
            signed.url,
            signed.body,
            signed.headers,
            timestamp=int(now * 1000),
            nonce=f"{self.random.getrandbits(64):016x}",
            secret=session.script_secret,
        )
        return _with_script(signed, await session.script.sign(request_to_sign))

    async def close(self) -> None:
        await self.inner.close()
        if self.session is not None and self.session.script is not None:
            await self.session.script.close()


def _is_same_host(url: str, call_url: str) -> bool:
    """A redirect that leads to another host gets no token and no signature of this one."""
    return urlsplit(url).netloc == urlsplit(call_url).netloc


def _on_the_wire(request: Request, signed: SignedCall) -> Request:
    headers = Headers(request.headers)
    headers.update(signed.headers)
    return Request(signed.url, method=signed.method, headers=headers, body=signed.body, meta=request.meta, flags=request.flags)


def _with_script(signed: SignedCall, made: ScriptSignature) -> SignedCall:
    """The call with what the operator's script returned: headers replaced or added, parameters appended to the query."""
    url = signed.url
    if made.params:
        url += ("&" if urlsplit(url).query else "?") + urlencode(made.params)
    return replace(signed, url=url, headers={**signed.headers, **made.headers})


def _unsigned(error: Exception, signed_url: str, url: str) -> Exception:
    """The same error speaking of the unsigned URL: a time-out names the URL, and a signed one can hold credentials."""
    if signed_url == url or signed_url not in str(error):
        return error
    return type(error)(str(error).replace(signed_url, url))
