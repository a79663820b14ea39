"""`keywords`, `tokens` and `nodes`: what the crawl needs, from the machine itself."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from sqlmodel import select

from control_api.cli.console import Desk, UsageError, read_name, say, say_table
from control_api.keyword_csv import LineFault, read_csv
from control_api.models import Node
from control_api.models.base import now_utc
from control_api.redis_queue import RedisQueue, open_redis
from control_api.routers.keywords import plan
from control_api.schemas.fleet import Days
from control_api.schemas.keywords import KeywordCreate
from control_api.schemas.tokens import TokenImport
from control_api.services import credentials, keywords, leases, lending, nodes, tokens
from control_api.services.keywords import KeywordFilter
from control_api.services.leases import LeaseRules
from control_api.services.queueing import Place
from control_api.tasks.fill_redis import fill
from jobschema import Platform
from jobschema.keys import PlatformKeys

STEP = 1000


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    words = commands.add_parser("keywords", help="import, list, look at what is due").add_subparsers(required=True)
    load = words.add_parser("import", help="a .csv or .json file; importing it twice adds nothing")
    load.add_argument("file", type=Path)
    load.add_argument("--update", action="store_true", help="give keywords that are there the file's values")
    load.set_defaults(run=import_keywords)
    words.add_parser("list").set_defaults(run=list_keywords)
    words.add_parser("fill", help="due keywords into Redis, ends of runs back; cron may call it twice").set_defaults(run=fill_redis)
    words.add_parser("due", help="close leases that ran out, count what waits; cron may call it twice").set_defaults(run=show_due)
    _add_token_parsers(commands.add_parser("tokens", help="import, list, supply, encrypt anew").add_subparsers(required=True))
    _add_node_parsers(commands.add_parser("nodes", help="list, add with a credential, drain, revoke").add_subparsers(required=True))


def _add_token_parsers(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    load = actions.add_parser("import", help="a text file: one token a line, then optionally a label; # begins a comment")
    load.add_argument("file", type=Path)
    load.add_argument("--platform", type=Platform, choices=list(Platform), default=Platform.BOSS)
    load.set_defaults(run=import_tokens)
    actions.add_parser("list").set_defaults(run=list_tokens)
    actions.add_parser("supply").set_defaults(run=show_supply)
    anew = actions.add_parser("encrypt-anew", help="after a new key was put first in CONTROL_TOKEN_KEYS; then the old one can go")
    anew.set_defaults(run=encrypt_anew)


def _add_node_parsers(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    actions.add_parser("list").set_defaults(run=list_nodes)
    add = actions.add_parser("add", help="a node (if it is new) and a credential, printed once")
    add.add_argument("name", type=read_name)
    add.add_argument("--scope", action="append", choices=["ingest", "keyword", "token"], help="several times; all three when left out")
    add.add_argument("--days", type=_read_days, default=90)
    add.set_defaults(run=add_node)
    for name, is_draining in (("drain", True), ("undrain", False)):
        parser = actions.add_parser(name)
        parser.add_argument("name")
        parser.set_defaults(run=drain_node, is_draining=is_draining)
    revoke = actions.add_parser("revoke", help="revoke every credential of a node")
    revoke.add_argument("name")
    revoke.set_defaults(run=revoke_node)


def _read_days(text: str) -> int:
    """For how long a credential is good, as the API takes it."""
    try:
        return TypeAdapter(Days).validate_python(text)
    except ValidationError:
        raise argparse.ArgumentTypeError("1 to 730 days") from None


def import_keywords(desk: Desk, options: argparse.Namespace) -> None:
    """Import a file; wrong lines are named and the others taken. Fails when nothing could be taken."""
    content = _read(options.file)
    bodies, faults = _read_json(content) if options.file.suffix == ".json" else read_csv(content)
    added = updated = existing = 0
    with desk.control.database.write() as unit:
        for start in range(0, len(bodies), STEP):
            result = keywords.add(unit, desk.actor, [plan(body) for body in bodies[start : start + STEP]], update=options.update)
            added, updated, existing = added + len(result.added), updated + result.updated, existing + result.existing
    for fault in faults[:50]:
        say(f"line {fault.line}: {fault.message}")
    say(f"{added} added, {updated} updated, {existing} were there, {len(faults)} lines not taken")
    if faults and not bodies:
        raise UsageError("No line could be taken.")


def _read_json(content: bytes) -> tuple[list[KeywordCreate], list[LineFault]]:
    try:
        return TypeAdapter(list[KeywordCreate]).validate_json(content), []
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise UsageError(f"Not a JSON list of keywords: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def list_keywords(desk: Desk, _options: argparse.Namespace) -> None:
    """Print every keyword."""
    with desk.control.database.read() as unit:
        found = keywords.search(unit, KeywordFilter(), after_id=0, limit=100_000)
    say_table(
        ("id", "platform", "city", "text", "priority", "on", "state", "due"),
        ((k.id, k.platform, k.city_code, k.text, k.priority, k.is_enabled, k.last_state or "-", k.available_at) for k in found),
    )


def show_due(desk: Desk, _options: argparse.Namespace) -> None:
    """Close what ran out, count what waits."""
    control, rules, closed = desk.control, LeaseRules.of(desk.settings), 0
    while batch := control.database.retry(lambda unit: leases.close_expired(unit, rules, now_utc())):
        closed += batch
    with control.database.read() as unit:
        due = keywords.count_due(unit)
    say(f"{closed} leases had run out")
    say_table(("platform", "due"), ((platform.value, due.get(platform, 0)) for platform in Platform))


def fill_redis(desk: Desk, _options: argparse.Namespace) -> None:
    """Put what is due where nodes take it from, and write down which earlier runs have ended."""
    settings = desk.settings
    if not settings.redis_url.get_secret_value():
        raise UsageError("CONTROL_REDIS_URL is not set: nodes take keywords from this API, there is nothing to fill.")
    rules = replace(LeaseRules.of(settings), seconds=settings.redis_run_seconds)
    with closing(open_redis(settings.redis_url.get_secret_value())) as client:
        for platform in Platform:
            queue = RedisQueue(client, PlatformKeys(platform.value, settings.redis_key))
            done = fill(desk.control.database, platform, queue, rules)
            still = done[Place.WAITING] + done[Place.OPEN] + done["again"]
            say(
                f"{platform.value}: {done['queued']} queued, {done[Place.COMPLETE]} complete, "
                f"{done[Place.DEAD] + done[Place.UNREADABLE]} given up, {still} still there ({done['again']} of them pushed again)"
            )


def import_tokens(desk: Desk, options: argparse.Namespace) -> None:
    """Import a file of tokens. No message quotes a token."""
    lines = [line.split("#", 1)[0].split(None, 1) for line in _read(options.file).decode("utf-8", "replace").splitlines()]
    items = [{"token": line[0], "label": line[1].strip() if len(line) > 1 else ""} for line in lines if line]
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


def _check_tokens(platform: Platform, items: list[dict[str, str]]) -> TokenImport:
    try:
        return TokenImport.model_validate({"platform": platform, "tokens": items})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise UsageError(f"Token number {int(first['loc'][1]) + 1} of this part: {first['msg']}") from None


def list_tokens(desk: Desk, _options: argparse.Namespace) -> None:
    """Print every token, masked."""
    with desk.control.database.read() as unit:
        found = tokens.search(unit, "", "", after_id=0, limit=100_000)
    say_table(
        ("id", "platform", "token", "label", "state", "on", "available", "lent to"),
        ((t.id, t.platform, f"***{t.tail}", t.label or "-", t.state, t.is_enabled, t.available_at, t.leased_by) for t in found),
    )


def show_supply(desk: Desk, _options: argparse.Namespace) -> None:
    """Print how many tokens are in which place."""
    with desk.control.database.read() as unit:
        supply = lending.count_supply(unit)
    say_table(("platform", *lending.PLACES), ((platform, *row.values()) for platform, row in sorted(supply.items())))


def encrypt_anew(desk: Desk, _options: argparse.Namespace) -> None:
    """Encrypt every token with the first key."""
    with desk.control.database.write() as unit:
        count = tokens.encrypt_anew(unit, desk.actor, desk.control.cipher)
    say(f"{count} tokens are encrypted with the first key of CONTROL_TOKEN_KEYS.")


def list_nodes(desk: Desk, _options: argparse.Namespace) -> None:
    """Print every node and its state."""
    now, beat = now_utc(), desk.settings.heartbeat_seconds
    with desk.control.database.read() as unit:
        found = nodes.search(unit, "", now, beat, after_id=0, limit=100_000)
    say_table(
        ("id", "node", "state", "last seen", "address", "last words"),
        ((n.id, n.name, nodes.read_state(n, now, beat), n.last_seen_at, n.ip or "-", n.last_words or "-") for n in found),
    )


def add_node(desk: Desk, options: argparse.Namespace) -> None:
    """Add a node and print its credential, once."""
    scopes = options.scope or ["ingest", "keyword", "token"]
    with desk.control.database.write() as unit:
        node = unit.exec(select(Node).where(Node.name == options.name)).first() or nodes.create(unit, desk.actor, options.name)
        credential, secret = credentials.issue(unit, desk.actor, node.id or 0, scopes, timedelta(days=options.days))
    say(f"Node {node.name}, scopes {', '.join(credential.scopes)}, good until {credential.expires_at:%Y-%m-%d}")
    say(secret)


def drain_node(desk: Desk, options: argparse.Namespace) -> None:
    """Ask a node to take nothing new, or take that back."""
    with desk.control.database.write() as unit:
        nodes.set_drain(unit, desk.actor, _find_node(desk, options.name), options.is_draining)
    say(f"{options.name} {'drains' if options.is_draining else 'takes work'} from its next heartbeat on.")


def revoke_node(desk: Desk, options: argparse.Namespace) -> None:
    """Revoke every credential of a node."""
    node_id = _find_node(desk, options.name)
    with desk.control.database.write() as unit:
        good = [credential for credential in credentials.list_of(unit, node_id) if credentials.is_good(credential)]
        for credential in good:
            credentials.revoke(unit, desk.actor, node_id, credential.id or 0)
    say(f"{len(good)} credentials of {options.name} are revoked.")


def _find_node(desk: Desk, name: str) -> int:
    with desk.control.database.read() as unit:
        node_id = unit.exec(select(Node.id).where(Node.name == name)).first()
    if node_id is None:
        raise UsageError(f"There is no node {name!r}; `nodes list` shows them.")
    return node_id


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({type(error).__name__}).") from None
