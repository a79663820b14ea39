"""The command line, as an administrator types it: in a folder of its own, on a SQLite file."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlmodel import Session

from control_api.cli.main import main
from control_api.config import load_settings
from control_api.db import open_database

Run = Callable[..., str]


@pytest.fixture(autouse=True)
def _place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("CONTROL_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command, which must end with `code`; returns what it said. `typed` is what it reads from stdin."""

    def command(*arguments: str, code: int = 0, typed: str = "") -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        try:
            ended = main(arguments)
        except SystemExit as refused:  # argparse's way
            ended = int(refused.code or 0)
        said = capsys.readouterr()
        assert ended == code, said.err
        return said.out + said.err

    return command


@pytest.fixture
def ready(run: Run) -> Run:
    """The same on a database that is there."""
    run("db", "upgrade")
    return run


@pytest.fixture
def unit(ready: Run) -> Iterator[Session]:
    """A unit of work on the same database; what is done in it is seen when it is committed."""
    database = open_database(load_settings().database_dsn, 1)
    with database.write() as session:
        yield session
    database.close()
