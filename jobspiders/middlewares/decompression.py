"""On the way back, 590: Scrapy's own decompression, except that a body which cannot be decompressed is a bad answer, not a crash.

Scrapy lets the codec's error end the request without a retry; here the body goes on as it came, and the verdict calls it what it is.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import brotli
from backports.zstd import ZstdError
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware

if TYPE_CHECKING:
    from scrapy import Request, Spider
    from scrapy.http import Response

BROKEN = (OSError, EOFError, zlib.error, brotli.error, ZstdError)  # gzip.BadGzipFile is an OSError


class DecompressionMiddleware(HttpCompressionMiddleware):
    """Broken bodies pass undecoded, their Content-Encoding taken off."""

    def process_response(self, request: Request, response: Response, spider: Spider | None = None) -> Request | Response:  # noqa: ARG002
        try:
            return super().process_response(request, response)
        except BROKEN:
            del response.headers["Content-Encoding"]
            return response
