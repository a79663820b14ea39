"""Turns a credential into a principal: what every request asks first."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select, update

from control_api.db import ACCESS_CHANGED
from control_api.errors import Unauthenticated
from control_api.models import AuthSession, Node, NodeCredential, RoleRight, User, UserRole
from control_api.models.base import now_utc
from control_api.principal import Principal
from control_api.rights import SELF
from control_api.security import NodeSecret, is_same

_USE_STEP = timedelta(minutes=5)


def find_user(unit: Session, jti: str, user_id: int) -> Principal | None:
    """The user of a session that is neither ended nor revoked, with the rights of this moment."""
    statement = (
        select(User, AuthSession)
        .join(AuthSession, col(AuthSession.user_id) == col(User.id))
        .where(AuthSession.jti == jti, User.id == user_id)
    )
    found = unit.exec(statement).first()
    if found is None:
        return None
    user, session = found
    if not user.is_active or session.revoked_at is not None or session.expires_at <= now_utc():
        return None
    scopes = frozenset({SELF}) if user.must_change_password else find_scopes(unit, user_id) | {SELF}
    return Principal("user", user_id, user.username, scopes, jti)


def find_scopes(unit: Session, user_id: int) -> frozenset[str]:
    """Every right that the user's roles hold."""
    statement = select(RoleRight.scope).join(UserRole, col(UserRole.role_id) == col(RoleRight.role_id)).where(UserRole.user_id == user_id)
    return frozenset(unit.exec(statement).all())


def find_node(unit: Session, secret: NodeSecret) -> Principal | None:
    """The node of a credential that is neither expired nor revoked."""
    statement = (
        select(NodeCredential, Node)
        .join(Node, col(Node.id) == col(NodeCredential.node_id))
        .where(NodeCredential.public_id == secret.public_id)
    )
    found = unit.exec(statement).first()
    if found is None:
        return None
    credential, node = found
    is_good = is_same(credential.secret_hash, secret.hash) and credential.revoked_at is None and credential.expires_at > now_utc()
    if not is_good or node.id is None:
        return None
    return Principal("node", node.id, node.name, frozenset({*credential.scopes, "node:self"}), secret.public_id)


def is_draining(unit: Session, node_id: int) -> bool:
    """Whether a node should take nothing new. Raises Unauthenticated for one that another process removed a moment ago."""
    draining = unit.exec(select(Node.is_draining).where(Node.id == node_id)).first()
    if draining is None:
        raise Unauthenticated("The node of this credential is not there any more.")
    return draining


def is_use_noted(unit: Session, public_id: str, now: datetime) -> bool:
    """Whether it was written down within five minutes that a credential is in use."""
    last = unit.exec(select(NodeCredential.last_used_at).where(NodeCredential.public_id == public_id)).first()
    return last is not None and last >= now - _USE_STEP


def note_use(unit: Session, public_id: str, now: datetime) -> None:
    """Write down that a credential is in use."""
    unit.exec(update(NodeCredential).where(col(NodeCredential.public_id) == public_id).values(last_used_at=now))


def access_changed(unit: Session) -> None:
    """Say that rights, sessions or credentials change in this unit: what is remembered of them is void once it commits."""
    unit.info[ACCESS_CHANGED] = True
