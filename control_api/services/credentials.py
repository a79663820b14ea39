"""Credentials of nodes: shown once, kept as a hash, scoped, expiring, replaced and revoked."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session, col, select

from control_api.errors import Conflict, Invalid, NotFound
from control_api.models import NodeCredential
from control_api.models.base import now_utc
from control_api.principal import Actor
from control_api.rights import GRANTABLE_TO_NODES
from control_api.security import make_node_secret
from control_api.services import audit, nodes
from control_api.services.access import access_changed

MANY = 10  # credentials of one node that are good at the same time


def list_of(unit: Session, node_id: int) -> list[NodeCredential]:
    """Every credential of a node, newest first."""
    nodes.find(unit, node_id)
    return list(unit.exec(select(NodeCredential).where(NodeCredential.node_id == node_id).order_by(col(NodeCredential.id).desc())).all())


def issue(unit: Session, actor: Actor, node_id: int, scopes: list[str], lifetime: timedelta) -> tuple[NodeCredential, str]:
    """A new credential and its secret, which nobody can read again."""
    node = nodes.find(unit, node_id)
    unknown = sorted(set(scopes) - set(GRANTABLE_TO_NODES))
    if unknown:
        raise Invalid(f"A node cannot hold {', '.join(map(repr, unknown))}; valid are {', '.join(GRANTABLE_TO_NODES)}.")
    good = [credential for credential in list_of(unit, node_id) if is_good(credential)]
    if len(good) >= MANY:
        raise Conflict(f"Node {node.name!r} has {MANY} good credentials; revoke one first.")
    secret = make_node_secret()
    credential = NodeCredential(
        node_id=node_id,
        public_id=secret.public_id,
        secret_hash=secret.hash,
        scopes=sorted(set(scopes)),
        expires_at=now_utc() + lifetime,
    )
    unit.add(credential)
    unit.flush()
    audit.record(unit, actor, "credential.issue", credential, after={**audit.snapshot(credential), "node": node.name})
    return credential, secret.text


def rotate(
    unit: Session, actor: Actor, node_id: int, credential_id: int, lifetime: timedelta, grace: timedelta
) -> tuple[NodeCredential, str]:
    """A successor with the same scopes; the old one is good for `grace` more."""
    old = _find(unit, node_id, credential_id)
    if not is_good(old):
        raise Conflict("This credential has expired or was revoked; issue a new one.")
    old.expires_at = min(old.expires_at, now_utc() + grace)
    access_changed(unit)
    audit.record(unit, actor, "credential.rotate", old, after={"expires_at": old.expires_at})
    unit.flush()
    return issue(unit, actor, node_id, old.scopes, lifetime)


def revoke(unit: Session, actor: Actor, node_id: int, credential_id: int) -> None:
    """End a credential now. Revoking it twice changes nothing."""
    credential = _find(unit, node_id, credential_id)
    if credential.revoked_at is None:
        credential.revoked_at = now_utc()
        access_changed(unit)
        audit.record(unit, actor, "credential.revoke", credential, after={"revoked_at": credential.revoked_at})


def is_good(credential: NodeCredential) -> bool:
    """Whether it opens anything at this moment."""
    return credential.revoked_at is None and credential.expires_at > now_utc()


def _find(unit: Session, node_id: int, credential_id: int) -> NodeCredential:
    # Nobody else's until the unit ends: of two who replace a credential at once, one is told that it ended.
    credential = unit.get(NodeCredential, credential_id, with_for_update=True)
    if credential is None or credential.node_id != node_id:
        raise NotFound(f"Node {node_id} has no credential {credential_id}.")
    return credential
