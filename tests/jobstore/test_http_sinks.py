"""The two HTTP sinks against a door on loopback: what is sent, what is kept for later, what is refused."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from backports import zstd

from jobschema import Platform
from jobstore.enrichment import EnrichmentSink
from jobstore.errors import (
    AccessRefusedError,
    DsnInvalidError,
    RetryAfterError,
    RowsRefusedError,
    StatementRefusedError,
    StoreUnavailableError,
    TransientStoreError,
)
from jobstore.ingest import PATH, IngestBook, IngestSink
from jobstore.lifecycle import KeywordPass, PassRecord

Reply = Callable[[dict[str, Any]], tuple[int, dict[str, str], Any]]


class Door:
    """Answers as told, and remembers what it was sent."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.reply: Reply = lambda body: (202, {}, {"rejected": 0, "faults": []})
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                plain = zstd.decompress(raw) if self.headers["Content-Encoding"] == "zstd" else raw
                body = json.loads(plain)
                door.asked.append((self.path, dict(self.headers), body))
                status, headers, answer = door.reply(body)
                said = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(said)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def door() -> Iterator[Door]:
    made = Door()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def sink(door: Door) -> Iterator[IngestSink]:
    made = IngestSink(door.url + "/", "secret-token")
    yield made
    made.close()


def test_ingest_sends_one_request_for_each_kind_and_platform(door, sink, make_job, make_company, make_pending) -> None:
    rows = (make_job("a"), make_company(), make_job("b", platform=Platform.QCWY), make_job("c"), make_pending())
    assert sink.write_rows(rows, "boss.1:spool:3") == {"rows": 5, "requests": 4}
    sent = [(body["platform"], body["data_type"], body["batch_id"], len(body["data_list"])) for _, _, body in door.asked]
    assert sent == [
        ("boss", "job", "boss.1:spool:3:boss.job.0", 2),
        ("boss", "company", "boss.1:spool:3:boss.company.0", 1),
        ("qcwy", "job", "boss.1:spool:3:qcwy.job.0", 1),
        ("boss", "pending_company", "boss.1:spool:3:boss.pending_company.0", 1),
    ]
    path, headers, body = door.asked[0]
    assert (path, headers["token"], headers["Content-Type"], body["schema_version"]) == (PATH, "secret-token", "application/json", 1)
    assert body["data_list"][0]["job_id"] == "a"


def test_ingest_rows_that_the_door_names_are_refused_by_their_place(door, sink, make_job, make_company) -> None:
    def reply(body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        if body["data_type"] == "company":
            return 202, {}, {"rejected": 0, "faults": []}
        return 202, {}, {"rejected": 1, "faults": [{"row": 1, "column": "title", "message": "takes text"}]}

    door.reply = reply
    with pytest.raises(RowsRefusedError) as caught:
        sink.write_rows((make_job("a"), make_company(), make_job("b")), "t:0")
    assert caught.value.refused == [(2, "title", "takes text")]
    assert len(door.asked) == 2


def test_ingest_body_that_is_too_large_is_halved_under_its_own_identities(door, sink, make_job) -> None:
    door.reply = lambda body: (413, {}, {}) if len(body["data_list"]) > 1 else (202, {}, {"rejected": 0, "faults": []})
    sink.write_rows((make_job("a"), make_job("b")), "t:0")
    assert [body["batch_id"] for _, _, body in door.asked] == ["t:0:boss.job.0", "t:0:boss.job.0/0", "t:0:boss.job.0/1"]


@pytest.mark.parametrize("status", [429, 503])
def test_ingest_asked_to_come_back_says_when(door, sink, make_job, status) -> None:
    door.reply = lambda body: (status, {"Retry-After": "7"}, {"detail": "full"})
    with pytest.raises(RetryAfterError) as caught:
        sink.write_rows((make_job(),), "t:0")
    assert caught.value.retry_after == 7
    assert isinstance(caught.value, TransientStoreError)


@pytest.mark.parametrize(("status", "error"), [(401, AccessRefusedError), (409, StatementRefusedError), (422, StatementRefusedError)])
def test_ingest_refused_for_good_is_terminal_and_hides_the_token(door, sink, make_job, status, error) -> None:
    door.reply = lambda body: (status, {}, {"detail": "no"})
    with pytest.raises(error) as caught:
        sink.write_rows((make_job(),), "t:0")
    assert "secret-token" not in str(caught.value) + repr(sink)


def test_ingest_more_rows_refused_than_named_is_terminal(door, sink, make_job) -> None:
    door.reply = lambda body: (202, {}, {"rejected": 2, "faults": []})
    with pytest.raises(StatementRefusedError, match="run the same release"):
        sink.write_rows((make_job("a"), make_job("b")), "t:0")


def test_ingest_nobody_there_may_pass(make_job) -> None:
    sink = IngestSink("http://127.0.0.1:9", "t")
    with pytest.raises(StoreUnavailableError, match="CONTROL_API_URL"):
        sink.write_rows((make_job(),), "t:0")
    sink.close()


@pytest.fixture
def record() -> PassRecord:
    at = datetime(2026, 3, 1, 8, tzinfo=UTC)
    one = KeywordPass(Platform.BOSS, "python", "101", at, at + timedelta(minutes=5), 1, 1, ("search_empty",), claimed=1)
    return PassRecord(one, {"a": at + timedelta(minutes=1)}, ("b",))


def test_pass_goes_through_the_same_door_as_rows(door, record) -> None:
    book = IngestBook(door.url, "secret-token")
    assert book.record(record) is None
    book.close()
    ((path, headers, body),) = door.asked
    assert (path, headers["token"], body["data_type"], body["platform"]) == (PATH, "secret-token", "pass", "boss")
    assert body["data_list"] == [
        {
            "text": "python",
            "city_code": "101",
            "started_at": "2026-03-01T08:00:00+00:00",
            "ended_at": "2026-03-01T08:05:00+00:00",
            "jobs": 1,
            "pages": 1,
            "causes": ["search_empty"],
            "is_truncated": False,
            "claimed": 1,
            "seen": {"a": "2026-03-01T08:01:00+00:00"},
            "gone": ["b"],
        }
    ]


@pytest.mark.parametrize(
    ("status", "answer"), [(413, {}), (422, {}), (202, {"rejected": 1, "faults": [{"row": 0, "column": "seen", "message": "no"}]})]
)
def test_pass_that_the_door_refuses_is_no_pass(door, record, status, answer) -> None:
    door.reply = lambda body: (status, {}, answer)
    book = IngestBook(door.url, "secret-token")
    with pytest.raises(StatementRefusedError) as caught:
        book.record(record)
    assert "secret-token" not in str(caught.value)
    book.close()


@pytest.mark.parametrize("url", ["", "control.example", "http://", "https://user:pw@control.example"])
def test_ingest_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(DsnInvalidError, match="CONTROL_API_URL") as caught:
        IngestSink(url, "t")
    assert "pw" not in str(caught.value)


def test_enrichment_signs_the_companies_and_leaves_the_postings(door, make_job, make_company) -> None:
    sink = EnrichmentSink(f"{door.url}/push", "pepper", clock=lambda: 1_700_000_000.9)
    assert sink.write_rows((make_job(), make_company(full_name="某某有限公司")), "t:0") == {"rows": 2, "companies": 1}
    ((path, headers, body),) = door.asked
    assert (path, headers["Idempotency-Key"], body["timestamp"]) == ("/push", "t:0", "1700000000")
    assert body["sign"] == hashlib.md5(b"1700000000pepper").hexdigest()
    assert body["data"][0]["full_name"] == "某某有限公司"
    assert "pepper" not in json.dumps(body) + repr(sink)
    sink.close()


def test_enrichment_without_a_company_asks_nothing(door, make_job) -> None:
    sink = EnrichmentSink(door.url, "pepper")
    assert sink.write_rows((make_job(),), "t:0")["companies"] == 0
    assert door.asked == []
    sink.close()
