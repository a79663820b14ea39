"""Platform tokens as the operator sees them: added, listed with stars, switched off, revived, re-encrypted, removed."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, delete, select

from control_api.errors import Conflict, NotFound
from control_api.models import Token, TokenEvent
from control_api.models.base import now_utc
from control_api.principal import Actor
from control_api.security import TokenCipher
from control_api.services import audit

STEP = 300


def find(unit: Session, token_id: int) -> Token:
    """The token. Raises NotFound."""
    token = unit.get(Token, token_id)
    if token is None:
        raise NotFound(f"There is no token {token_id}.")
    return token


def search(unit: Session, platform: str, state: str, *, after_id: int, limit: int) -> list[Token]:
    """Tokens by id; empty texts do not filter."""
    statement = select(Token).where(col(Token.id) > after_id).order_by(col(Token.id)).limit(limit)
    if platform:
        statement = statement.where(Token.platform == platform)
    if state:
        statement = statement.where(Token.state == state)
    return list(unit.exec(statement).all())


def add(unit: Session, actor: Actor, platform: str, tokens: list[tuple[str, str]], cipher: TokenCipher) -> tuple[list[Token], list[int]]:
    """Add tokens given as (secret, label). Returns the new ones, and the positions of those that were there already."""
    wanted = {cipher.fingerprint(secret): place for place, (secret, _) in reversed(list(enumerate(tokens)))}
    known = _find_known(unit, [mark for secret, _ in tokens for mark in cipher.fingerprints(secret)])
    added, doubles = [], []
    for place, (secret, label) in enumerate(tokens):
        if wanted[cipher.fingerprint(secret)] != place or known & set(cipher.fingerprints(secret)):
            doubles.append(place)
            continue
        added.append(
            Token(
                platform=platform,
                label=label,
                ciphertext=cipher.encrypt(secret),
                fingerprint=cipher.fingerprint(secret),
                tail=secret[-4:] if len(secret) >= 16 else "",
            )
        )
    unit.add_all(added)
    unit.flush()
    unit.add_all(TokenEvent(token_id=token.id or 0, kind="added", user_name=actor.principal.name) for token in added)
    if added:
        audit.record(
            unit,
            actor,
            "token.add",
            added[0] if len(added) == 1 else None,
            after={"platform": platform, "added": len(added), "ids": [token.id for token in added]},
            object_kind="boss_token",
        )
    return added, doubles


def _find_known(unit: Session, fingerprints: list[str]) -> set[str]:
    known: set[str] = set()
    for start in range(0, len(fingerprints), STEP):
        known.update(unit.exec(select(Token.fingerprint).where(col(Token.fingerprint).in_(fingerprints[start : start + STEP]))).all())
    return known


def change(unit: Session, actor: Actor, token_id: int, values: dict[str, Any]) -> Token:
    """Change label, is_enabled; `state` active revives a token that was resting, limited or invalid."""
    token = find(unit, token_id)
    before = audit.snapshot(token)
    if values.get("state") == "active" and token.state != "active":
        token.available_at, token.leased_by = now_utc(), None
        unit.add(TokenEvent(token_id=token_id, kind="revived", user_name=actor.principal.name))
    for name, value in values.items():
        setattr(token, name, value)
    unit.flush()
    audit.record(unit, actor, "token.change", token, before=before, after=audit.snapshot(token))
    return token


def remove(unit: Session, actor: Actor, token_id: int) -> None:
    """Remove a token and its history. Raises Conflict while a node has it."""
    token = find(unit, token_id)
    if token.leased_by is not None and token.available_at > now_utc():
        raise Conflict(f"Token {token_id} is lent to node {token.leased_by}; switch it off and remove it afterwards.")
    unit.exec(delete(TokenEvent).where(col(TokenEvent.token_id) == token_id))
    audit.record(unit, actor, "token.remove", token, before=audit.snapshot(token))
    unit.delete(token)


def read_history(unit: Session, token_id: int, *, before_id: int | None, limit: int) -> list[TokenEvent]:
    """What happened to a token, newest first."""
    find(unit, token_id)
    statement = select(TokenEvent).where(TokenEvent.token_id == token_id).order_by(col(TokenEvent.id).desc()).limit(limit)
    if before_id is not None:
        statement = statement.where(col(TokenEvent.id) < before_id)
    return list(unit.exec(statement).all())


def count_strange(unit: Session, cipher: TokenCipher) -> int:
    """How many tokens no key decrypts."""
    return sum(not cipher.knows(ciphertext) for ciphertext in unit.exec(select(Token.ciphertext)))


def encrypt_anew(unit: Session, actor: Actor, cipher: TokenCipher) -> int:
    """Encrypt every token with the first key; afterwards the other keys can go. Returns how many. Raises Unavailable when no key fits."""
    tokens = unit.exec(select(Token).with_for_update()).all()
    for token in tokens:
        secret = cipher.decrypt(token.ciphertext)
        token.ciphertext, token.fingerprint = cipher.encrypt(secret), cipher.fingerprint(secret)
    audit.record(unit, actor, "token.encrypt-anew", after={"tokens": len(tokens)}, object_kind="boss_token")
    return len(tokens)
