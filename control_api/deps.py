"""What endpoints ask for: the application's parts, who asks, and from where. All `async`: a sync one would cost a thread each."""

from __future__ import annotations

from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, OAuth2PasswordBearer, SecurityScopes
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


async def get_client_ip(request: Request, control: ControlDep) -> str:
    """The client's address, as far as trusted proxies say."""
    peer = request.client.host if request.client else ""
    return find_client_ip(peer, ",".join(request.headers.getlist("x-forwarded-for")), control.settings.trusted_proxies)


ClientIpDep = Annotated[str, Depends(get_client_ip)]


async def authenticate(
    request: Request,
    needed: SecurityScopes,
    control: ControlDep,
    bearer: Annotated[str | None, Depends(_bearer)],
    token: Annotated[str | None, Depends(_token_header)],
) -> Principal:
    """The principal of a request, with the rights that the route needs. Raises Unauthenticated, Forbidden."""
    credential = bearer or token or ""
    principal = await _find_principal(control, credential, allows_user=bearer is not None)
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
    secret = read_node_secret(credential)
    if secret is not None:
        return await _recall_or_look_up(control, f"node:{secret.hash}", access.find_node, secret)
    claims = control.signer.read(credential) if allows_user else None
    if claims is None or not claims["sub"].isascii() or not claims["sub"].isdigit() or len(claims["sub"]) > 9:
        return None
    return await _recall_or_look_up(control, f"user:{claims['jti']}", access.find_user, claims["jti"], int(claims["sub"]))


async def _recall_or_look_up(control: Control, key: str, look_up: Any, *arguments: Any) -> Principal | None:
    known = control.memory.recall(key)
    return known if known is not None else await run_in_threadpool(_look_up, control, key, look_up, arguments)


def _look_up(control: Control, key: str, look_up: Any, arguments: tuple[Any, ...]) -> Principal | None:
    generation = control.memory.generation
    with control.database.read() as unit:
        principal: Principal | None = look_up(unit, *arguments)
    if principal is None:
        return None
    control.memory.keep(key, principal, generation)
    if principal.kind == "node":
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


async def act(principal: Annotated[Principal, Depends(authenticate)], ip: ClientIpDep) -> Actor:
    """Who acts, from where, in which request."""
    return Actor(principal, ip, request_id_var.get())


async def visit(ip: ClientIpDep) -> Actor:
    """Somebody who has not proved who he is."""
    return Actor(NOBODY, ip, request_id_var.get())


VisitorDep = Annotated[Actor, Depends(visit)]


def needs(scope: str) -> Any:
    """The dependency of a route that `scope` opens: `actor: Annotated[Actor, needs("keyword:read")]`."""
    return Security(act, scopes=[scope])
