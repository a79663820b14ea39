"""`tokens`: what lets nodes in at a platform, masked, from the machine itself."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from control_api.cli.console import MANY, Desk, UsageError, add_ids, read_file, read_limit, reader_of, say, say_newest, say_table
from control_api.schemas.base import RowId
from control_api.schemas.tokens import TokenImport, TokenState
from control_api.services import lending, tokens
from jobschema import Platform

STEP = 1000
_CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "enable": ({"is_enabled": True}, "Tokens that may be lent"),
    "disable": ({"is_enabled": False}, "Tokens lent no more"),
    "revive": ({"state": "active"}, "Tokens active again"),
}
_read_id = reader_of(RowId, "an id is a whole number from 1; `tokens list` shows them")


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    actions = commands.add_parser("tokens", help="import, list, switch, revive, remove; history, supply").add_subparsers(required=True)
    load = actions.add_parser("import", help="a text file: one token a line, then optionally a label; # begins a comment")
    load.add_argument("file", type=Path)
    load.add_argument("--platform", type=Platform, choices=list(Platform), default=Platform.BOSS)
    load.set_defaults(run=import_tokens)
    found = actions.add_parser("list")
    found.add_argument("--platform", choices=list(map(str, Platform)), default="")
    found.add_argument("--state", choices=get_args(TokenState), default="")
    found.set_defaults(run=list_tokens)
    actions.add_parser("supply").set_defaults(run=show_supply)
    history = actions.add_parser("history", help="lent, given back, reported, revived: newest first")
    history.add_argument("id", type=_read_id)
    history.add_argument("--limit", type=read_limit, default=50)
    history.set_defaults(run=show_history)
    for name, (values, effect) in _CHANGES.items():
        parser = actions.add_parser(name)
        add_ids(parser, _read_id)
        parser.set_defaults(run=change_tokens, values=values, effect=effect)
    remove = actions.add_parser("remove", help="with their history; `disable` keeps it")
    add_ids(remove, _read_id)
    remove.set_defaults(run=remove_tokens)
    anew = actions.add_parser("encrypt-anew", help="after a new key was put first in CONTROL_TOKEN_KEYS; then the old one can go")
    anew.set_defaults(run=encrypt_anew)


def import_tokens(desk: Desk, options: argparse.Namespace) -> None:
    """Import a file of tokens. No message quotes a token."""
    lines = [line.split("#", 1)[0].split(None, 1) for line in read_file(options.file).decode("utf-8", "replace").splitlines()]
    items = [(number, {"token": line[0], "label": "".join(line[1:]).strip()}) for number, line in enumerate(lines, 1) if line]
    if not items:
        raise UsageError(f"{options.file} holds no token.")
    added = existing = 0
    with desk.control.database.write() as unit:
        for start in range(0, len(items), STEP):
            body = _check_tokens(options.platform, items[start : start + STEP])
            given = [(item.token.get_secret_value(), item.label) for item in body.tokens]
            new, doubles = tokens.add(unit, desk.actor, options.platform, given, desk.control.cipher)
            added, existing = added + len(new), existing + len(doubles)
    say(f"{added} added, {existing} were there")


def _check_tokens(platform: Platform, items: list[tuple[int, dict[str, str]]]) -> TokenImport:
    try:
        return TokenImport.model_validate({"platform": platform, "tokens": [item for _, item in items]})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place, part = first["loc"][1:3]
        raise UsageError(f"Line {items[int(place)][0]}: {part}: {first['msg']}. Nothing was imported.") from None


def list_tokens(desk: Desk, options: argparse.Namespace) -> None:
    """Print every token that matches, masked."""
    with desk.control.database.read() as unit:
        found = tokens.search(unit, options.platform, options.state, after_id=0, limit=MANY)
    say_table(
        ("id", "platform", "token", "label", "state", "cause", "on", "available", "lent to"),
        ((t.id, t.platform, f"***{t.tail}", t.label, t.state, t.last_cause, t.is_enabled, t.available_at, t.leased_by) for t in found),
    )


def show_supply(desk: Desk, _options: argparse.Namespace) -> None:
    """Print how many tokens are in which place."""
    with desk.control.database.read() as unit:
        supply = lending.count_supply(unit)
    say_table(("platform", *lending.PLACES), ((platform, *row.values()) for platform, row in sorted(supply.items())))


def show_history(desk: Desk, options: argparse.Namespace) -> None:
    """Print what happened to a token."""
    with desk.control.database.read() as unit:
        found = tokens.read_history(unit, options.id, before_id=None, limit=options.limit)
    say_newest(
        ("at", "what", "cause", "node", "user", "evidence"),
        [(e.at, e.kind, e.cause, e.node_id, e.user_name, e.evidence) for e in found],
        options.limit,
    )


def change_tokens(desk: Desk, options: argparse.Namespace) -> None:
    """Switch tokens on or off, or revive those that were resting, limited or invalid."""
    with desk.control.database.write() as unit:
        for token_id in options.id:
            tokens.change(unit, desk.actor, token_id, options.values)
    say(f"{options.effect}: {len(options.id)}")


def remove_tokens(desk: Desk, options: argparse.Namespace) -> None:
    """Remove tokens; all of them or, while a node has one, none."""
    with desk.control.database.write() as unit:
        for token_id in options.id:
            tokens.remove(unit, desk.actor, token_id)
    say(f"Tokens removed: {len(options.id)}")


def encrypt_anew(desk: Desk, _options: argparse.Namespace) -> None:
    """Encrypt every token with the first key."""
    with desk.control.database.write() as unit:
        count = tokens.encrypt_anew(unit, desk.actor, desk.control.cipher)
    say(f"{count} tokens are encrypted with the first key of CONTROL_TOKEN_KEYS.")
