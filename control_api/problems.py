"""One shape for every answer that is not what was asked for: RFC 9457 problem details. Echoes nothing that the client sent."""

from __future__ import annotations

import logging
from http import HTTPStatus
from traceback import extract_tb
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError, IntegrityError
from starlette.exceptions import HTTPException

from control_api.db import is_absence, is_collision
from control_api.errors import Conflict, Problem, Unavailable
from control_api.logs import request_id_var
from jobstore.errors import StatementRefusedError, StoreError

logger = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
PLACE = "docs/control.md#"
FRAMES_LOGGED = 20
_SLUGS = {400: "bad-request", 404: "not-found", 405: "method-not-allowed", 408: "too-slow", 413: "too-large", 415: "bad-request"}


class FieldFault(BaseModel):
    """One field that is wrong."""

    where: str = Field(examples=["body.priority"])
    message: str = Field(examples=["Input should be a valid integer"])


class ProblemDetails(BaseModel):
    """An RFC 9457 problem: what happened, and where it is explained."""

    type: str = Field(examples=["docs/control.md#not-found"])
    title: str = Field(examples=["There is no such thing"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no keyword 17."])
    request_id: str = Field(examples=["5f1c0c6e9d5f4c8fb9a1b6c0a7a1d3e2"])
    errors: list[FieldFault] = []


def describe(status: int, slug: str, title: str, detail: str, **more: Any) -> JSONResponse:
    """The answer for one problem; `headers` and `errors` may be given."""
    headers = more.pop("headers", None)
    body = {"type": PLACE + slug, "title": title, "status": status, "detail": detail, "request_id": request_id_var.get(), **more}
    return JSONResponse(body, status, headers=headers, media_type=MEDIA_TYPE)


async def _answer_problem(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, Problem):
        raise error
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return describe(error.status, error.slug, error.title, str(error), headers=headers)


async def _answer_invalid(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = [
        {"where": ".".join(str(part) for part in fault["loc"])[:200], "message": _plain(fault)[:300]} for fault in error.errors()[:50]
    ]
    detail = "; ".join(f"{fault['where']}: {fault['message']}" for fault in faults[:3])
    return describe(422, "invalid", "The request breaks a rule", detail, errors=faults)


def _plain(fault: Any) -> str:
    # Messages of our own validators may quote; pydantic's types that quote input are the enum-like ones, which quote what is valid.
    return "The body is not valid JSON" if fault["type"] == "json_invalid" else str(fault["msg"])


async def _answer_http(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    phrase = HTTPStatus(error.status_code).phrase
    return describe(error.status_code, _SLUGS.get(error.status_code, "bad-request"), phrase, str(error.detail), headers=error.headers)


async def _answer_database(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, DBAPIError):
        raise error
    if isinstance(error, IntegrityError):
        logger.info("integrity: %s", type(error.orig).__name__)
        return await _answer_problem(request, Conflict("Another row has the same key, or still refers to this one. Nothing was changed."))
    if is_absence(error) or is_collision(error):
        logger.warning("database away or busy: %s", type(error.orig).__name__)
        return await _answer_problem(request, Unavailable("The database is busy or does not answer. Nothing was changed.", retry_after=2))
    return await answer_unknown(request, error)


async def _answer_store(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, StoreError):
        raise error
    if isinstance(error, StatementRefusedError):
        return await answer_unknown(request, error)
    logger.warning("store of rows: %s", error)
    return await _answer_problem(request, Unavailable("The store of rows is busy or does not answer.", retry_after=5))


async def answer_unknown(request: Request, error: Exception) -> JSONResponse:
    """The answer to an error that nobody expected. The log gets its class and the way to it, not its text: a driver's may quote values."""
    way = [f"{frame.filename}:{frame.lineno}" for frame in extract_tb(error.__traceback__)] or ["?"]
    logger.error("unexpected %s at %s", type(error).__name__, way[-1], extra={"method": request.method, "way": way[-FRAMES_LOGGED:]})
    return describe(
        500, "internal", "Something went wrong here", "The request failed for a reason that is ours; the log has it under this request id."
    )


def install_problems(app: FastAPI) -> None:
    """Answer every error of `app` in the one shape."""
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(DBAPIError, _answer_database)
    app.add_exception_handler(StoreError, _answer_store)
    app.add_exception_handler(Exception, answer_unknown)


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that may answer with these statuses besides the ones that every route has."""
    return {status: {"model": ProblemDetails, "description": HTTPStatus(status).phrase} for status in statuses}
