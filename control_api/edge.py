"""The outermost layer, in plain ASGI: request id, limits on bodies, security headers, one access line, counts for /metrics."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
import uuid
from collections.abc import Mapping, MutableMapping
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from control_api.logs import request_id_var
from control_api.metrics import Metrics
from control_api.problems import answer_unknown

logger = logging.getLogger("control_api.access")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_HSTS = (b"strict-transport-security", b"max-age=31536000")


class EdgeMiddleware:
    """Wraps the whole application. `max_body_bytes` (for some paths `larger_bodies`) and `body_seconds` bound what one request may send
    and how slowly.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        max_body_bytes: int,
        larger_bodies: Mapping[str, int],
        body_seconds: float,
        is_https_only: bool,
    ) -> None:
        self.app = app
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes
        self._larger_bodies = larger_bodies
        self._body_seconds = body_seconds
        self._headers = (*_HEADERS, _HSTS) if is_https_only else _HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        _strip_slash(scope)
        headers = Headers(scope=scope)
        request_id = headers.get("x-request-id", "")
        request_id = request_id if _REQUEST_ID.fullmatch(request_id) else uuid.uuid4().hex
        mark = request_id_var.set(request_id)
        started = time.perf_counter()
        limit = self._larger_bodies.get(scope["path"], self._max_body_bytes)
        answer = _Answer(send, self._headers, request_id, scope["path"])
        try:
            if _declared_length(headers) > limit:
                await _refuse_body(answer, limit, request_id)
            else:
                await self.app(scope, _BoundedBody(receive, limit, self._body_seconds), answer)
        except Exception as error:
            # Answered here, not by the server around us: it knows neither headers nor request id, and logs the error's text.
            if answer.has_started:
                raise
            await (await answer_unknown(Request(scope), error))(scope, receive, answer)
        finally:
            seconds = time.perf_counter() - started
            self._note(scope, answer.status, seconds)
            request_id_var.reset(mark)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = _template(scope)
        self._metrics.count_request(scope["method"], route, status, seconds)
        who = scope.get("state", {}).get("who", "")
        logger.info(
            "%s %s %d", scope["method"], route, status, extra={"milliseconds": round(seconds * 1000, 1), "who": who, "status": status}
        )


def _strip_slash(scope: MutableMapping[str, Any]) -> None:
    # `/api/v1/keyword/` and `/api/v1/keyword` are one: no redirect, which would trust the Host header.
    path = scope["path"]
    if len(path) > 1 and path.endswith("/"):
        scope["path"] = path.rstrip("/") or "/"


def _template(scope: Scope) -> str:
    # The template, not the path: a path is the client's text and would make a label of its own for every id.
    # Routers carry their whole prefix, so a route's own path is the whole template.
    return getattr(scope.get("route"), "path", "(no route)")


def _declared_length(headers: Headers) -> int:
    text = headers.get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


async def _refuse_body(send: Send, limit: int, request_id: str) -> None:
    body = json.dumps(
        {
            "type": "docs/control.md#too-large",
            "title": "The body is too large",
            "status": 413,
            "detail": f"This door takes bodies of up to {limit} bytes.",
            "request_id": request_id,
        }
    ).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _BoundedBody:
    """`receive` that counts bytes and seconds until the body is complete."""

    def __init__(self, receive: Receive, limit: int, seconds: float) -> None:
        self._receive = receive
        self._left = limit
        self._limit = limit
        self._seconds = seconds
        self._deadline = 0.0
        self._is_complete = False

    async def __call__(self) -> Message:
        if self._is_complete:
            return await self._receive()
        loop = asyncio.get_running_loop()
        self._deadline = self._deadline or loop.time() + self._seconds
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, f"The body did not arrive within {self._seconds:g} seconds.") from None
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413, f"This door takes bodies of up to {self._limit} bytes.")
        self._is_complete = message["type"] != "http.request" or not message.get("more_body", False)
        return message


class _Answer:
    """`send` that adds the headers that every answer has, and remembers the status."""

    def __init__(self, send: Send, headers: tuple[tuple[bytes, bytes], ...], request_id: str, path: str) -> None:
        self._send = send
        self._headers = headers
        self._request_id = request_id.encode()
        self._is_api = path.startswith("/api/")
        self.status = 500
        self.has_started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.has_started = message["status"], True
            given = list(message.get("headers", []))
            names = {name.lower() for name, _ in given}
            extra = [*self._headers, (b"x-request-id", self._request_id)]
            if b"content-security-policy" not in names:
                extra.append((b"content-security-policy", _API_POLICY.encode()))
            if self._is_api and b"cache-control" not in names:
                extra.append((b"cache-control", b"no-store"))
            message = {**message, "headers": [*given, *extra]}
        await self._send(message)
