"""A backup: every table, out of one database and into another, of either kind, and nothing of one that is broken."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from control_api import migrations
from control_api.backup import read_backup, write_backup
from control_api.db import Database, open_database
from control_api.errors import Invalid
from control_api.models import (
    AuditLog,
    Dept,
    IngestBatch,
    IpUpload,
    Keyword,
    KeywordRun,
    Node,
    NodeCredential,
    Token,
    TokenEvent,
    User,
)
from control_api.models.base import METADATA

MOMENT = datetime(2026, 11, 24, 8, 0, 0, 123456, tzinfo=UTC)
REVISION = migrations.read_head()


def _fill(unit: Session) -> None:
    """Rows with everything that JSON has no word for, and a department below a younger one."""
    unit.add_all([Dept(id=1, name="数据"), Dept(id=2, name="above", parent_id=None)])
    unit.flush()
    unit.get_one(Dept, 1).parent_id = 2
    unit.add_all(
        [Node(id=3, name="spot-1", created_at=MOMENT, vitals={"rows": 1.5}), User(id=4, username="olga", password_hash="h", dept_id=1)]
    )
    unit.flush()
    unit.add_all(
        [
            NodeCredential(node_id=3, public_id="p", secret_hash="s", scopes=["ingest"], expires_at=MOMENT + timedelta(days=1)),
            Token(id=5, platform="boss", ciphertext="c", fingerprint="f", leased_by=3),
            Keyword(id=2**40, platform="boss", text="数据\u2028分析", city_code="1", available_at=MOMENT),
            IpUpload(day=MOMENT.date(), source="spot-1", ip="192.0.2.7", bytes=2**40, last_at=MOMENT),
            IngestBatch(
                batch_id="b", node_id=3, platform="boss", data_type="job", digest="d", accepted=1, rejected=0, body=bytes(range(256))
            ),
            AuditLog(actor_kind="cli", actor_name="root", action="x", before=None, after={"a": ["'", None]}, at=MOMENT),
        ]
    )
    unit.flush()
    unit.add(TokenEvent(token_id=5, kind="lent", node_id=3, at=MOMENT))
    unit.add_all(
        KeywordRun(keyword_id=2**40, platform="boss", epoch=n, attempt=1, lease_until=MOMENT, causes={"ip_banned": n}) for n in range(450)
    )


def _read_everything(database: Database) -> dict[str, list[Any]]:
    with database.read() as unit:
        found = {table.name: unit.connection().execute(select(table)).fetchall() for table in METADATA.sorted_tables}
    return {name: sorted(map(repr, rows)) for name, rows in found.items()}


def _dump(database: Database) -> list[bytes]:
    with database.read() as unit:
        return [line.encode() for line in write_backup(unit.connection(), REVISION)]


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Database]:
    """A SQLite database with rows in its tables."""
    database = open_database(f"sqlite:///{tmp_path}/full.db", 2)
    migrations.upgrade(database.engine)
    with database.write() as unit:
        _fill(unit)
    yield database
    database.close()


@pytest.fixture
def bare(dsn: str) -> Iterator[Database]:
    """A database of `dsn`'s kind without a row; empty again afterwards."""
    database = open_database(dsn, 2)
    _empty(database)
    yield database
    _empty(database)
    database.close()


def _empty(database: Database) -> None:
    METADATA.drop_all(database.engine)
    METADATA.create_all(database.engine)


def test_backup_of_one_kind_fills_a_database_of_either(full: Database, bare: Database) -> None:
    lines = _dump(full)
    with bare.write() as unit:
        count = read_backup(unit.connection(), REVISION, lines)
    assert count == len(lines) - 2
    assert _read_everything(bare) == _read_everything(full)
    assert sorted(_dump(bare)) == sorted(lines)
    with bare.write() as unit:  # numbers go on, and references are watched again
        unit.add(Keyword(platform="boss", text="new", city_code="1"))
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"), bare.write() as unit:
        unit.add(TokenEvent(token_id=999, kind="lent"))


def _cut(lines: list[bytes]) -> list[bytes]:
    return lines[:-1]


def _cut_in_a_line(lines: list[bytes]) -> list[bytes]:
    return [*lines[:20], lines[20][:-9]]


def _lose_a_row(lines: list[bytes]) -> list[bytes]:
    return [*lines[:20], *lines[21:]]


def _double_a_row(lines: list[bytes]) -> list[bytes]:
    return [*lines[:-1], lines[-2], json.dumps({"rows": len(lines) - 1}).encode()]


def _of_another_revision(lines: list[bytes]) -> list[bytes]:
    return [b'{"revision": "0001"}', *lines[1:]]


def _with_a_moment_that_is_none(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b"2026-11-24T08", b"2026-13-24T08") for line in lines]


def _with_another_column(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b'"username"', b'"name"') for line in lines]


def _with_another_table(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b'"keyword"', b'"password"') for line in lines]


def _in_no_encoding(lines: list[bytes]) -> list[bytes]:
    return [line.replace("数".encode(), b"\xff") for line in lines]


def _with_more_after_the_end(lines: list[bytes]) -> list[bytes]:
    return [*lines, lines[1]]


def _with(name: str, value: Any) -> Callable[[list[bytes]], list[bytes]]:
    """Gives the column of that name another value, where a row has it."""

    def harm(lines: list[bytes]) -> list[bytes]:
        documents = [json.loads(line) for line in lines]
        for document in documents:
            if name in document.get("row", {}):
                document["row"][name] = value
        return [json.dumps(document).encode() for document in documents]

    harm.__name__ = f"{name}={value!r}"
    return harm


@pytest.mark.parametrize(
    "harm",
    [
        _with_more_after_the_end,
        _with("rank", "abc"),
        _with("rank", 1.5),
        _with("rank", True),
        _with("rank", 2**31),
        _with("rank", None),
        _with("bytes", 2**70),
        _with("is_enabled", 1),
        _with("text", "x" * 101),
        _with("text", "\ud800"),
        _with("text", ["x"]),
        _with("day", 20261124),
        _with("lease_until", "2026-11-24T08:00:00"),
        _with("body", "no base64"),
        _with("dept_id", 999),
        _with("keyword_id", 999),
        lambda lines: [lines[0], b'{"a":' * 100_000, *lines[2:]],
        _cut,
        _cut_in_a_line,
        _lose_a_row,
        _double_a_row,
        _of_another_revision,
        _with_a_moment_that_is_none,
        _with_another_column,
        _with_another_table,
        _in_no_encoding,
        lambda _lines: [],
        lambda _lines: [b"\x00"],
        lambda _lines: [b"[]"],
    ],
)
def test_broken_backup_is_refused_as_a_whole(full: Database, bare: Database, harm: Callable[[list[bytes]], list[bytes]]) -> None:
    lines = harm(_dump(full))
    with pytest.raises(Invalid, match=r"(?i)\bline"), bare.write() as unit:
        read_backup(unit.connection(), REVISION, lines)
    assert not any(_read_everything(bare).values())


def test_database_with_rows_is_not_filled(full: Database) -> None:
    with pytest.raises(Invalid, match="not empty"), full.write() as unit:
        read_backup(unit.connection(), REVISION, _dump(full))
