"""What endpoints ask for: the application's parts, who asks, and from where. All `async`: a sync one would cost a thread each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from threading import BoundedSemaphore
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, OAuth2PasswordBearer, SecurityScopes
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from control_api.config import Settings
from control_api.db import Database
from control_api.errors import Forbidden, Unauthenticated
from control_api.ingest_writer import IngestWriter
from control_api.logs import request_id_var
from control_api.metrics import Metrics
from control_api.models.base import now_utc
from control_api.principal import Actor, Principal, PrincipalMemory, find_client_ip
from control_api.rights import ALL_SCOPES, NODE_SCOPES, RouteRight
from control_api.row_store import RowStore
from control_api.security import TokenCipher, TokenSigner, read_node_secret
from control_api.services import access
from control_api.services.logins import NOBODY


@dataclass(slots=True)
class Control:
    """The parts of one application, made by `main.create_app`."""

    settings: Settings
    database: Database
    signer: TokenSigner
    cipher: TokenCipher
    memory: PrincipalMemory
    metrics: Metrics
    routes: list[RouteRight]
    rows: RowStore
    writer: IngestWriter
    ingest_slots: BoundedSemaphore  # bodies that are read at the same time


_bearer = OAuth2PasswordBearer("/api/v1/auth/token", scopes=ALL_SCOPES, auto_error=False, scheme_name="login")
_token_header = APIKeyHeader(name="token", auto_error=False, scheme_name="node", description="A node's credential")
_LONGEST_CREDENTIAL = 4096


async def get_control(request: Request) -> Control:
    """The parts of this application."""
    control: Control = request.app.state.control
    return control


ControlDep = Annotated[Control, Depends(get_control)]


def _find_ip(request: Request, control: Control) -> str:
    """The client's address, as far as trusted proxies say."""
    peer = request.client.host if request.client else ""
    return find_client_ip(peer, ",".join(request.headers.getlist("x-forwarded-for")), control.settings.trusted_proxies)


async def _authenticate(request: Request, control: Control, needed: SecurityScopes, bearer: str | None, token: str | None) -> Principal:
    """The principal of a request, with the rights that the route needs. Raises Unauthenticated, Forbidden."""
    principal = await _find_principal(control, bearer or token or "", allows_user=bearer is not None)
    if principal is None:
        raise Unauthenticated(
            "No valid credential came with this request: log in at /api/v1/auth/token and send `Authorization: Bearer ...`, "
            "or send a node's credential in the header `token`."
        )
    request.state.who = f"{principal.kind}:{principal.name}"
    missing = [scope for scope in needed.scopes if scope not in principal.scopes]
    if missing:
        raise Forbidden(_explain_missing(principal, missing))
    return principal


async def _find_principal(control: Control, credential: str, *, allows_user: bool) -> Principal | None:
    if not credential or len(credential) > _LONGEST_CREDENTIAL or not credential.isascii():
        return None
    # The memory holds no credential, and a hash is found sooner than a signature is checked.
    key = f"{allows_user:d}:{sha256(credential.encode()).hexdigest()}"
    known = control.memory.recall(key)
    if known is not None:
        return known
    secret = read_node_secret(credential)
    if secret is not None:
        return await run_in_threadpool(_look_up, control, key, partial(access.find_node, secret=secret))
    claims = control.signer.read(credential) if allows_user else None
    if claims is None or not claims["sub"].isascii() or not claims["sub"].isdigit() or len(claims["sub"]) > 9:
        return None
    find = partial(access.find_user, jti=claims["jti"], user_id=int(claims["sub"]))
    return await run_in_threadpool(_look_up, control, key, find, float(claims["exp"]) - time.time())


def _look_up(control: Control, key: str, find: Callable[[Session], Principal | None], good_for: float = math.inf) -> Principal | None:
    generation = control.memory.generation
    with control.database.read() as unit:
        principal = find(unit)
        if principal is None:
            return None
        is_news = principal.kind == "node" and not access.is_use_noted(unit, principal.session, now_utc())
    control.memory.keep(key, principal, generation, good_for)
    if is_news:
        with control.database.write() as unit:
            access.note_use(unit, principal.session, now_utc())
    return principal


def _explain_missing(principal: Principal, missing: list[str]) -> str:
    said = ", ".join(missing)
    if principal.kind == "user" and any(scope in NODE_SCOPES for scope in missing):
        return f"This route needs {said}, which only a node's credential can hold."
    if principal.scopes == {"self"}:
        hint = "If somebody else set your password, change it first: PUT /api/v1/auth/password."
        return f"This route needs {said}; you hold no right yet. {hint}"
    return f"This route needs {said}, which {principal.name} does not hold."


async def act(
    request: Request,
    needed: SecurityScopes,
    bearer: Annotated[str | None, Depends(_bearer)],
    token: Annotated[str | None, Depends(_token_header)],
) -> Actor:
    """Who acts, from where, in which request. One dependency, not five: each costs as much as reading a row."""
    control: Control = request.app.state.control
    principal = await _authenticate(request, control, needed, bearer, token)
    return Actor(principal, _find_ip(request, control), request_id_var.get())


async def visit(request: Request, control: ControlDep) -> Actor:
    """Somebody who has not proved who he is."""
    return Actor(NOBODY, _find_ip(request, control), request_id_var.get())


VisitorDep = Annotated[Actor, Depends(visit)]


def needs(scope: str) -> Any:
    """The dependency of a route that `scope` opens: `actor: Annotated[Actor, needs("keyword:read")]`."""
    return Security(act, scopes=[scope])
