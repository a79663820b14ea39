"""Platform tokens over HTTP: operators see stars, nodes borrow."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from control_api.deps import ControlDep, needs
from control_api.errors import Conflict
from control_api.models import Token
from control_api.principal import Actor
from control_api.problems import answers
from control_api.routers.prefix import PrefixRouter
from control_api.schemas.base import Cursor, Limit, Page
from control_api.schemas.tokens import (
    BorrowedToken,
    BorrowedTokens,
    Supply,
    TokenAnswer,
    TokenChange,
    TokenCreate,
    TokenEventAnswer,
    TokenImport,
    TokenImportAnswer,
    TokenReport,
    TokenState,
)
from control_api.services import lending, tokens
from control_api.services.lending import Report
from jobschema import Platform

router = PrefixRouter(prefix="/api/v1/token", tags=["tokens"], responses=answers(401, 403, 422))
ReadDep = Annotated[Actor, needs("token:read")]
WriteDep = Annotated[Actor, needs("token:write")]
NodeDep = Annotated[Actor, needs("token")]
TokenId = Annotated[int, Path(ge=1, le=2**31 - 1)]


def _show(token: Token) -> TokenAnswer:
    return TokenAnswer.model_validate({**token.model_dump(exclude={"ciphertext", "fingerprint"}), "token": f"***{token.tail}"})


@router.get("", summary="List tokens")
def list_tokens(
    control: ControlDep,
    _actor: ReadDep,
    platform: Annotated[Platform | None, Query()] = None,
    state: Annotated[TokenState | None, Query()] = None,
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[TokenAnswer]:
    """Tokens by id, masked."""
    with control.database.read() as unit:
        found = tokens.search(unit, platform or "", state or "", after_id=cursor or 0, limit=limit)
    return Page(items=[_show(token) for token in found], next=found[-1].id if len(found) == limit else None)


@router.post("", status_code=201, summary="Add a token", responses=answers(409))
def add_token(body: TokenCreate, control: ControlDep, actor: WriteDep) -> TokenAnswer:
    """Stored encrypted; no answer shows it again, but to the node that borrows it."""
    with control.database.write() as unit:
        added, _ = tokens.add(unit, actor, body.platform, [(body.token.get_secret_value(), body.label)], control.cipher)
        if not added:
            raise Conflict("This token is there already.")
        return _show(added[0])


@router.post("/import", summary="Import tokens", responses=answers(409))
def import_tokens(body: TokenImport, control: ControlDep, actor: WriteDep) -> TokenImportAnswer:
    """Up to 1,000 at once; importing the same again adds nothing."""
    given = [(item.token.get_secret_value(), item.label) for item in body.tokens]
    with control.database.write() as unit:
        added, existing = tokens.add(unit, actor, body.platform, given, control.cipher)
    return TokenImportAnswer(added=len(added), existing=existing)


@router.get("/tokens", summary="Borrow tokens (node)", tags=["leases (node)"])
def borrow_tokens(
    control: ControlDep,
    actor: NodeDep,
    platform: Annotated[Platform, Query()] = Platform.BOSS,
    count: Annotated[int, Query(ge=1, le=50)] = 1,
) -> BorrowedTokens:
    """Up to `count` tokens, each to this node alone until the lease ends; asking again extends those that it holds."""
    seconds = control.settings.token_lease_seconds
    loans = control.database.retry(
        lambda unit: lending.lend(unit, actor.principal.id, platform, count, lease_seconds=seconds, cipher=control.cipher)
    )
    return BorrowedTokens(
        tokens=[
            BorrowedToken(id=loan.token.id or 0, name=f"token-{loan.token.id}", token=loan.secret, expires_at=loan.lease_until)
            for loan in loans
        ]
    )


@router.get("/supply", summary="Supply of tokens")
def read_supply(control: ControlDep, _actor: ReadDep) -> list[Supply]:
    """How many tokens of each platform are free, lent, resting, limited, invalid, off."""
    with control.database.read() as unit:
        found = lending.count_supply(unit)
    return [Supply(platform=Platform(platform), **numbers) for platform, numbers in sorted(found.items())]


@router.get("/{token_id}", summary="Read a token", responses=answers(404))
def read_token(token_id: TokenId, control: ControlDep, _actor: ReadDep) -> TokenAnswer:
    """One token, masked."""
    with control.database.read() as unit:
        return _show(tokens.find(unit, token_id))


@router.patch("/{token_id}", summary="Change a token", responses=answers(404))
def change_token(token_id: TokenId, body: TokenChange, control: ControlDep, actor: WriteDep) -> TokenAnswer:
    """Label, on or off; `state: active` revives one that was said to be resting, limited or invalid."""
    with control.database.write() as unit:
        return _show(tokens.change(unit, actor, token_id, body.model_dump(exclude_unset=True)))


@router.delete("/{token_id}", status_code=204, summary="Remove a token", responses=answers(404, 409))
def remove_token(token_id: TokenId, control: ControlDep, actor: WriteDep) -> None:
    """With its history; switching off (`is_enabled`) keeps it."""
    with control.database.write() as unit:
        tokens.remove(unit, actor, token_id)


@router.get("/{token_id}/history", summary="A token's history", responses=answers(404))
def read_history(
    token_id: TokenId,
    control: ControlDep,
    _actor: ReadDep,
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[TokenEventAnswer]:
    """Lent, given back, reported, revived: newest first."""
    with control.database.read() as unit:
        found = tokens.read_history(unit, token_id, before_id=cursor, limit=limit)
    return Page(items=[TokenEventAnswer.model_validate(item) for item in found], next=found[-1].id if len(found) == limit else None)


@router.post("/{token_id}/report", summary="Report on a token (node)", tags=["leases (node)"], responses=answers(409))
def report_token(token_id: TokenId, body: TokenReport, control: ControlDep, actor: NodeDep) -> Supply:
    """Give a token back, let it rest, or retire it with the verdict that says why. Answers what is left."""
    report = Report(body.said, body.cause, body.evidence, body.rest_seconds)
    token = control.database.retry(lambda unit: lending.take_report(unit, actor.principal.id, token_id, report, control.cipher))
    with control.database.read() as unit:
        return Supply(platform=Platform(token.platform), **lending.count_supply(unit)[token.platform])
