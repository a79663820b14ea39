"""What the driver's failures become: ours, told apart by whether trying again helps, without the password."""

import gc
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from jobstore import ClickHouseStore
from jobstore.connection import Connection
from jobstore.dsn import parse_dsn
from jobstore.errors import (
    AccessRefusedError,
    SchemaMismatchError,
    StatementRefusedError,
    StoreBusyError,
    StoreError,
    StoreUnavailableError,
    TransientStoreError,
)

SECRET = "planted-secret"


class _RefusingHandler(BaseHTTPRequestHandler):
    """Answers every request with the server's `answer`: status, ClickHouse's code, body."""

    def do_POST(self) -> None:
        status, code, body = self.server.answer
        self.send_response(status)
        if code:
            self.send_header("X-ClickHouse-Exception-Code", str(code))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815 - the name that http.server calls

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def refusing_server() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _RefusingHandler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (503, 0, StoreUnavailableError),
        (502, 0, StoreUnavailableError),
        (500, 241, StoreBusyError),
        (500, 252, StoreBusyError),
        (500, 243, StoreBusyError),
        (403, 516, AccessRefusedError),
        (403, 497, AccessRefusedError),
        (500, 60, SchemaMismatchError),
        (400, 62, StatementRefusedError),
        (404, 0, StatementRefusedError),
    ],
)
def test_open_server_that_refuses_raises_the_fitting_error_without_the_password(refusing_server, caplog, status, code, error) -> None:
    refusing_server.answer = (status, code, f"Code: {code}. DB::Exception: {SECRET} is no good".encode())
    with pytest.raises(error) as caught:
        ClickHouseStore.open(f"clickhouse://me:{SECRET}@127.0.0.1:{refusing_server.server_port}/jobs")
    shown: BaseException | None = caught.value
    while shown is not None:
        assert SECRET not in f"{shown} {shown!r}"
        shown = shown.__cause__
    assert SECRET not in caplog.text
    assert f"127.0.0.1:{refusing_server.server_port}" in str(caught.value)


def test_open_server_that_is_not_there_is_transient(unused_port: int) -> None:
    with pytest.raises(StoreUnavailableError, match="does not answer") as caught:
        ClickHouseStore.open(f"clickhouse://me:{SECRET}@127.0.0.1:{unused_port}/jobs")
    assert isinstance(caught.value, TransientStoreError)
    assert SECRET not in str(caught.value)


@pytest.fixture
def unused_port() -> int:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _RefusingHandler)
    server.server_close()
    return server.server_port


def test_repr_hides_the_password() -> None:
    dsn = parse_dsn(f"clickhouse://me:{SECRET}@127.0.0.1:1/jobs")
    assert SECRET not in f"{dsn!r} {dsn}"


def test_statement_that_the_engine_refuses_says_why(store_dsn: str) -> None:
    connection = Connection(parse_dsn(store_dsn))
    with pytest.raises(StatementRefusedError, match="SYNTAX_ERROR") as caught:
        connection.run("SELECT FROM WHERE")
    with pytest.raises(SchemaMismatchError, match="no_such_table"):
        connection.read("SELECT * FROM no_such_table")
    connection.close()
    connection.close()
    assert caught.value.code == 62


def test_error_messages_name_their_paragraph() -> None:
    def tree(error: type[StoreError]) -> list[type[StoreError]]:
        return [error, *(deeper for child in error.__subclasses__() for deeper in tree(child))]

    slugs = [error.slug for error in tree(StoreError)]
    assert len(slugs) == len(set(slugs))
    assert str(StoreBusyError("x")) == "x [docs/stores.md#store-busy]"


def test_disk_full_under_the_in_process_engine_may_pass(chdb_dsn: str, tmp_path: Path, monkeypatch, make_job) -> None:
    store = ClickHouseStore.open(chdb_dsn)
    store.ensure_schema()
    # What the driver does first with an insert: it writes a temporary file. A folder that is not there fails like one that is full.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(StoreBusyError, match="temporary folder"):
        store.write_rows([make_job()], "t1")
    monkeypatch.undo()
    assert store.write_rows([make_job()], "t1")["versions"] == 1
    store.close()


def test_inserted_values_stay_in_memory_no_longer_than_the_insert(store_dsn: str, make_job) -> None:
    store = ClickHouseStore.open(store_dsn)
    store.ensure_schema()
    skills = ["SQL", "Python"]
    rows = [make_job("a", skills=skills), make_job("b", skills=skills)]
    before = sys.getrefcount(skills)
    gc.disable()
    try:
        store.write_rows(rows, "t1")
        assert sys.getrefcount(skills) == before
    finally:
        gc.enable()
        store.close()
