"""`keywords`: what is searched, and its runs, from the machine itself."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import get_args

from pydantic import TypeAdapter, ValidationError

from control_api.cli.console import MANY, Desk, UsageError, add_ids, read_file, read_limit, reader_of, say, say_newest, say_table
from control_api.cli.nodes import find_node
from control_api.keyword_csv import LineFault, read_csv
from control_api.models.base import now_utc
from control_api.redis_queue import RedisQueue, open_redis
from control_api.routers.keywords import plan
from control_api.schemas.base import BigId
from control_api.schemas.keywords import KeywordCreate, RunState
from control_api.services import keywords, leases, runs
from control_api.services.keywords import KeywordFilter
from control_api.services.leases import LeaseRules
from control_api.services.queueing import Place
from control_api.services.runs import RunFilter
from control_api.tasks.fill_redis import fill
from jobschema import Platform
from jobschema.keys import PlatformKeys

STEP = 1000
_read_id = reader_of(BigId, "an id is a whole number from 1; `keywords list` shows them")


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    actions = commands.add_parser("keywords", help="import, list, switch, run, remove; runs; what is due").add_subparsers(required=True)
    load = actions.add_parser("import", help="a .csv or .json file; importing it twice adds nothing")
    load.add_argument("file", type=Path)
    load.add_argument("--update", action="store_true", help="give keywords that are there the file's values")
    load.set_defaults(run=import_keywords)
    _add_list_parser(actions.add_parser("list"))
    for name, is_enabled in (("enable", True), ("disable", False)):
        parser = actions.add_parser(name)
        add_ids(parser, _read_id)
        parser.set_defaults(run=switch_keywords, is_enabled=is_enabled)
    for name, run, words in (("run", run_now, "make them due now"), ("remove", remove_keywords, "with their runs; `disable` keeps them")):
        parser = actions.add_parser(name, help=words)
        add_ids(parser, _read_id)
        parser.set_defaults(run=run)
    _add_runs_parser(actions.add_parser("runs", help="what came of them, newest first"))
    actions.add_parser("fill", help="due keywords into Redis, ends of runs back; cron may call it twice").set_defaults(run=fill_redis)
    actions.add_parser("due", help="close leases that ran out, count what waits; cron may call it twice").set_defaults(run=show_due)


def _add_list_parser(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--text", default="", help="a part of it")
    parser.add_argument("--platform", choices=list(map(str, Platform)), default="")
    parser.add_argument("--city", default="", help="the platform's code")
    parser.add_argument("--tag", default="")
    parser.add_argument("--enabled", action=argparse.BooleanOptionalAction)
    parser.set_defaults(run=list_keywords)


def _add_runs_parser(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keyword", type=_read_id, metavar="ID")
    parser.add_argument("--node", default="", metavar="NAME")
    parser.add_argument("--platform", choices=list(map(str, Platform)), default="")
    parser.add_argument("--state", choices=get_args(RunState), default="")
    parser.add_argument("--text", default="", help="a part of the keyword's")
    parser.add_argument("--limit", type=read_limit, default=50)
    parser.set_defaults(run=list_runs)


def import_keywords(desk: Desk, options: argparse.Namespace) -> None:
    """Import a file; wrong lines are named and the others taken. Fails when nothing could be taken."""
    content = read_file(options.file)
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


def list_keywords(desk: Desk, options: argparse.Namespace) -> None:
    """Print every keyword that matches."""
    wanted = KeywordFilter(options.text, options.platform, options.city, options.tag, options.enabled)
    with desk.control.database.read() as unit:
        found = keywords.search(unit, wanted, after_id=0, limit=MANY)
    say_table(
        ("id", "platform", "city", "text", "priority", "tags", "on", "state", "due"),
        (
            (k.id, k.platform, k.city_code, k.text, k.priority, ",".join(k.tag_list), k.is_enabled, k.last_state, k.available_at)
            for k in found
        ),
    )


def switch_keywords(desk: Desk, options: argparse.Namespace) -> None:
    """Let nodes have keywords, or not."""
    with desk.control.database.write() as unit:
        for keyword_id in options.id:
            keywords.change(unit, desk.actor, keyword_id, {"is_enabled": options.is_enabled})
    say(f"Keywords switched {'on' if options.is_enabled else 'off'}: {len(options.id)}")


def run_now(desk: Desk, options: argparse.Namespace) -> None:
    """Make keywords due at once; all of them or, while a node has one, none."""
    with desk.control.database.write() as unit:
        for keyword_id in options.id:
            keywords.run_now(unit, desk.actor, keyword_id)
    say(f"Keywords due now: {len(options.id)}")


def remove_keywords(desk: Desk, options: argparse.Namespace) -> None:
    """Remove keywords and their runs; all of them or, while a node has one, none."""
    with desk.control.database.write() as unit:
        for keyword_id in options.id:
            keywords.remove(unit, desk.actor, keyword_id)
    say(f"Keywords removed with their runs: {len(options.id)}")


def list_runs(desk: Desk, options: argparse.Namespace) -> None:
    """Print runs, newest first, with why one is not complete."""
    with desk.control.database.read() as unit:
        node_id = find_node(unit, options.node) if options.node else None
        wanted = RunFilter(options.keyword, node_id, options.platform, options.state, options.text)
        found = runs.search(unit, wanted, before_id=None, limit=options.limit)
    say_newest(
        ("id", "keyword", "platform", "text", "node", "state", "started", "ended", "pages", "jobs", "companies", "causes"),
        [
            (
                r.id,
                r.keyword_id,
                r.platform,
                text,
                r.node_id,
                r.state,
                r.started_at,
                r.ended_at,
                r.pages,
                r.jobs,
                r.companies,
                _list(r.causes),
            )
            for r, text in found
        ],
        options.limit,
    )


def _list(causes: dict[str, object]) -> str:
    return ", ".join(f"{cause} {count}" for cause, count in causes.items())


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
