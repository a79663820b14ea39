"""`ingest`: what came through the door, and a second chance for what a store refused."""

from __future__ import annotations

import argparse

from control_api.cli.console import Desk, say, say_table
from control_api.services import ingest


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    actions = commands.add_parser("ingest", help="batches that wait, and those that a store refused").add_subparsers(required=True)
    actions.add_parser("list", help="how many batches are in which state, and why some failed").set_defaults(run=list_batches)
    actions.add_parser("retry", help="let failed batches wait for their turn again, after the reason is mended").set_defaults(run=retry)


def list_batches(desk: Desk, _options: argparse.Namespace) -> None:
    """Print the states, and the failed batches."""
    with desk.control.database.read() as unit:
        states = ingest.count_states(unit)
        failed = ingest.search(unit, "failed", None, before_id=None, limit=100)
    say_table(("state", "batches", "bytes on disk"), ((state, *numbers) for state, numbers in sorted(states.items())))
    for batch in failed:
        say(f"{batch.batch_id} ({batch.accepted} rows): {batch.reason}")


def retry(desk: Desk, _options: argparse.Namespace) -> None:
    """The server's writer takes them up within a second."""
    count = desk.control.database.retry(lambda unit: ingest.retry_failed(unit, desk.actor))
    say(f"{count} batches wait again.")
