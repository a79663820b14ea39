"""Reads the command line and runs one command. Exit codes: 0 done, 1 refused or failed, 2 wrong use or settings."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from control_api.cli import accounts, audit, database, keywords, nodes, rows, tokens
from control_api.cli.console import UsageError, is_text, open_desk
from control_api.config import load_settings
from control_api.errors import ControlError, SettingsInvalidError


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command."""
    parser = argparse.ArgumentParser(prog="python -m control_api", description="The control plane of jobspiders.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (accounts, keywords, tokens, nodes, rows, audit, database):
        module.add_parsers(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    for text in sys.argv[1:] if arguments is None else arguments:
        if not is_text(text):
            parser.error(f"{text!r} is no text in UTF-8")
    logging.basicConfig(level=logging.WARNING)
    try:
        desk = open_desk(load_settings())
        options.run(desk, options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except (ControlError, SQLAlchemyError, OSError) as error:
        return _fail(error)
    desk.control.database.close()
    return 0


def _fail(error: Exception) -> int:
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at its end
    if isinstance(error, BrokenPipeError):  # `| head` has read enough
        return 0
    told = _explain(error)
    sys.stderr.write(f"{told} [docs/control.md#{told.slug}]\n")
    return 2 if isinstance(told, SettingsInvalidError | UsageError) else 1


def _explain(error: Exception) -> ControlError:
    if isinstance(error, ControlError):
        return error
    if isinstance(error, OSError):
        what = ": ".join(map(str, filter(None, (error.strerror or type(error).__name__, error.filename))))
        return ControlError(f"The system refuses: {what}. What was changed before is changed.")
    if isinstance(error, ArgumentError):
        return UsageError("CONTROL_DATABASE_URL is no address: give mysql+pymysql://user:password@host:3306/name, or nothing.")
    # Not the message: it may hold the address with its password, or a row.
    return ControlError(f"The database refuses or does not answer ({type(error).__name__}): `doctor` says which part.")
