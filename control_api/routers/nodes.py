"""Nodes over HTTP: what operators do with them, and what a node says of itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import Path, Query

from control_api.config import Settings
from control_api.deps import ControlDep, needs
from control_api.models import Node
from control_api.models.base import now_utc
from control_api.principal import Actor
from control_api.problems import answers
from control_api.routers.prefix import PrefixRouter
from control_api.schemas.base import Cursor, Limit, Page
from control_api.schemas.fleet import (
    CredentialAnswer,
    CredentialCreate,
    CredentialRotate,
    CredentialSecret,
    Heartbeat,
    HeartbeatAnswer,
    LastWords,
    LeaveAnswer,
    NodeAbout,
    NodeAnswer,
    NodeCreate,
    NodeDrain,
    NodeState,
)
from control_api.services import credentials, nodes

router = PrefixRouter(prefix="/api/v1/node", tags=["nodes"], responses=answers(401, 403, 422))
ReadDep = Annotated[Actor, needs("node:read")]
WriteDep = Annotated[Actor, needs("node:write")]
SelfDep = Annotated[Actor, needs("node:self")]
NodeId = Annotated[int, Path(ge=1, le=2**31 - 1)]
CredentialId = Annotated[int, Path(ge=1, le=2**31 - 1)]


def _show(node: Node, settings: Settings) -> NodeAnswer:
    state = nodes.read_state(node, now_utc(), settings.heartbeat_seconds)
    return NodeAnswer.model_validate({**node.model_dump(), "state": state})


@router.get("", summary="List nodes")
def list_nodes(
    control: ControlDep,
    _actor: ReadDep,
    state: Annotated[NodeState | None, Query()] = None,
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[NodeAnswer]:
    """Nodes by id; a node that missed a heartbeat by half of one shows as lost."""
    with control.database.read() as unit:
        found = nodes.search(unit, state or "", now_utc(), control.settings.heartbeat_seconds, after_id=cursor or 0, limit=limit)
    return Page(items=[_show(node, control.settings) for node in found], next=found[-1].id if len(found) == limit else None)


@router.post("", status_code=201, summary="Add a node", responses=answers(409))
def add_node(body: NodeCreate, control: ControlDep, actor: WriteDep) -> NodeAnswer:
    """Then issue a credential for it."""
    with control.database.write() as unit:
        return _show(nodes.create(unit, actor, body.name), control.settings)


@router.post("/register", summary="Register (node)")
def register(body: NodeAbout, control: ControlDep, actor: SelfDep) -> HeartbeatAnswer:
    """A node's first word: what it is. The credential says which node."""
    with control.database.write() as unit:
        node = nodes.register(unit, actor.principal.id, body.model_dump(mode="json"), actor.ip, now_utc())
        return _answer_beat(node.is_draining, control.settings)


@router.post("/heartbeat", summary="Heartbeat (node)")
def beat(body: Heartbeat, control: ControlDep, actor: SelfDep) -> HeartbeatAnswer:
    """A sign of life; the answer says whether to drain."""
    with control.database.write() as unit:
        is_draining = nodes.beat(unit, actor.principal.id, body.vitals, actor.ip, now_utc())
    return _answer_beat(is_draining, control.settings)


def _answer_beat(is_draining: bool, settings: Settings) -> HeartbeatAnswer:
    return HeartbeatAnswer(is_draining=is_draining, heartbeat_seconds=settings.heartbeat_seconds, server_time=now_utc())


@router.post("/last-words", summary="Last words (node)")
def take_leave(body: LastWords, control: ControlDep, actor: SelfDep) -> LeaveAnswer:
    """A node, or one of its crawls, stops: its leases and tokens are free again at once."""
    words = f"{body.reason}: {body.words}" if body.words else body.reason
    keywords, tokens = control.database.retry(
        lambda unit: nodes.take_leave(unit, actor.principal.id, words, now_utc(), [name.value for name in body.platforms])
    )
    return LeaveAnswer(keywords_returned=keywords, tokens_returned=tokens)


@router.get("/{node_id}", summary="Read a node", responses=answers(404))
def read_node(node_id: NodeId, control: ControlDep, _actor: ReadDep) -> NodeAnswer:
    """One node."""
    with control.database.read() as unit:
        return _show(nodes.find(unit, node_id), control.settings)


@router.put("/{node_id}/drain", summary="Drain a node", responses=answers(404))
def drain_node(node_id: NodeId, body: NodeDrain, control: ControlDep, actor: WriteDep) -> NodeAnswer:
    """It learns of it with its next heartbeat, and gets no keywords and tokens from now on."""
    with control.database.write() as unit:
        return _show(nodes.set_drain(unit, actor, node_id, body.is_draining), control.settings)


@router.delete("/{node_id}", status_code=204, summary="Remove a node", responses=answers(404, 409))
def remove_node(node_id: NodeId, control: ControlDep, actor: WriteDep) -> None:
    """Only one that never ran anything; of others, revoke the credentials."""
    with control.database.write() as unit:
        nodes.remove(unit, actor, node_id)


@router.get("/{node_id}/credential", summary="List a node's credentials", responses=answers(404))
def list_credentials(node_id: NodeId, control: ControlDep, _actor: ReadDep) -> list[CredentialAnswer]:
    """Newest first, without secrets."""
    with control.database.read() as unit:
        return [CredentialAnswer.model_validate(credential) for credential in credentials.list_of(unit, node_id)]


@router.post("/{node_id}/credential", status_code=201, summary="Issue a credential", responses=answers(404, 409))
def issue_credential(node_id: NodeId, body: CredentialCreate, control: ControlDep, actor: WriteDep) -> CredentialSecret:
    """The secret is in this answer and nowhere else."""
    with control.database.write() as unit:
        credential, secret = credentials.issue(unit, actor, node_id, list(body.scopes), timedelta(days=body.days))
        return CredentialSecret.model_validate({**credential.model_dump(), "secret": secret})


@router.post("/{node_id}/credential/{credential_id}/rotate", status_code=201, summary="Replace a credential", responses=answers(404, 409))
def rotate_credential(
    node_id: NodeId, credential_id: CredentialId, body: CredentialRotate, control: ControlDep, actor: WriteDep
) -> CredentialSecret:
    """A successor with the same scopes; the old one stays good for the grace time."""
    lifetime, grace = timedelta(days=body.days), timedelta(seconds=body.grace_seconds)
    with control.database.write() as unit:
        credential, secret = credentials.rotate(unit, actor, node_id, credential_id, lifetime, grace)
        return CredentialSecret.model_validate({**credential.model_dump(), "secret": secret})


@router.delete("/{node_id}/credential/{credential_id}", status_code=204, summary="Revoke a credential", responses=answers(404))
def revoke_credential(node_id: NodeId, credential_id: CredentialId, control: ControlDep, actor: WriteDep) -> None:
    """It opens nothing from now on."""
    with control.database.write() as unit:
        credentials.revoke(unit, actor, node_id, credential_id)
