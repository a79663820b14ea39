"""Tokens on loan: each to one node at a time, taken back by what the node says of them or by the end of the lease."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import case
from sqlmodel import Session, col, func, select

from control_api.errors import Invalid, LeaseLost
from control_api.logs import redact
from control_api.models import Token, TokenEvent
from control_api.models.base import now_utc
from control_api.security import TokenCipher
from control_api.services.access import is_draining
from jobschema import Verdict

Said = Literal["returned", "resting", "limited", "invalid"]
DEADLY = frozenset({Verdict.TOKEN_INVALID, Verdict.ACCOUNT_BANNED})
PLACES = ("free", "lent", "resting", "limited", "invalid", "off")
LENDABLE = ("active", "resting", "limited")


@dataclass(frozen=True, slots=True)
class Loan:
    """A token in the hands of a node."""

    token: Token
    secret: str = field(repr=False)
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """What a node says of a token: why, with what evidence, and how many seconds it should rest."""

    said: Said
    cause: Verdict | None = None
    evidence: str = ""
    rest_seconds: int = 0


def lend(unit: Session, node_id: int, platform: str, count: int, *, lease_seconds: int, cipher: TokenCipher) -> list[Loan]:
    """Up to `count` tokens: those that the node holds, with a longer lease, then those that waited longest.

    Asking again after an answer was lost gives the same tokens. None for a node that drains.
    """
    now = now_utc()
    if is_draining(unit, node_id):
        return []
    until = now + timedelta(seconds=lease_seconds)
    held = _find_held(unit, node_id, platform, now, count)
    fresh = _find_free(unit, platform, now, count - len(held)) if len(held) < count else []
    for token in held:
        token.available_at = until
    for token in fresh:
        token.state, token.leased_by, token.available_at, token.last_lent_at = "active", node_id, until, now
        token.times_lent += 1
        token.lease_epoch += 1
        unit.add(TokenEvent(token_id=token.id or 0, kind="lent", node_id=node_id, at=now))
    return [Loan(token, cipher.decrypt(token.ciphertext), until) for token in (*held, *fresh)]


def _find_held(unit: Session, node_id: int, platform: str, now: datetime, count: int) -> list[Token]:
    statement = (
        select(Token)
        .where(Token.leased_by == node_id, Token.platform == platform, Token.state == "active", Token.available_at > now)
        .where(col(Token.is_enabled))
        .order_by(col(Token.id))
        .limit(count)
        .with_for_update()
    )
    return list(unit.exec(statement).all())


def _find_free(unit: Session, platform: str, now: datetime, count: int) -> list[Token]:
    statement = (
        select(Token)
        .where(Token.platform == platform, col(Token.state).in_(LENDABLE), col(Token.is_enabled), Token.available_at <= now)
        .order_by(col(Token.last_lent_at), col(Token.id))
        .limit(count)
        .with_for_update(skip_locked=True)
    )
    return list(unit.exec(statement).all())


def take_report(unit: Session, node_id: int, token_id: int, report: Report, cipher: TokenCipher) -> Token:
    """Act on what a node says of a token that it holds. Raises LeaseLost; Invalid when no verdict supports it."""
    token = unit.exec(select(Token).where(Token.id == token_id, Token.leased_by == node_id).with_for_update()).first()
    now = now_utc()
    if token is None or token.available_at <= now:
        raise LeaseLost(f"Token {token_id} is not lent to this node (any more).")
    check_report(report)
    token.leased_by, token.available_at = None, now + timedelta(seconds=report.rest_seconds)
    token.state = "active" if report.said == "returned" else report.said
    token.last_cause = report.cause.value if report.cause else token.last_cause
    evidence = redact(report.evidence, [cipher.decrypt(token.ciphertext)])[:500]
    unit.add(
        TokenEvent(token_id=token_id, kind=report.said, cause=token.last_cause if report.cause else "", evidence=evidence, node_id=node_id)
    )
    return token


def check_report(report: Report) -> None:
    """Raise Invalid unless the cause supports what is said: nothing is retired without a named verdict."""
    if report.said == "returned":
        return
    if report.cause is None or not report.cause.is_block:
        raise Invalid(f"{report.said!r} needs a cause that is a block; valid are {', '.join(sorted(v for v in Verdict if v.is_block))}.")
    if report.said == "invalid" and report.cause not in DEADLY:
        raise Invalid(
            f"'invalid' needs the cause {' or '.join(sorted(DEADLY))}; after {report.cause.value!r} a token is resting or limited."
        )


def give_back_all(unit: Session, node_id: int, now: datetime, platforms: Sequence[str] = ()) -> int:
    """Take back every token of a node (of `platforms`, when some are named), because it stops; returns how many."""
    statement = select(Token).where(Token.leased_by == node_id, Token.available_at > now)
    if platforms:
        statement = statement.where(col(Token.platform).in_(platforms))
    tokens = unit.exec(statement.with_for_update()).all()
    for token in tokens:
        token.leased_by, token.available_at = None, now
        unit.add(TokenEvent(token_id=token.id or 0, kind="returned", node_id=node_id, at=now))
    return len(tokens)


def count_supply(unit: Session) -> dict[str, dict[str, int]]:
    """Platform -> how many tokens are free, lent, resting, limited, invalid, off."""
    waits = col(Token.available_at) > now_utc()
    place = case(
        (~col(Token.is_enabled), "off"),
        (col(Token.state) == "invalid", "invalid"),
        (~waits, "free"),
        (col(Token.leased_by).is_not(None), "lent"),
        (col(Token.state) == "limited", "limited"),
        else_="resting",
    ).label("place")
    supply: dict[str, dict[str, int]] = {}
    for platform, where, count in unit.exec(select(col(Token.platform), place, func.count()).group_by(col(Token.platform), place)).all():
        supply.setdefault(platform, dict.fromkeys(PLACES, 0))[where] = count
    return supply
