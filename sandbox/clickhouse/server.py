"""The HTTP door: ClickHouse's paths, headers, statuses and encodings on one loopback port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from aiohttp import web

from sandbox.clickhouse.asks import Ask, Credentials, make_ask
from sandbox.clickhouse.codecs import ENCODERS, choose_encoding, unpack
from sandbox.clickhouse.engine import Answer, Engine, describe
from sandbox.clickhouse.errors import NOT_IMPLEMENTED, EngineRefusedError

LOOPBACK = "127.0.0.1"
LARGEST_BODY = 512 * 2**20
LARGEST_LINE = 2**20  # of a URL or header, as a server's http_max_uri_size
THREADS = 6
OK = "Ok.\n"
_CONTENT_TYPES = {
    "JSON": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "TSV": "text/tab-separated-values; charset=UTF-8",
    "Native": "application/octet-stream",
    "RowBinary": "application/octet-stream",
    "Parquet": "application/octet-stream",
}


class Door:
    """Answers requests from an engine, in threads."""

    def __init__(self, engine: Engine, credentials: Credentials) -> None:
        self._engine = engine
        self._credentials = credentials
        self._threads = ThreadPoolExecutor(THREADS, "chdb")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        if request.path in {"/ping", "/replicas_status"}:
            return web.Response(text=OK)
        if request.path != "/":
            return web.Response(status=404, text=f"There is no handle {request.path}\n\nUse / or /ping for health checks.\n")
        if request.method == "GET" and not request.query_string:
            return web.Response(text=OK)
        try:
            ask = await self._read(request)
        except EngineRefusedError as error:
            return self._refuse(error, request.query.get("query_id", ""))
        return await self._answer(ask, may_write=request.method == "POST")

    async def _read(self, request: web.Request) -> Ask:
        if request.method not in {"GET", "POST", "HEAD"}:
            raise EngineRefusedError(f"Method {request.method} is not understood", NOT_IMPLEMENTED)
        self._credentials.check(request.query, request.headers)
        fields: Mapping[str, str] = {}
        body = b""
        if request.content_type.startswith("multipart/form-data"):
            fields = await _read_form(request)
        else:
            body = await request.read()
        loop = asyncio.get_running_loop()
        encoding = request.headers.get("Content-Encoding", "")
        body = await loop.run_in_executor(self._threads, unpack, body, encoding)
        return make_ask(request.query, request.headers, body, fields)

    async def _answer(self, ask: Ask, *, may_write: bool) -> web.StreamResponse:
        query_id = ask.query_id or str(uuid4())
        loop = asyncio.get_running_loop()
        try:
            answer = await loop.run_in_executor(self._threads, lambda: self._engine.answer(ask, may_write=may_write))
        except EngineRefusedError as error:
            return self._refuse(error, query_id)
        headers = self._headers(query_id) | {"X-ClickHouse-Summary": json.dumps(describe(answer))}
        encoding = choose_encoding(ask.accepts) if answer.body else ""
        body = await loop.run_in_executor(self._threads, ENCODERS[encoding], answer.body) if encoding else answer.body
        return web.Response(body=body, headers=headers | _name_format(answer) | ({"Content-Encoding": encoding} if encoding else {}))

    def _headers(self, query_id: str) -> dict[str, str]:
        return {
            "X-ClickHouse-Server-Display-Name": "sandbox",
            "X-ClickHouse-Query-Id": query_id,
            "X-ClickHouse-Timezone": self._engine.timezone,
        }

    def _refuse(self, error: EngineRefusedError, query_id: str) -> web.Response:
        headers = self._headers(query_id) | {"X-ClickHouse-Exception-Code": str(error.code)}
        version = "" if "(version " in error.text else f" (version {self._engine.version} (sandbox))"
        return web.Response(status=error.status, text=f"{error.text.rstrip()}{version}\n", headers=headers)

    def close(self) -> None:
        """Let the running statements end, then close the engine."""
        self._threads.shutdown()
        self._engine.close()


def _name_format(answer: Answer) -> dict[str, str]:
    if not answer.format:
        return {"Content-Type": "text/plain; charset=UTF-8"}
    kind = _CONTENT_TYPES.get(answer.format, "text/plain; charset=UTF-8")
    return {"X-ClickHouse-Format": answer.format, "Content-Type": kind}


async def _read_form(request: web.Request) -> dict[str, str]:
    """The fields of a form: the client sends the query and its parameters so when they are too long for a URL."""
    found = {}
    for name, value in (await request.post()).items():
        if not isinstance(value, str):
            raise EngineRefusedError(f"External data ({name}) is not offered here", NOT_IMPLEMENTED)
        found[name] = value
    return found


async def start_server(door: Door, port: int) -> tuple[web.AppRunner, int]:
    """Listen on loopback only; the runner to clean up and the port that was taken (port 0 = any free one)."""
    app = web.Application(client_max_size=LARGEST_BODY)
    app.router.add_route("*", "/{path:.*}", door.handle)
    runner = web.AppRunner(
        app, access_log=None, handle_signals=False, auto_decompress=False, max_line_size=LARGEST_LINE, max_field_size=LARGEST_LINE
    )
    await runner.setup()
    site = web.TCPSite(runner, LOOPBACK, port, backlog=1024)
    await site.start()
    return runner, runner.addresses[0][1]
