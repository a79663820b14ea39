"""What commands share: where they print, how a table looks, whose name the audit log gets."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

from pydantic import TypeAdapter, ValidationError

from control_api.config import Settings
from control_api.deps import Control
from control_api.errors import ControlError
from control_api.main import create_app
from control_api.principal import Actor, Principal
from control_api.rights import USER_SCOPES
from control_api.schemas.base import Name


class UsageError(ControlError):
    """The command was given something that it cannot use."""

    slug = "usage"


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command works with."""

    settings: Settings
    control: Control
    actor: Actor


def open_desk(settings: Settings) -> Desk:
    """The parts of the application, for somebody who sits at this machine and therefore may do everything."""
    control: Control = create_app(settings).state.control
    return Desk(settings, control, Actor(Principal("cli", 0, _read_login(), frozenset(USER_SCOPES))))


def _read_login() -> str:
    try:
        return getpass.getuser()[:64]
    except (OSError, KeyError):
        return "unknown"


def read_name(text: str) -> str:
    """A name as the API takes it, for argparse."""
    try:
        return TypeAdapter(Name).validate_python(text)
    except ValidationError:
        raise argparse.ArgumentTypeError("a name has 2 to 64 of A-Z a-z 0-9 . _ @ - and begins with a letter or a digit") from None


def say(text: str = "") -> None:
    """Print a line for people and pipes."""
    sys.stdout.write(text + "\n")


def say_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under a header, columns as wide as needed."""
    lines = [list(header), *([("-" if cell is None else str(cell)) for cell in row] for row in rows)]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        say("  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)).rstrip())


def _width(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def read_password(from_stdin: bool) -> str:
    """A password from the first line of stdin, or typed twice. Never from an argument, which `ps` shows."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise UsageError("The two passwords differ; nothing was changed.")
    return first
