"""Reads the command line and runs one command. Exit codes: 0 done, 1 refused or failed, 2 wrong use or settings."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from control_api.cli import accounts, audit, database, keywords, nodes, rows, tokens
from control_api.cli.console import UsageError, open_desk
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
        if text != text.encode("utf-8", "replace").decode():
            parser.error(f"{text!r} is no text in UTF-8")
    logging.basicConfig(level=logging.WARNING)
    try:
        desk = open_desk(load_settings())
        options.run(desk, options)
        sys.stdout.flush()
    except (SettingsInvalidError, UsageError) as error:
        return _complain(error, 2)
    except ControlError as error:
        return _complain(error, 1)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at its end
        if isinstance(error, BrokenPipeError):  # `| head` has read enough
            return 0
        return _complain(
            ControlError(f"The system refuses: {error.strerror or type(error).__name__}. What was changed before is changed."), 1
        )
    except SQLAlchemyError as error:
        # Not the message: it may hold the address with its password, or a row.
        return _complain(ControlError(f"The database refuses or does not answer ({type(error).__name__}): `doctor` says which part."), 1)
    desk.control.database.close()
    return 0


def _complain(error: ControlError, code: int) -> int:
    sys.stderr.write(f"{error} [docs/control.md#{error.slug}]\n")
    return code
