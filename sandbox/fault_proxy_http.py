"""The fault proxy for HTTP: takes each request whole, then does to it what the dice say."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from sandbox.fault_proxy_dice import Fault, FaultDice
from sandbox.fault_proxy_tcp import BEGINNING, LOOPBACK, reset

_LARGEST_BODY = 512 * 2**20
_LARGEST_LINE = 2**20
_SECONDS = 300.0
_OWN_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")  # what aiohttp would add
_HOP = frozenset(
    {"connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)


@dataclass(frozen=True, slots=True)
class _Message:
    """A request or an answer as it is passed on: `first` is its first line, without what belongs to one connection."""

    first: str
    headers: CIMultiDict[str]
    body: bytes

    def to_bytes(self) -> bytes:
        lines = [self.first, *(f"{name}: {value}" for name, value in self.headers.items()), f"Content-Length: {len(self.body)}", "", ""]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + self.body


class HttpRelay:
    """Passes requests on to a target. Answers are taken whole before they are given."""

    def __init__(self, target: tuple[str, int], dice: FaultDice) -> None:
        self._target = target
        self._dice = dice
        self._session: aiohttp.ClientSession | None = None
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, auto_decompress=False, max_line_size=_LARGEST_LINE, max_field_size=_LARGEST_LINE
        )

    async def listen(self, port: int) -> asyncio.Server:
        """Listen on a loopback port."""
        if self._session is None:
            await self._runner.setup()
            # A new connection for each request: one that the target closed meanwhile would be a fault that nobody drew.
            connector = aiohttp.TCPConnector(limit=0, force_close=True)
            timeout = aiohttp.ClientTimeout(total=_SECONDS)
            self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False, timeout=timeout)
        server = self._runner.server
        assert server is not None, "the runner is set up"
        return await asyncio.get_running_loop().create_server(server, LOOPBACK, port, backlog=1024)

    def reset_all(self) -> None:
        """Reset every connection."""
        server = self._runner.server
        for connection in server.connections if server else ():
            reset(connection.transport)

    async def close(self) -> None:
        """Reset every connection and let go of everything."""
        self.reset_all()
        await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        asked = _Message(f"{request.method} {request.raw_path} HTTP/1.1", _without_hop(request.headers.items()), body)
        fault = self._dice.draw(request.raw_path.encode("utf-8", "surrogateescape") + b"\n" + body[:BEGINNING])
        if fault is Fault.ERROR:
            return web.Response(status=503, text="503 by the fault proxy\n")
        if fault is Fault.HALF_REQUEST:
            await self._send_half(asked)
        if fault in {Fault.RESET, Fault.HALF_REQUEST}:
            return _cut(request)
        if fault is Fault.DELAY:
            await asyncio.sleep(self._dice.delay_seconds)
        return await self._pass_on(request, asked, fault)

    async def _pass_on(self, request: web.Request, asked: _Message, fault: Fault) -> web.StreamResponse:
        try:
            status, answer = await self._ask_target(request, asked)
            if fault is Fault.DUPLICATE:
                await self._ask_target(request, asked)
        except (aiohttp.ClientError, OSError, TimeoutError):
            self._dice.counts["target_away"] += 1
            return _cut(request)
        if fault is Fault.ACCEPT_THEN_RESET:
            return _cut(request)
        if fault is Fault.HALF_ANSWER:
            whole = answer.to_bytes()
            return _cut(request, whole[: len(whole) // 2])
        return web.Response(status=status, body=answer.body, headers=answer.headers)

    async def _ask_target(self, request: web.Request, asked: _Message) -> tuple[int, _Message]:
        assert self._session is not None, "listen() made it"
        url = URL(f"http://{self._target[0]}:{self._target[1]}{request.raw_path}", encoded=True)
        async with self._session.request(
            request.method, url, headers=asked.headers, data=asked.body, allow_redirects=False, skip_auto_headers=_OWN_HEADERS
        ) as found:
            first = f"HTTP/1.1 {found.status} {found.reason}"
            return found.status, _Message(first, _without_hop(found.headers.items()), await found.read())

    async def _send_half(self, asked: _Message) -> None:
        try:
            _, writer = await asyncio.open_connection(*self._target)
        except OSError:
            self._dice.counts["target_away"] += 1
            return
        whole = asked.to_bytes()
        writer.write(whole[: len(whole) // 2])
        writer.close()
        await writer.wait_closed()


def _without_hop(headers: Iterable[tuple[str, str]]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers if name.lower() not in _HOP)


def _cut(request: web.Request, last_words: bytes = b"") -> web.StreamResponse:
    """Reset the client's connection, after `last_words`. What it returns goes nowhere."""
    transport = request.transport
    if transport is not None:
        if last_words:
            transport.write(last_words)
        reset(transport)
    return web.Response()
