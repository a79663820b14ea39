"""What commands share: where they print, how a table looks, how they read what is typed, whose name the audit log gets."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, TextIO
from unicodedata import east_asian_width

from pydantic import TypeAdapter, ValidationError

from control_api.config import Settings
from control_api.deps import Control
from control_api.errors import ControlError
from control_api.main import create_app
from control_api.principal import Actor, Principal
from control_api.rights import USER_SCOPES
from control_api.schemas.base import Limit, Name

MANY = 100_000  # rows of a list


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


# -- what is typed -----------------------------------------------------------------------------------------------------


def reader_of(kind: Any, words: str) -> Callable[[str], Any]:
    """A reader for argparse of what the API takes as `kind`; `words` say what is valid."""
    adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def read(text: str) -> Any:
        try:
            return adapter.validate_python(text)
        except ValidationError:
            raise argparse.ArgumentTypeError(f"{text!r}: {words}") from None

    return read


read_limit = reader_of(Limit, "1 to 500")
read_name = reader_of(Name, "a name has 2 to 64 of A-Z a-z 0-9 . _ @ - and begins with a letter or a digit")


def is_text(typed: str) -> bool:
    """Whether what was typed came as UTF-8."""
    return typed == typed.encode("utf-8", "replace").decode()


class _Once(argparse.Action):
    def __call__(self, _parser: object, options: argparse.Namespace, values: Any, _option: str | None = None) -> None:
        setattr(options, self.dest, list(dict.fromkeys(values)))


def add_ids(parser: argparse.ArgumentParser, read: Callable[[str], Any]) -> None:
    """The argument `id`: one or several, each of them once."""
    parser.add_argument("id", type=read, nargs="+", action=_Once)


def read_day(text: str) -> date:
    """A day, for argparse."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: a day is like 2026-11-24") from None


def read_password(from_stdin: bool) -> str:
    """A password from the first line of stdin, or typed twice. Never from an argument, which `ps` shows."""
    if from_stdin:
        password = sys.stdin.readline().rstrip("\n")
        if not is_text(password):
            raise UsageError("The password is no text in UTF-8; nothing was changed.")
        return password
    if not sys.stdin.isatty():
        raise UsageError("There is no terminal to type a password at: give it by --password-stdin.")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise UsageError("The two passwords differ; nothing was changed.")
    return first


def read_file(path: Path) -> bytes:
    """What a file holds."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({type(error).__name__}).") from None


# -- what is said ------------------------------------------------------------------------------------------------------


@contextmanager
def create_private(path: Path) -> Iterator[TextIO]:
    """A new file that only its owner can read; one that is there stays as it is, and one that was not finished is removed."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"{path} exists; name a new file.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({type(error).__name__}).") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
    except BaseException as error:
        path.unlink()
        if isinstance(error, OSError):
            raise UsageError(f"{path} cannot be written ({error.strerror}).") from None
        raise


def say(text: str = "") -> None:
    """Print a line for people and pipes. What nodes and platforms said may hold what a terminal obeys: it is shown as `?`."""
    sys.stdout.write("".join(letter if letter.isprintable() else "?" for letter in text) + "\n")


def say_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under a header, columns as wide as needed."""
    lines = [list(header), *([_show(cell) for cell in row] for row in rows)]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        say("  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)).rstrip())


def say_newest(header: Sequence[str], rows: Sequence[Sequence[object]], limit: int) -> None:
    """Print the newest rows, and to people that there may be more."""
    say_table(header, rows)
    if len(rows) == limit:
        sys.stderr.write(f"(the newest {limit}: --limit shows up to 500)\n")


def _show(cell: object) -> str:
    if cell is None or cell == "":
        return "-"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M:%S}Z"
    return str(cell)


def _width(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)
