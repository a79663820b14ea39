"""`db` and `doctor`, and what every command does with a database or settings that are not right."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import Session

from control_api.config import load_settings
from control_api.models import IngestBatch, Node

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


def test_load_needs_the_newest_revision(ready: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ready("db", "dump", "dump.jsonl")
    monkeypatch.setenv("CONTROL_DATA_DIR", "other")
    assert "db upgrade" in ready("db", "load", "dump.jsonl", code=1)


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
    said = run("doctor", code=1)
    assert "planted-pw" not in said
    assert "mysql+pymysql://u:***@127.0.0.1:1/c" in said


def test_address_that_is_none_is_refused_without_quoting_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTROL_DATABASE_URL", "planted-pw@db.internal")
    said = run("users", "list", code=2)
    assert "planted-pw" not in said
    assert "CONTROL_DATABASE_URL" in said


def test_folder_that_cannot_be_made_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("file").touch()
    monkeypatch.setenv("CONTROL_DATA_DIR", "file/data")
    said = run("users", "list", code=1)
    assert "The system refuses: Not a directory: " in said
    assert "file/data" in said


@pytest.fixture
def start(ready: Run, request: pytest.FixtureRequest) -> Callable[[int], subprocess.Popen[bytes]]:
    """Starts `roles rights` in a process of its own, writing to the file of that number."""

    def start(stdout: int) -> subprocess.Popen[bytes]:
        line = [sys.executable, "-m", "control_api", "roles", "rights"]
        return subprocess.Popen(line, stdout=stdout, stderr=subprocess.PIPE, env={"PYTHONPATH": str(request.config.rootpath)})

    return start


def test_reader_that_has_read_enough_is_no_error(start: Callable[[int], subprocess.Popen[bytes]]) -> None:
    command = start(subprocess.PIPE)
    assert command.stdout is not None
    command.stdout.close()
    _, said = command.communicate(timeout=60)
    assert (command.returncode, said) == (0, b"")


def test_output_that_cannot_be_written_is_said(start: Callable[[int], subprocess.Popen[bytes]]) -> None:
    with Path("/dev/full").open("wb") as full:
        command = start(full.fileno())
        _, said = command.communicate(timeout=60)
    assert (command.returncode, said[:40]) == (1, b"The system refuses: No space left on dev")


def test_argument_that_is_no_text_is_refused(ready: Run) -> None:
    for command in (("keywords", "list", "--text", "\udcff"), ("nodes", "drain", "\udcff"), ("audit", "list", "--actor", "\udcff")):
        assert "no text in UTF-8" in ready(*command, code=2)


def test_file_that_was_not_finished_is_removed(run: Run) -> None:
    assert "doctor" in run("audit", "export", "a.csv", code=1)  # there is no database
    assert not Path("a.csv").exists()


def test_batches_that_failed_are_listed_and_retried(ready: Run, unit: Session) -> None:
    node = Node(name="node-1")
    unit.add(node)
    unit.flush()
    about = {"platform": "boss", "data_type": "job", "digest": "d", "accepted": 7, "rejected": 0}
    unit.add(IngestBatch(batch_id="b-1", node_id=node.id or 0, state="failed", reason="the engine \x1b[2J refuses", **about))
    unit.commit()
    assert "b-1 (7 rows): the engine ?[2J refuses" in ready("ingest", "list")
    assert "1 batches wait again" in ready("ingest", "retry")
    assert "ingest.retry" in ready("audit", "list", "--limit", "1")
