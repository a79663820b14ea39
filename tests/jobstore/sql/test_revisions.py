"""The tables of a database that was upgraded, and what a program says about one that was not."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobstore.errors import SchemaMismatchError
from jobstore.sql import SqlDatabase, SqlSink, parse_address
from jobstore.sql.__main__ import main
from jobstore.sql.revisions import find_differences, read_revision, upgrade


def test_upgraded_tables_equal_the_contract(sink: SqlSink) -> None:
    assert find_differences(sink.database) == []


def test_upgrade_twice_changes_nothing(sink: SqlSink) -> None:
    before = read_revision(sink.database)
    upgrade(sink.database)
    assert read_revision(sink.database) == before == "0001"


def test_differences_are_named_when_a_column_is_missing(tmp_path: Path) -> None:
    database = SqlDatabase(parse_address(f"sqlite:///{tmp_path}/jobs.db"))
    upgrade(database)
    database.write(lambda transaction: transaction.connection.exec_driver_sql("ALTER TABLE job DROP COLUMN reposts"))
    assert "reposts" in "".join(find_differences(database))
    database.close()


def test_open_without_tables_says_what_to_run(tmp_path: Path) -> None:
    dsn = f"sqlite:///{tmp_path}/jobs.db"
    with pytest.raises(SchemaMismatchError, match=r"revision \(none\).*python -m jobstore.sql upgrade"):
        SqlSink.open(dsn)
    assert not (tmp_path / "jobs.db").exists(), "a look leaves no file behind"


def test_open_of_an_empty_server_says_what_to_run(empty_dsn: str) -> None:
    with pytest.raises(SchemaMismatchError, match="Run: python -m"):
        SqlSink.open(empty_dsn)


def test_command_upgrades_then_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dsn = f"sqlite:///{tmp_path}/deep/jobs.db"
    assert main(["check", dsn]) == 1
    assert "python -m jobstore.sql upgrade" in capsys.readouterr().err
    assert main(["upgrade", dsn]) == 0
    assert main(["upgrade", dsn]) == 0
    assert main(["check", dsn]) == 0
    said = capsys.readouterr().out
    assert "(none) -> 0001" in said
    assert "already at 0001" in said


def test_command_without_an_address_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MYSQL_DSN", raising=False)
    with pytest.raises(SystemExit, match="2"):
        main(["check"])


@pytest.mark.parametrize("dsn", ["sqlite://", "postgresql://h/d", "mysql+pymysql://h", "mysql+pymysql://u:secret@h/d?x=1"])
def test_command_with_a_strange_address_names_the_forms(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", dsn]) == 1
    said = capsys.readouterr().err
    assert "sqlite:///" in said or "?query" in said
    assert "secret" not in said
