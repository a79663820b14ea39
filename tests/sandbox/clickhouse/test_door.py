"""The protocol itself, said without the client."""

import base64
import gzip
import http.client
import socket

import pytest

LOGIN = {"X-ClickHouse-User": "default", "X-ClickHouse-Key": "front: secret/"}
BASIC = "Basic " + base64.b64encode(b"default:front: secret/").decode()


def ask(front, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=30)
    try:
        connection.request(method, path, body, LOGIN if headers is None else headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/ping", "/"])
def test_ping_needs_no_login(front, path: str) -> None:
    assert ask(front, "GET", path, headers={})[::2] == (200, b"Ok.\n")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/?query=SELECT%201", b""),
        ("POST", "/", b"SELECT 1"),
        ("POST", "/?query=SELECT%201", b""),
        ("POST", "/?query=SELECT", b"1"),
    ],
)
def test_query_in_the_url_the_body_or_both(front, method: str, path: str, body: bytes) -> None:
    status, headers, answer = ask(front, method, path, body)
    assert (status, answer, headers["X-ClickHouse-Format"]) == (200, b"1\n", "TabSeparated")
    assert headers["X-ClickHouse-Query-Id"]
    assert '"elapsed_ns"' in headers["X-ClickHouse-Summary"]


def test_names_given_come_back_and_default_format_is_used(front) -> None:
    status, headers, answer = ask(front, "GET", "/?query=SELECT%201%20AS%20a&query_id=mine&default_format=JSONEachRow")
    assert (status, headers["X-ClickHouse-Query-Id"], answer) == (200, "mine", b'{"a":1}\n')


@pytest.mark.parametrize(
    ("headers", "query"),
    [({"Authorization": BASIC}, ""), (LOGIN, ""), ({}, "&user=default&password=front:%20secret/")],
    ids=["basic", "headers", "url"],
)
def test_login_in_each_way(front, headers: dict[str, str], query: str) -> None:
    assert ask(front, "GET", "/?query=SELECT%201" + query, headers=headers)[0] == 200


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Basic x"}, {"Authorization": "Bearer x"}, {"X-ClickHouse-User": "root"}, LOGIN | {"Authorization": BASIC}],
    ids=["none", "broken", "bearer", "other", "two ways"],
)
def test_login_that_is_wrong_is_refused(front, headers: dict[str, str]) -> None:
    status, found, _ = ask(front, "GET", "/?query=SELECT%201", headers=headers)
    assert (status, found["X-ClickHouse-Exception-Code"]) == (403, "516")


def test_get_changes_nothing(front) -> None:
    status, headers, body = ask(front, "GET", "/?query=CREATE%20TABLE%20gets%20(a%20Int8)%20ENGINE%20%3D%20Memory")
    assert (status, headers["X-ClickHouse-Exception-Code"]) == (500, "164")
    assert b"READONLY" in body
    assert ask(front, "GET", "/?query=EXISTS%20gets")[2] == b"0\n"


def test_answer_is_compressed_only_when_asked_to(front) -> None:
    accepting = LOGIN | {"Accept-Encoding": "snappy, gzip"}
    _, headers, body = ask(front, "GET", "/?query=SELECT%201&enable_http_compression=1", headers=accepting)
    assert (headers["Content-Encoding"], gzip.decompress(body)) == ("gzip", b"1\n")
    assert "Content-Encoding" not in ask(front, "GET", "/?query=SELECT%201", headers=accepting)[1]


@pytest.mark.parametrize(
    ("encoding", "body", "code"), [("snappy", b"x", "48"), ("gzip", b"x", "271"), ("gzip", gzip.compress(b"SELECT 1", mtime=0)[:-4], "271")]
)
def test_body_that_cannot_be_unpacked_is_refused(front, encoding: str, body: bytes, code: str) -> None:
    assert ask(front, "POST", "/", body, LOGIN | {"Content-Encoding": encoding})[1]["X-ClickHouse-Exception-Code"] == code


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [("compress=1", 501, "48"), ("session_id=s1&session_check=1", 404, "372"), ("session_id=s&session_timeout=x", 400, "36")],
)
def test_what_is_not_offered_or_not_there_is_refused(front, query: str, status: int, code: str) -> None:
    found, headers, _ = ask(front, "POST", f"/?{query}", b"SELECT 1")
    assert (found, headers["X-ClickHouse-Exception-Code"]) == (status, code)


def test_request_cut_off_in_its_body_inserts_nothing(front) -> None:
    ask(front, "POST", "/", b"CREATE TABLE IF NOT EXISTS cut (a UInt8) ENGINE = MergeTree ORDER BY a")
    whole = b"INSERT INTO cut FORMAT CSV\n1\n2\n3\n"
    login = "".join(f"{name}: {value}\r\n" for name, value in LOGIN.items())
    for framing, sent in (
        (f"Content-Length: {len(whole)}", whole[:-2]),
        ("Transfer-Encoding: chunked", b"%x\r\n%b\r\n" % (len(whole), whole)),
    ):
        with socket.create_connection(("127.0.0.1", front.port), timeout=30) as cut:
            cut.sendall(f"POST / HTTP/1.1\r\nHost: x\r\n{login}{framing}\r\n\r\n".encode() + sent)
            cut.shutdown(socket.SHUT_WR)
            cut.recv(1_000)
    assert ask(front, "GET", "/?query=SELECT%20count()%20FROM%20cut")[2] == b"0\n"
