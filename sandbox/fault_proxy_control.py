"""The control endpoint of the fault proxy, and the gate that it opens and shuts: a port of its own, JSON in and out.

GET /faults: shares, match, delay, counts, whether it is away. PUT /faults {"accept_then_reset": 0.1, "match": "INSERT"}.
POST /plan ["reset", "none"]: the next requests. POST /away {"seconds": 5} (null: until POST /back): connections are refused.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Protocol

from aiohttp import web

from sandbox.fault_proxy_dice import FaultDice, FaultInvalidError


class Relay(Protocol):
    """What stands behind the gate."""

    async def listen(self, port: int) -> asyncio.Server:
        """Listen on a loopback port, 0 for a free one."""
        ...

    def reset_all(self) -> None:
        """Reset every connection."""
        ...


class Gate:
    """The listening port: open, or shut so that connections are refused and those that were open are reset."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._server: asyncio.Server | None = None
        self._return: asyncio.Task[None] | None = None
        self.port = 0

    @property
    def is_away(self) -> bool:
        """Whether connections are refused."""
        return self._server is None

    async def open(self, port: int | None = None) -> None:
        """Take connections again, on the port of before; harmless when it does."""
        self._forget_return()
        if self._server is None:
            self._server = await self._relay.listen(self.port if port is None else port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self, seconds: float | None = None) -> None:
        """Refuse connections for some seconds, or until `open`."""
        self._forget_return()
        if self._server is not None:
            self._server.close()
            self._server = None
        self._relay.reset_all()
        if seconds is not None:
            self._return = asyncio.create_task(self._open_later(seconds))

    async def _open_later(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._return = None
        await self.open()

    def _forget_return(self) -> None:
        if self._return is not None:
            self._return.cancel()
            self._return = None


class FaultControl:
    """The control endpoint."""

    def __init__(self, dice: FaultDice, gate: Gate) -> None:
        self._dice = dice
        self._gate = gate

    def make_app(self) -> web.Application:
        """Its application."""
        app = web.Application(middlewares=[_explain])
        app.router.add_get("/faults", self._show)
        app.router.add_put("/faults", self._change)
        app.router.add_post("/plan", self._plan)
        app.router.add_post("/away", self._leave)
        app.router.add_post("/back", self._return)
        return app

    async def _show(self, _request: web.Request) -> web.Response:
        dice = self._dice
        told = {"shares": dice.shares, "match": dice.match, "delay_seconds": dice.delay_seconds, "counts": dice.counts}
        return web.json_response(told | {"is_away": self._gate.is_away})

    async def _change(self, request: web.Request) -> web.Response:
        self._dice.change(_expect(await _read(request), dict))
        return await self._show(request)

    async def _plan(self, request: web.Request) -> web.Response:
        self._dice.plan(_expect(await _read(request), list))
        return await self._show(request)

    async def _leave(self, request: web.Request) -> web.Response:
        seconds = _expect(await _read(request), dict).get("seconds")
        if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0):
            raise FaultInvalidError(f"seconds is {seconds!r}; it is a number, or null for until POST /back")
        await self._gate.shut(seconds)
        return await self._show(request)

    async def _return(self, request: web.Request) -> web.Response:
        await self._gate.open()
        return await self._show(request)


@web.middleware
async def _explain(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        answer: web.StreamResponse = await handler(request)
    except FaultInvalidError as error:
        return web.json_response({"error": str(error)}, status=422)
    return answer


async def _read(request: web.Request) -> Any:
    try:
        return json.loads(await request.read())
    except ValueError as error:
        raise FaultInvalidError(f"the body is not JSON: {error}") from None


def _expect(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise FaultInvalidError(f"the body is {value!r}; it should be a JSON {'object' if kind is dict else 'array'}")
    return value
