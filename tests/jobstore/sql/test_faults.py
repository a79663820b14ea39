"""What the store does when the database fails: real locks, cut connections and killed servers, and the table of codes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pymysql
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from benchmarks.mariadb_server import PrivateMariaDb, is_installed
from jobschema import Job
from jobstore.errors import (
    AccessRefusedError,
    SchemaMismatchError,
    StatementRefusedError,
    StoreBusyError,
    StoreUnavailableError,
)
from jobstore.retry import RetryPolicy
from jobstore.sql import SqlDatabase, SqlSink, parse_address
from jobstore.sql.faults import Fault, find_fault, translate
from jobstore.sql.revisions import upgrade

Make = Callable[..., Any]
URL = parse_address("mysql+pymysql://user:hunter22@127.0.0.1/jobs")


def driver_error(code: int | str, text: str = "words hunter22") -> DBAPIError:
    error = pymysql.err.OperationalError(code, text) if isinstance(code, int) else Exception(code)
    return DBAPIError("INSERT ...", (), error)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (1213, Fault.COLLISION),
        (1205, Fault.COLLISION),
        (2006, Fault.GONE),
        (2013, Fault.GONE),
        (2003, Fault.ABSENT),
        (1114, Fault.BUSY),
        (1045, Fault.ACCESS),
        (1146, Fault.SCHEMA),
        (1406, Fault.ROW),
        (1366, Fault.ROW),
        (1064, Fault.OTHER),
        ("database is locked", Fault.COLLISION),
        ("database or disk is full", Fault.BUSY),
        ("no such table: job", Fault.SCHEMA),
        ("attempt to write a readonly database", Fault.ACCESS),
        ("something new", Fault.OTHER),
    ],
)
def test_fault_of_a_code_is_known(code: int | str, fault: Fault) -> None:
    assert find_fault(driver_error(code)) is fault


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (2013, StoreUnavailableError),
        (1213, StoreBusyError),
        (1045, AccessRefusedError),
        (1146, SchemaMismatchError),
        (1064, StatementRefusedError),
    ],
)
def test_translated_error_holds_no_password(code: int, error: type[Exception]) -> None:
    made = translate(driver_error(code), URL)
    assert type(made) is error
    assert "hunter22" not in str(made)
    assert "words ***" in str(made)


def raw_connection(dsn: str) -> Any:
    url = make_url(dsn)
    assert url.host
    return pymysql.connect(host=url.host, port=url.port, user=url.username, password=url.password or "", database=url.database)


@pytest.fixture
def server_sink(mysql_dsn: str) -> Iterator[SqlSink]:
    """An empty store on the server."""
    database = SqlDatabase(parse_address(mysql_dsn))
    upgrade(database)
    opened = SqlSink(database)
    database.write(lambda transaction: transaction.connection.exec_driver_sql("DELETE FROM job"))
    yield opened
    opened.close()


def test_a_deadlock_is_tried_again_until_it_passes(mysql_dsn: str, server_sink: SqlSink, make_job: Make) -> None:
    server_sink.write_rows([make_job(name) for name in ("a", "b")], "t")
    waits: list[float] = []
    ours = SqlSink(SqlDatabase(parse_address(mysql_dsn), sleep=waits.append))
    other = raw_connection(mysql_dsn)
    cursor = other.cursor()
    cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")  # holds b alone, by whatever index it came there
    # The other transaction changes more rows, so ours is the one that the server rolls back.
    cursor.executemany(
        "INSERT INTO keyword_pass (platform, text, city_code, started_at, outcome) VALUES ('x', %s, '', NOW(6), '')",
        [(number,) for number in range(50)],
    )
    cursor.execute("UPDATE job SET reposts = reposts WHERE platform = 'boss' AND job_id = 'b'")
    cursor.execute("UPDATE job SET title = 'other' WHERE platform = 'boss' AND job_id = 'b'")
    writer = threading.Thread(target=ours.write_rows, args=([make_job(name, day=1, title="ours") for name in ("a", "b")], "t"))
    writer.start()
    try:
        wait_for_lock(server_sink)
        cursor.execute("UPDATE job SET title = 'other' WHERE platform = 'boss' AND job_id = 'a'")
    finally:
        other.rollback()
        other.close()
        writer.join(20)
    ours.close()
    assert not writer.is_alive()
    assert waits, "the server broke a deadlock, and we tried again"
    assert titles(server_sink) == ["ours", "ours"]


def wait_for_lock(sink: SqlSink) -> None:
    """Until a writer of jobs has its first row and waits for the second: the server has transactions of its own that wait for locks.

    The server shows what it knew, until nobody asked for a tenth of a second.
    """
    waiting = "trx_state = 'LOCK WAIT' AND INSTR(trx_query, 'INSERT INTO `job`') = 1 AND trx_rows_modified = 1"
    for _ in range(60):
        time.sleep(0.15)
        if sink.database.read(lambda transaction: transaction.read(f"SELECT 1 FROM information_schema.innodb_trx WHERE {waiting}")):
            return
    raise AssertionError("no writer of jobs waits for a lock")


def titles(sink: SqlSink) -> list[str]:
    return [title for (title,) in sink.database.read(lambda transaction: transaction.read("SELECT title FROM job ORDER BY job_id"))]


def test_a_killed_connection_is_replaced_and_nothing_is_lost(server_sink: SqlSink, make_job: Make) -> None:
    server_sink.write_rows([make_job("a")], "t")
    cut_connections(server_sink)
    server_sink.write_rows([make_job("b")], "t")
    assert len(titles(server_sink)) == 2


def cut_connections(sink: SqlSink) -> None:
    other = raw_connection(sink.database.url.render_as_string(hide_password=False))
    cursor = other.cursor()
    cursor.execute(f"SELECT id FROM information_schema.processlist WHERE db = '{sink.database.url.database}' AND id <> CONNECTION_ID()")
    for (number,) in cursor.fetchall():
        cursor.execute(f"KILL {number}")
    other.close()


def test_writers_that_meet_on_the_same_rows_lose_nothing(server_sink: SqlSink, make_job: Make) -> None:
    def write(writer: int) -> None:
        for day in range(5):
            # Every writer has its own order; the sink sorts.
            rows = [make_job(f"j{(number * (writer * 2 + 1)) % 64:02}", day=day, title=f"day {day}") for number in range(64)]
            server_sink.write_rows(rows, "t")

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert titles(server_sink) == ["day 4"] * 64


def test_a_server_killed_and_started_again_has_what_was_answered(make_job: Make) -> None:
    if not is_installed():
        pytest.skip("needs a server of its own to kill: install mariadb-server")
    with PrivateMariaDb() as server:
        raw = pymysql.connect(host="127.0.0.1", port=server.port, user="root")
        raw.cursor().execute("CREATE DATABASE jobs")
        raw.close()
        database = SqlDatabase(parse_address(server.dsn))
        upgrade(database)
        sink = SqlSink(database)
        sink.write_rows([make_job("a")], "t")
        server.kill()
        with pytest.raises(StoreUnavailableError, match="MYSQL_DSN"):
            sink.write_rows([make_job("b")], "t")
        server.start()
        patient = RetryPolicy(first=0.05)
        patient.run(lambda: sink.write_rows([make_job("b")], "t"), lambda _error: None)
        assert len(titles(sink)) == 2
        sink.close()


def test_a_wrong_password_is_told_apart(server_dsn: str) -> None:
    wrong = make_url(server_dsn).set(username="nobody_here", password="hunter22", database="mysql")
    with pytest.raises(AccessRefusedError, match="MYSQL_DSN") as caught:
        SqlSink.open(wrong.render_as_string(hide_password=False))
    assert "hunter22" not in str(caught.value)


def test_nobody_at_the_address_is_unavailable() -> None:
    with pytest.raises(StoreUnavailableError):
        SqlSink.open("mysql+pymysql://root@127.0.0.1:1/jobs")


def test_a_forked_child_gets_connections_of_its_own(sink: SqlSink, make_job: Make) -> None:
    sink.write_rows([make_job("a")], "t")
    sink.database._pid -= 1  # as a child finds it
    sink.write_rows([make_job("b")], "t")
    assert len(titles(sink)) == 2
    assert isinstance(make_job("c"), Job)
