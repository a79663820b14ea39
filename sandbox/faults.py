"""Faults of the wire: slow, cut off, badly compressed, mislabelled, redirected, refused, reset. Drawn from a seeded source per request."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping
from random import Random
from typing import Any

from aiohttp import web

from sandbox.bans import CHALLENGE_TARGETS
from sandbox.visits import Outcome

BEFORE = ("reset", "server_error", "too_many", "redirect")  # instead of an answer
AFTER = ("truncate", "cut_json", "bad_gzip", "wrong_type")  # to an answer
VERDICTS = {"reset": "server_error", "server_error": "server_error", "too_many": "rate_limited", "redirect": "challenge"}
LINGER_RESET = struct.pack("ii", 1, 0)


def draw_fault(names: tuple[str, ...], switches: Mapping[str, Any], random: Random) -> str:
    """The first of `names` whose rate falls on this request, else ""."""
    return next((name for name in names if switches[name] and random.random() < switches[name]), "")


def refusal(fault: str, platform: str, switches: Mapping[str, Any]) -> Outcome:
    """The outcome of a fault that comes instead of an answer."""
    verdict, cause = VERDICTS[fault], f"fault:{fault}"
    wait = {"Retry-After": str(switches["retry_after"])}
    if fault == "too_many":
        return Outcome(body=b"", status=429, verdict=verdict, cause=cause, headers=wait)
    if fault == "redirect":
        return Outcome(body=b"", status=302, verdict=verdict, cause=cause, headers={"Location": CHALLENGE_TARGETS[platform]})
    status = switches["server_error_status"] if fault == "server_error" else 0
    headers = wait if status == 503 else {}
    page = f"<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center></body></html>"
    return Outcome(body=page.encode(), status=status, verdict=verdict, cause=cause, headers=headers, content_type="text/html")


def spoil(outcome: Outcome, fault: str) -> None:
    """Change an answer in place as a fault of the body wants it; `truncate` happens on the wire."""
    outcome.cause = f"fault:{fault}"
    if fault == "wrong_type":
        outcome.content_type = "text/html; charset=utf-8"
        return
    outcome.jobs = 0
    outcome.verdict = "server_error"
    if fault == "cut_json":
        outcome.body = outcome.body[: len(outcome.body) * 2 // 3]
    elif fault == "bad_gzip":
        outcome.headers["Content-Encoding"] = "gzip"
        outcome.body = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + outcome.body[:64]


async def send(request: web.Request, outcome: Outcome) -> web.StreamResponse:
    """Put an outcome on the wire, the connection broken where its fault says so."""
    if outcome.cause == "fault:reset":
        return reset_connection(request)
    headers = {"Content-Type": outcome.content_type, **outcome.headers}
    if outcome.cause == "fault:truncate":
        return await send_half(request, outcome, headers)
    return web.Response(body=outcome.body, status=outcome.status, headers=headers)


def reset_connection(request: web.Request) -> web.StreamResponse:
    """Close with RST, not FIN, so that the client sees a reset connection."""
    transport = request.transport
    if transport is not None:
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
        transport.abort()
    raise asyncio.CancelledError


async def send_half(request: web.Request, outcome: Outcome, headers: dict[str, str]) -> web.StreamResponse:
    """Promise the whole body, send half of it, close."""
    response = web.StreamResponse(status=outcome.status, headers=headers)
    response.content_length = len(outcome.body)
    response.force_close()
    await response.prepare(request)
    await response.write(outcome.body[: len(outcome.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
