"""The command line, as an administrator types it: on a SQLite file of its own."""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path

import pytest

from control_api.cli.main import main
from control_api.config import load_settings
from control_api.db import open_database


@pytest.fixture(autouse=True)
def _place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("CONTROL_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> object:
    def command(*arguments: str, code: int = 0) -> str:
        assert main(arguments) == code
        said = capsys.readouterr()
        return said.out + said.err

    return command


@pytest.fixture
def ready(run: object) -> object:
    run("db", "upgrade")  # type: ignore[operator]
    return run


def test_commands_before_upgrade_say_what_to_do(run: object) -> None:
    assert "db upgrade" in run("doctor", code=1)  # type: ignore[operator]
    assert "db upgrade" in run("db", "check", code=1)  # type: ignore[operator]
    assert "doctor" in run("users", "list", code=1)  # type: ignore[operator]


def test_create_admin_works_once_and_shows_the_password_once(ready: object) -> None:
    said = ready("create-admin")  # type: ignore[operator]
    password = re.search(r"Password: +(\S{24})\n", said)
    assert password
    assert "already an administrator" in ready("create-admin", code=2)  # type: ignore[operator]
    assert ready("create-admin", "--if-none") == ""  # type: ignore[operator]
    assert "admin" in ready("users", "list")  # type: ignore[operator]
    with open_database(load_settings().database_dsn).engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT password_hash FROM user").fetchall()
        lines = connection.exec_driver_sql("SELECT after, actor_kind FROM auditlog").fetchall()
    assert rows[0][0].startswith("$argon2id$")
    assert password[1] not in f"{rows}{lines}"
    assert lines[0][1] == "cli"


def test_users_are_added_switched_and_given_passwords(ready: object, monkeypatch: pytest.MonkeyPatch) -> None:
    ready("create-admin")  # type: ignore[operator]
    monkeypatch.setattr("sys.stdin", io.StringIO("a-long-pass-phrase-77\n"))
    assert "li.na" in ready("users", "add", "li.na", "--role", "operator", "--password-stdin")  # type: ignore[operator]
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert "shorter than 12" in ready("users", "password", "li.na", "--password-stdin", code=1)  # type: ignore[operator]
    assert "switched off" in ready("users", "disable", "li.na")  # type: ignore[operator]
    assert "no active user with the admin role" in ready("users", "disable", "admin", code=1)  # type: ignore[operator]
    assert "There is no user" in ready("users", "enable", "nobody", code=2)  # type: ignore[operator]


def test_keywords_tokens_and_nodes_are_brought_in(ready: object, tmp_path: Path) -> None:
    (tmp_path / "k.csv").write_text("text,platforms,cities,interval\n数据分析,boss|zhilian,101010100,6h\nx,mars,1,\n", "utf-8")
    assert "2 added, 0 updated, 0 were there, 1 lines not taken" in ready("keywords", "import", "k.csv")  # type: ignore[operator]
    assert "0 added, 0 updated, 2 were there" in ready("keywords", "import", "k.csv")  # type: ignore[operator]
    (tmp_path / "k.json").write_text(json.dumps([{"text": "y", "platforms": ["qcwy"], "cities": ["1"]}]), "utf-8")
    assert "1 added" in ready("keywords", "import", "k.json")  # type: ignore[operator]
    assert re.search(r"boss +1\n", ready("keywords", "due"))  # type: ignore[operator]
    assert ready("keywords", "due").startswith("0 leases")  # type: ignore[operator]  # twice is as good as once
    assert "数据分析" in ready("keywords", "list")  # type: ignore[operator]
    (tmp_path / "t.txt").write_text("planted-token-0001 account 1\n# a comment\nplanted-token-0002\nplanted-token-0001\n", "utf-8")
    said = ready("tokens", "import", "t.txt")  # type: ignore[operator]
    assert "2 added, 1 were there" in said
    said += ready("tokens", "list") + ready("tokens", "supply") + ready("tokens", "encrypt-anew")  # type: ignore[operator]
    assert "planted-token" not in said
    (tmp_path / "bad.txt").write_text("planted-token-0003\nplantéd\n", "utf-8")
    said = ready("tokens", "import", "bad.txt", code=2)  # type: ignore[operator]
    assert "Token number 2" in said
    assert "plant" not in said
    secret = ready("nodes", "add", "spot-1", "--scope", "keyword").splitlines()[-1]  # type: ignore[operator]
    assert re.fullmatch(r"jn_[0-9a-f]{12}_[0-9a-f]{64}", secret)
    assert "drains" in ready("nodes", "drain", "spot-1")  # type: ignore[operator]
    assert "1 credentials" in ready("nodes", "revoke", "spot-1")  # type: ignore[operator]
    assert secret not in ready("nodes", "list")  # type: ignore[operator]
    assert "cannot be read" in ready("keywords", "import", "missing.csv", code=2)  # type: ignore[operator]


def test_dump_is_private_complete_and_overwrites_nothing(ready: object, tmp_path: Path) -> None:
    ready("create-admin")  # type: ignore[operator]
    ready("db", "dump", "dump.jsonl")  # type: ignore[operator]
    assert (tmp_path / "dump.jsonl").stat().st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in (tmp_path / "dump.jsonl").read_text("utf-8").splitlines()]
    assert [line["row"]["username"] for line in lines if line["table"] == "user"] == ["admin"]
    assert "exists" in ready("db", "dump", "dump.jsonl", code=2)  # type: ignore[operator]


def test_doctor_prints_settings_without_secrets(ready: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "run `create-admin`" in ready("doctor")  # type: ignore[operator]
    settings = load_settings()
    said = ready("doctor")  # type: ignore[operator]
    for secret in settings.secrets():
        assert secret not in said
    assert "CONTROL_PORT" in said


def test_start_outside_development_without_secrets_names_the_variables(run: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTROL_ENVIRONMENT", "production")
    said = run("serve", code=2)  # type: ignore[operator]
    assert "CONTROL_SECRET_KEY is not set" in said
    assert "CONTROL_TOKEN_KEYS" in said
    monkeypatch.setenv("CONTROL_SECRET_KEY", "CHANGE_ME_DEV_ONLY")
    assert "CONTROL_SECRET_KEY" in run("doctor", code=2)  # type: ignore[operator]
    assert not Path("data").exists()


def test_database_error_hides_the_address(run: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTROL_DATABASE_URL", "mysql+pymysql://u:planted-pw@127.0.0.1:1/c")
    said = run("users", "list", code=1)  # type: ignore[operator]
    assert "planted-pw" not in said
    assert "doctor" in said
    assert "planted-pw" not in run("doctor", code=1)  # type: ignore[operator]


@pytest.mark.parametrize(
    "command",
    [
        ("users", "add", "", "--password-stdin"),
        ("users", "add", "ol\u200bga", "--password-stdin"),
        ("create-admin", "--username", "a b"),
        ("nodes", "add", "node\n1"),
        ("nodes", "add", "node-1", "--days", "-5"),
        ("nodes", "add", "node-1", "--days", "99999999"),
    ],
)
def test_names_and_days_that_the_api_refuses_are_refused_here_too(ready: object, command: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit, match="2"):
        ready(*command)  # type: ignore[operator]


def test_dump_into_a_folder_that_is_not_there_says_so(ready: object) -> None:
    assert "nowhere" in ready("db", "dump", "nowhere/file", code=2)  # type: ignore[operator]
