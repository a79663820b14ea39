"""`nodes` and `ip`: who crawls, with which credentials, from where; from the machine itself."""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import get_args

from sqlmodel import Session, select

from control_api.cli.console import MANY, Desk, UsageError, read_day, read_limit, read_name, reader_of, say, say_newest, say_table
from control_api.models import Node
from control_api.models.base import now_utc
from control_api.rights import GRANTABLE_TO_NODES
from control_api.schemas.base import RowId
from control_api.schemas.fleet import Days, Grace, NodeState
from control_api.services import credentials, nodes, uploads

_read_id = reader_of(RowId, "an id is a whole number from 1; `nodes credentials NAME` shows them")
_read_days = reader_of(Days, "1 to 730 days")
_read_grace = reader_of(Grace, "0 to 604800 seconds, a week")


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    actions = commands.add_parser("nodes", help="list, add, drain, remove; their credentials").add_subparsers(required=True)
    found = actions.add_parser("list")
    found.add_argument("--state", choices=get_args(NodeState), default="")
    found.set_defaults(run=list_nodes)
    add = actions.add_parser("add", help="a node (if it is new) and a credential, printed once")
    add.add_argument("name", type=read_name)
    add.add_argument("--scope", action="append", choices=GRANTABLE_TO_NODES, help="several times; all three when left out")
    add.add_argument("--days", type=_read_days, default=90)
    add.set_defaults(run=add_node)
    for name, is_draining in (("drain", True), ("undrain", False)):
        parser = actions.add_parser(name)
        parser.add_argument("name")
        parser.set_defaults(run=drain_node, is_draining=is_draining)
    remove = actions.add_parser("remove", help="one that never ran anything; of others, revoke the credentials")
    remove.add_argument("name")
    remove.set_defaults(run=remove_node)
    _add_credential_parsers(actions)
    counts = commands.add_parser("ip", help="uploads per address, newest first")
    counts.add_argument("--day", type=read_day)
    counts.add_argument("--source", default="", help="a node's name")
    counts.add_argument("--ip", default="")
    counts.add_argument("--limit", type=read_limit, default=50)
    counts.set_defaults(run=list_uploads)


def _add_credential_parsers(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    found = actions.add_parser("credentials", help="of a node, newest first, without secrets")
    found.add_argument("name")
    found.set_defaults(run=list_credentials)
    rotate = actions.add_parser("rotate", help="a successor with the same scopes, printed once")
    rotate.add_argument("name")
    rotate.add_argument("credential", type=_read_id, metavar="ID")
    rotate.add_argument("--days", type=_read_days, default=90)
    rotate.add_argument("--grace-seconds", type=_read_grace, default=0, help="for which the old one is still good")
    rotate.set_defaults(run=rotate_credential)
    revoke = actions.add_parser("revoke", help="revoke every credential of a node, or one")
    revoke.add_argument("name")
    revoke.add_argument("--credential", type=_read_id, metavar="ID")
    revoke.set_defaults(run=revoke_credentials)


def list_nodes(desk: Desk, options: argparse.Namespace) -> None:
    """Print nodes and their states."""
    now, beat = now_utc(), desk.settings.heartbeat_seconds
    with desk.control.database.read() as unit:
        found = nodes.search(unit, options.state, now, beat, after_id=0, limit=MANY)
    say_table(
        ("id", "node", "state", "last seen", "address", "last words"),
        ((n.id, n.name, nodes.read_state(n, now, beat), n.last_seen_at, n.ip, n.last_words) for n in found),
    )


def add_node(desk: Desk, options: argparse.Namespace) -> None:
    """Add a node and print its credential, once."""
    scopes = options.scope or list(GRANTABLE_TO_NODES)
    with desk.control.database.write() as unit:
        node = unit.exec(select(Node).where(Node.name == options.name)).first() or nodes.create(unit, desk.actor, options.name)
        credential, secret = credentials.issue(unit, desk.actor, node.id or 0, scopes, timedelta(days=options.days))
    say(f"Node {node.name}, scopes {', '.join(credential.scopes)}, good until {credential.expires_at:%Y-%m-%d}")
    say(secret)


def drain_node(desk: Desk, options: argparse.Namespace) -> None:
    """Ask a node to take nothing new, or take that back."""
    with desk.control.database.write() as unit:
        nodes.set_drain(unit, desk.actor, find_node(unit, options.name), options.is_draining)
    say(f"{options.name} {'drains' if options.is_draining else 'takes work'} from its next heartbeat on.")


def remove_node(desk: Desk, options: argparse.Namespace) -> None:
    """Remove a node that never ran anything."""
    with desk.control.database.write() as unit:
        nodes.remove(unit, desk.actor, find_node(unit, options.name))
    say(f"{options.name} is removed.")


def list_credentials(desk: Desk, options: argparse.Namespace) -> None:
    """Print the credentials of a node."""
    with desk.control.database.read() as unit:
        found = credentials.list_of(unit, find_node(unit, options.name))
    say_table(
        ("id", "scopes", "good", "issued", "expires", "revoked", "last used"),
        ((c.id, ",".join(c.scopes), credentials.is_good(c), c.created_at, c.expires_at, c.revoked_at, c.last_used_at) for c in found),
    )


def rotate_credential(desk: Desk, options: argparse.Namespace) -> None:
    """Print the successor of a credential, once."""
    lifetime, grace = timedelta(days=options.days), timedelta(seconds=options.grace_seconds)
    with desk.control.database.write() as unit:
        node_id = find_node(unit, options.name)
        credential, secret = credentials.rotate(unit, desk.actor, node_id, options.credential, lifetime, grace)
    old = f"for {options.grace_seconds} more seconds" if options.grace_seconds else "no more"
    say(f"Credential {credential.id} is good until {credential.expires_at:%Y-%m-%d}; {options.credential} {old}.")
    say(secret)


def revoke_credentials(desk: Desk, options: argparse.Namespace) -> None:
    """Revoke one credential of a node, or every one."""
    with desk.control.database.write() as unit:
        node_id = find_node(unit, options.name)
        good = [credential.id or 0 for credential in credentials.list_of(unit, node_id) if credentials.is_good(credential)]
        ended = [options.credential] if options.credential else good
        for credential_id in ended:
            credentials.revoke(unit, desk.actor, node_id, credential_id)
    say(f"Credentials of {options.name} revoked: {len(ended)}")


def list_uploads(desk: Desk, options: argparse.Namespace) -> None:
    """Print how much came from which address."""
    with desk.control.database.read() as unit:
        found = uploads.search(unit, options.day, options.source, options.ip, before_id=None, limit=options.limit)
    say_newest(
        ("day", "source", "address", "uploads", "rows", "bytes", "last"),
        [(u.day, u.source, u.ip, u.uploads, u.rows, u.bytes, u.last_at) for u in found],
        options.limit,
    )


def find_node(unit: Session, name: str) -> int:
    """The id of a node."""
    node_id = unit.exec(select(Node.id).where(Node.name == name)).first()
    if node_id is None:
        raise UsageError(f"There is no node {name!r}; `nodes list` shows them.")
    return node_id
