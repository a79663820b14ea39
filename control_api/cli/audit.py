"""`audit`: who did what to what, from the machine itself."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from control_api.audit_export import WRITERS
from control_api.cli.console import Desk, create_private, read_limit, say, say_newest
from control_api.schemas.base import Moment
from control_api.services import audit
from control_api.services.audit import AuditFilter

_MOMENTS: TypeAdapter[datetime] = TypeAdapter(Moment)


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    actions = commands.add_parser("audit", help="look at the audit log, export it").add_subparsers(required=True)
    found = actions.add_parser("list", help="newest first")
    found.add_argument("--limit", type=read_limit, default=50)
    found.set_defaults(run=list_lines)
    export = actions.add_parser("export", help="everything that matches, into a new file that you alone can read")
    export.add_argument("file", type=Path)
    export.add_argument("--format", choices=list(WRITERS), help="jsonl when the file is named .jsonl, else csv")
    export.set_defaults(run=export_lines)
    for parser in (found, export):
        parser.add_argument("--actor", default="", help="name of who did it")
        parser.add_argument("--action", default="", help="like keyword.change")
        parser.add_argument("--kind", default="", help="what it was done to, like keyword")
        parser.add_argument("--id", default="", help="which of them")
        parser.add_argument("--since", type=_read_moment)
        parser.add_argument("--until", type=_read_moment)


def _read_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return _MOMENTS.validate_python(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: a moment is like 2026-11-24 or 2026-11-24T08:00:00+08:00; UTC when it names no zone"
        ) from None


def _read_filter(options: argparse.Namespace) -> AuditFilter:
    return AuditFilter(options.actor, options.action, options.kind, options.id, options.since, options.until)


def list_lines(desk: Desk, options: argparse.Namespace) -> None:
    """Print the newest lines that match."""
    with desk.control.database.read() as unit:
        found = audit.search(unit, _read_filter(options), before_id=None, limit=options.limit)
    say_newest(
        ("id", "at", "who", "", "what", "on", "", "from", "change"),
        [
            (
                a.id,
                a.at,
                a.actor_kind,
                a.actor_name,
                a.action,
                a.object_kind,
                a.object_id,
                a.ip,
                _tell_change(a.before or {}, a.after or {}),
            )
            for a in found
        ],
        options.limit,
    )


def _tell_change(before: dict[str, Any], after: dict[str, Any]) -> str:
    told = []
    for name in {**before, **after}:
        old, new = (json.dumps(side[name], ensure_ascii=False) if name in side else "" for side in (before, after))
        told.append(f"{name}: {old} -> {new}" if before and after else f"{name}: {old or new}")
    return ", ".join(told)


def export_lines(desk: Desk, options: argparse.Namespace) -> None:
    """Write every line that matches."""
    write, _ = WRITERS[options.format or ("jsonl" if options.file.suffix == ".jsonl" else "csv")]
    with create_private(options.file) as file, desk.control.database.read() as unit:
        for text in write(audit.walk(unit, _read_filter(options))):
            file.write(text)
    say(f"The lines are in {options.file}, readable by you alone.")
