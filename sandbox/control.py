"""The control door of the sandbox: switches, oracle, answers, keyword suggestions, reset. Every call needs the control token."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from sandbox.oracle import OracleError, answer_questions, suggest_keywords
from sandbox.switches import SwitchError, apply_switches
from sandbox.world import World

PREFIX = "/_sandbox"
HEADER = "x-sandbox-control"
Handler = Callable[[web.Request], Awaitable[web.Response]]


class ControlError(Exception):
    """A call that cannot be done: HTTP status and words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def reply(value: Any, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


class ControlDoor:
    """The handlers, over one world."""

    def __init__(self, world: World, token: str) -> None:
        self._world = world
        self._token = token

    def routes(self) -> list[web.RouteDef]:
        """Every path of the door."""
        table: tuple[tuple[str, str, Handler], ...] = (
            ("GET", "/catalogue", self.catalogue),
            ("GET", "/switches", self.switches),
            ("GET", "/switches/{platform}", self.switches),
            ("PUT", "/switches", self.set_switches),
            ("PUT", "/switches/{platform}", self.set_switches),
            ("POST", "/oracle", self.oracle),
            ("GET", "/answers", self.answers),
            ("GET", "/keywords", self.keywords),
            ("POST", "/reset", self.reset),
        )
        return [web.route(method, PREFIX + path, self._guarded(handler)) for method, path, handler in table]

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.Response:
            given = request.headers.get(HEADER, "").encode("utf-8", "replace")
            if not hmac.compare_digest(given, self._token.encode()):
                return reply(
                    {"error": f"this door needs the header {HEADER} with the control token that the sandbox printed at start"}, 403
                )
            try:
                return await handler(request)
            except (SwitchError, OracleError) as error:
                return reply({"error": str(error)}, 422)
            except ControlError as error:
                return reply({"error": str(error)}, error.status)

        return guarded

    async def catalogue(self, _request: web.Request) -> web.Response:
        """What the shelves hold."""
        return reply({"source": self._world.catalogue.source, "platforms": self._world.catalogue.counts()})

    async def switches(self, request: web.Request) -> web.Response:
        """Every switch of one or all platforms."""
        name = request.match_info.get("platform")
        return reply(self._world.switches[self._platform(name)] if name else self._world.switches)

    async def set_switches(self, request: web.Request) -> web.Response:
        """Change some switches; the others stay. Answers all of them."""
        name, body = request.match_info.get("platform"), await self._json(request)
        if not isinstance(body, dict):
            raise ControlError(422, f"switches are an object of name and value, not {body!r}")
        if name:
            apply_switches(self._world.switches, {self._platform(name): body})
        else:
            apply_switches(self._world.switches, body)
        return await self.switches(request)

    async def oracle(self, request: web.Request) -> web.Response:
        """What a crawl of these keywords must yield."""
        return reply(answer_questions(await self._json(request), self._world.platforms))

    async def answers(self, request: web.Request) -> web.Response:
        """What every client was answered."""
        return reply({name: self._world.platforms[name].book.report() for name in self._asked(request)})

    async def keywords(self, request: web.Request) -> web.Response:
        """Keywords worth a demo."""
        return reply([row for name in self._asked(request) for row in suggest_keywords(self._world.platforms[name])])

    async def reset(self, request: web.Request) -> web.Response:
        """Forget clients, quotas and answers; switches go back to those of the start unless {"switches": false}."""
        body = await self._json(request) if request.can_read_body else {}
        self._world.reset(switches=not isinstance(body, dict) or body.get("switches", True) is not False)
        return reply({"reset": True})

    def _asked(self, request: web.Request) -> list[str]:
        name = request.query.get("platform")
        return [self._platform(name)] if name else list(self._world.platforms)

    def _platform(self, name: str) -> str:
        if name not in self._world.platforms:
            raise ControlError(404, f"there is no platform {name!r} in the sandbox; valid: {', '.join(self._world.platforms)}")
        return name

    async def _json(self, request: web.Request) -> Any:
        try:
            return orjson.loads(await request.read())
        except orjson.JSONDecodeError as error:
            raise ControlError(400, f"the body is not JSON: {error}") from error
