"""`db` and `doctor`, and what every command does with a database or settings that are not right."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from control_api.config import load_settings

Run = Callable[..., str]


def test_commands_before_upgrade_say_what_to_do(run: Run) -> None:
    assert "db upgrade" in run("doctor", code=1)
    assert "db upgrade" in run("db", "check", code=1)
    assert "db upgrade" in run("db", "dump", "dump.jsonl", code=1)
    assert "doctor" in run("users", "list", code=1)
    assert not Path("dump.jsonl").exists()


def test_dump_is_private_complete_and_overwrites_nothing(ready: Run) -> None:
    ready("create-admin")
    ready("db", "dump", "dump.jsonl")
    assert Path("dump.jsonl").stat().st_mode & 0o777 == 0o600
    first, *lines, last = [json.loads(line) for line in Path("dump.jsonl").read_text("utf-8").splitlines()]
    assert [line["row"]["username"] for line in lines if line["table"] == "user"] == ["admin"]
    assert first.keys() == {"revision"}
    assert last == {"rows": len(lines)}
    assert "exists" in ready("db", "dump", "dump.jsonl", code=2)
    assert "nowhere" in ready("db", "dump", "nowhere/file", code=2)


def test_what_was_dumped_is_loaded_into_a_new_database(ready: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ready("create-admin")
    ready("users", "add", "olga", "--role", "viewer", "--password-stdin", typed="a-long-pass-phrase-77\n")
    users = ready("users", "list")
    ready("db", "dump", "dump.jsonl")
    assert "not empty" in ready("db", "load", "dump.jsonl", code=1)
    monkeypatch.setenv("CONTROL_DATA_DIR", "other")
    ready("db", "upgrade")
    assert "cannot be read" in ready("db", "load", "nowhere", code=2)
    ready("db", "load", "dump.jsonl")
    assert ready("users", "list") == users
    assert "database.load" in ready("audit", "list", "--limit", "1")


def test_doctor_prints_settings_without_secrets(ready: Run) -> None:
    assert "run `create-admin`" in ready("doctor")
    said = ready("doctor")
    for secret in load_settings().secrets():
        assert secret not in said
    assert "CONTROL_PORT" in said


def test_start_outside_development_without_secrets_names_the_variables(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTROL_ENVIRONMENT", "production")
    said = run("serve", code=2)
    assert "CONTROL_SECRET_KEY is not set" in said
    assert "CONTROL_TOKEN_KEYS" in said
    monkeypatch.setenv("CONTROL_SECRET_KEY", "CHANGE_ME_DEV_ONLY")
    assert "CONTROL_SECRET_KEY" in run("doctor", code=2)
    assert not Path("data").exists()


def test_database_error_hides_the_address(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTROL_DATABASE_URL", "mysql+pymysql://u:planted-pw@127.0.0.1:1/c")
    said = run("users", "list", code=1)
    assert "planted-pw" not in said
    assert "doctor" in said
    assert "planted-pw" not in run("doctor", code=1)


def test_reader_that_has_read_enough_is_no_error(ready: Run, request: pytest.FixtureRequest) -> None:
    command = subprocess.Popen(
        [sys.executable, "-m", "control_api", "roles", "rights"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PYTHONPATH": str(request.config.rootpath)},
    )
    assert command.stdout is not None
    command.stdout.close()
    _, said = command.communicate(timeout=60)
    assert said == b""
    assert command.returncode == 0
