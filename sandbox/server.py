"""The web server of the sandbox: one loopback port, the platforms' real paths, the control door."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from sandbox.bans import CHALLENGE_TARGETS, HTML, target_page
from sandbox.control import ControlDoor
from sandbox.fakes import FakePlatform
from sandbox.faults import send
from sandbox.visits import Visit
from sandbox.world import World

LOOPBACK = "127.0.0.1"
LARGEST_BODY = 4 * 2**20
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(world: World, control_token: str, clock: Callable[[], float] = time.time) -> web.Application:
    """The whole sandbox as an aiohttp application."""
    app = web.Application(client_max_size=LARGEST_BODY)
    for path, platform in world.by_path.items():
        app.router.add_route("*", path, make_handler(world, platform, clock))
    for name, path in CHALLENGE_TARGETS.items():
        app.router.add_get(path, make_target(name, clock))
    app.router.add_routes(ControlDoor(world, control_token).routes())
    return app


def make_handler(world: World, platform: FakePlatform, clock: Callable[[], float]) -> Handler:
    """The handler of one platform's paths."""
    switches = platform.switches

    async def handle(request: web.Request) -> web.StreamResponse:
        body = await request.read() if request.can_read_body else b""
        path, _, query = origin_form(request.raw_path).partition("?")
        visit = Visit(request.method, path, query, request.headers, body, request.remote or "", clock())
        if switches["slow_ms"]:
            await asyncio.sleep(switches["slow_ms"] / 1000)
        return await send(request, world.answer(platform, visit))

    return handle


def make_target(name: str, clock: Callable[[], float]) -> Handler:
    """The challenge page that redirected visitors land on."""

    async def show(_request: web.Request) -> web.Response:
        return web.Response(body=target_page(name, clock()), headers={"Content-Type": HTML})

    return show


def origin_form(target: str) -> str:
    """The request target without scheme and host, should a proxy have sent the absolute form."""
    if target.startswith("/"):
        return target
    return "/" + target.partition("://")[2].partition("/")[2]


async def start_server(app: web.Application, port: int) -> tuple[web.AppRunner, int]:
    """Listen on loopback only; the runner to clean up and the port that was taken (port 0 = any free one)."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)  # a slow answer is not waited for
    await runner.setup()
    site = web.TCPSite(runner, LOOPBACK, port, backlog=1024)
    await site.start()
    return runner, runner.addresses[0][1]
