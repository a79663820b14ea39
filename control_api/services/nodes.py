"""Nodes: what they say of themselves, whether they are there, and when they should stop taking work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, delete, func, select, update

from control_api.errors import Conflict, NotFound
from control_api.models import KeywordRun, Node, NodeCredential, Token
from control_api.principal import Actor
from control_api.services import audit, leases, lending
from control_api.services.access import access_changed, is_draining

NodeState = Literal["new", "alive", "draining", "lost", "stopped"]
MISSED = 1.5  # heartbeats without a word make a node lost: half a heartbeat after the one that did not come


def find(unit: Session, node_id: int) -> Node:
    """The node. Raises NotFound."""
    node = unit.get(Node, node_id)
    if node is None:
        raise NotFound(f"There is no node {node_id}.")
    return node


def read_state(node: Node, now: datetime, heartbeat_seconds: int) -> NodeState:
    """What the moments of a node say at `now`."""
    if node.stopped_at is not None:
        return "stopped"
    if node.last_seen_at is None:
        return "new"
    if node.last_seen_at < now - timedelta(seconds=heartbeat_seconds * MISSED):
        return "lost"
    return "draining" if node.is_draining else "alive"


def search(unit: Session, state: str, now: datetime, heartbeat_seconds: int, *, after_id: int, limit: int) -> list[Node]:
    """Nodes in a state ('' for all), by id."""
    statement = select(Node).where(col(Node.id) > after_id).order_by(col(Node.id)).limit(limit)
    if state:
        statement = statement.where(_in_state(state, now - timedelta(seconds=heartbeat_seconds * MISSED)))
    return list(unit.exec(statement).all())


def _in_state(state: str, edge: datetime) -> ColumnElement[bool]:
    running, seen = col(Node.stopped_at).is_(None), col(Node.last_seen_at)
    conditions: dict[str, ColumnElement[bool]] = {
        "stopped": col(Node.stopped_at).is_not(None),
        "new": and_(running, seen.is_(None)),
        "lost": and_(running, seen < edge),
        "draining": and_(running, seen >= edge, col(Node.is_draining)),
        "alive": and_(running, seen >= edge, col(Node.is_draining).is_(False)),
    }
    return conditions[state]


def count_states(unit: Session, now: datetime, heartbeat_seconds: int) -> dict[str, int]:
    """How many nodes are in each state."""
    edge = now - timedelta(seconds=heartbeat_seconds * MISSED)
    return {
        state: unit.exec(select(func.count()).select_from(Node).where(_in_state(state, edge))).one()
        for state in ("new", "alive", "draining", "lost", "stopped")
    }


def create(unit: Session, actor: Actor, name: str) -> Node:
    """Add a node; it needs a credential before it can say anything."""
    if unit.exec(select(Node.id).where(Node.name == name)).first() is not None:
        raise Conflict(f"There is already a node {name!r}.")
    node = Node(name=name)
    unit.add(node)
    unit.flush()
    audit.record(unit, actor, "node.create", node, after={"name": name})
    return node


def set_drain(unit: Session, actor: Actor, node_id: int, is_draining: bool) -> Node:
    """Ask a node to finish what it has and take nothing new, or take that back."""
    node = find(unit, node_id)
    before = {"is_draining": node.is_draining}
    node.is_draining = is_draining
    audit.record(unit, actor, "node.drain", node, before=before, after={"is_draining": is_draining})
    return node


def remove(unit: Session, actor: Actor, node_id: int) -> None:
    """Remove a node that never ran anything; others keep their runs' history: revoke their credentials instead."""
    node = find(unit, node_id)
    used = unit.exec(select(KeywordRun.id).where(KeywordRun.node_id == node_id)).first()
    lent = unit.exec(select(Token.id).where(Token.leased_by == node_id)).first()
    if used is not None or lent is not None:
        raise Conflict(f"Node {node.name!r} has runs or tokens; revoke its credentials instead.")
    unit.exec(delete(NodeCredential).where(col(NodeCredential.node_id) == node_id))
    access_changed(unit)
    audit.record(unit, actor, "node.remove", node, before=audit.snapshot(node))
    unit.delete(node)


def register(unit: Session, node_id: int, about: dict[str, Any], ip: str, now: datetime) -> Node:
    """A node begins: what it is, from where. A node that begins again has not stopped any more."""
    node = find(unit, node_id)
    others = [] if node.stopped_at is not None else node.about.get("platforms", [])
    node.registered_at = node.last_seen_at = now
    node.stopped_at, node.last_words = None, ""
    node.about, node.ip = {**about, "platforms": sorted({*others, *about.get("platforms", [])})}, ip
    return node


def beat(unit: Session, node_id: int, vitals: dict[str, float], ip: str, now: datetime) -> bool:
    """A sign of life. Returns whether the node should drain. A node that took its leave stays stopped."""
    unit.exec(update(Node).where(col(Node.id) == node_id).values(last_seen_at=now, vitals=vitals, ip=ip))
    return is_draining(unit, node_id)


def take_leave(unit: Session, node_id: int, words: str, now: datetime, platforms: Sequence[str] = ()) -> tuple[int, int]:
    """A node's last words: what it still holds goes back at once. Returns how many keywords and tokens that were.

    With `platforms`, only what concerns them; the node has stopped when it crawls no other.
    """
    node = find(unit, node_id)
    left = sorted(set(node.about.get("platforms", [])) - set(platforms)) if platforms else []
    node.about = {**node.about, "platforms": left}
    node.last_seen_at, node.last_words = now, words
    if not left:
        node.stopped_at = now
    keywords = leases.give_back_all(unit, node_id, now, platforms)
    return keywords, lending.give_back_all(unit, node_id, now, platforms)
