"""The outermost layer: ids, headers, limits, one shape of errors. On SQLite alone: no database is the subject here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from control_api import migrations
from control_api.config import Settings, load_settings
from control_api.db import open_database
from control_api.main import create_app

KEY = "p4Vt9-nWz7Lq2XsR6mYc1BdK8fHj3GuA0eTi5oQ"
PROBLEM = {"type", "title", "status", "detail", "request_id"}


@pytest.fixture
def edge_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(
        data_dir=tmp_path,
        secret_key=KEY,
        max_body_bytes=1024,
        body_seconds=0.2,
        cors_origins="https://admin.example",
        clickhouse_dsn="none",
    )
    database = open_database(settings.database_dsn)
    migrations.upgrade(database.engine)
    database.close()
    return settings


@pytest.fixture
def app(edge_settings: Settings) -> FastAPI:
    return create_app(edge_settings)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_every_answer_has_security_headers_and_a_request_id(client: TestClient) -> None:
    for path in ("/healthz", "/api/v1/keyword", "/nowhere", "/docs", "/openapi.json"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert len(headers["x-request-id"]) == 32
        assert "server" not in headers
    assert client.get("/api/v1/keyword").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [
        ("abcdefgh-1.2_3", True),
        ("short", False),
        ("x" * 65, False),
        ("with space 12", False),
        ("a\tb" * 9, False),
        ("<script>x</script>", False),
    ],
)
def test_request_id_is_kept_only_when_it_is_plain(client: TestClient, given: str, is_kept: bool) -> None:
    answer = client.get("/nowhere", headers={"X-Request-ID": given})
    assert (answer.headers["x-request-id"] == given) is is_kept
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("PATCH", "/healthz", 405),
        ("GET", "/api/v1/keyword", 401),
        ("POST", "/api/v1/auth/token", 422),
        ("GET", "/api/v1/../../etc/passwd", 404),
        ("GET", "/docs/assets/../../../config.py", 404),
        ("GET", "/docs/assets/%2e%2e/%2e%2e/config.py", 404),
        ("GET", "/api/v1/keyword/%00", 401),
        ("GET", "//evil.example/", 404),
    ],
)
def test_every_error_has_the_one_shape(client: TestClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) >= PROBLEM
    assert answer.json()["status"] == status
    assert "location" not in answer.headers


def test_slash_at_the_end_means_the_same_and_redirects_nobody(client: TestClient) -> None:
    for path in ("/healthz", "/healthz/", "/api/v1/keyword", "/api/v1/keyword/"):
        answer = client.get(path, headers={"Host": "evil.example"}, follow_redirects=False)
        assert answer.status_code in {200, 401}


def test_body_declared_too_large_is_refused_unread(client: TestClient) -> None:
    answer = client.post("/api/v1/auth/token", content=b"x" * 1025)
    assert answer.status_code == 413
    assert answer.json()["detail"] == "This door takes bodies of up to 1024 bytes."
    assert answer.headers["connection"] == "close"


def _ask(app: FastAPI, chunks: list[bytes], pause: float = 0.0, headers: list[tuple[bytes, bytes]] | None = None) -> tuple[int, Any]:
    """Send a body in chunks without a length, as a client of bad faith would."""
    sent: list[dict[str, Any]] = []
    waiting = list(chunks)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(pause)
        body = waiting.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(waiting)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/auth/token",
        "raw_path": b"",
        "query_string": b"",
        "headers": [(b"content-type", b"application/x-www-form-urlencoded"), *(headers or [])],
        "client": ("127.0.0.1", 1),
        "server": ("x", 80),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
    }
    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent[1:]))


def test_body_without_length_is_cut_off_when_it_grows_too_large(app: FastAPI) -> None:
    status, body = _ask(app, [b"username=" + b"a" * 500] * 400)
    assert (status, body["type"]) == (413, "docs/control.md#too-large")


def test_body_that_trickles_is_given_up(app: FastAPI) -> None:
    status, body = _ask(app, [b"a"] * 1000, pause=0.05)
    assert (status, body["type"]) == (408, "docs/control.md#too-slow")


@pytest.mark.parametrize("length", [b"-1", b"1e9", b"99999999999999999999", b"x", "١٢".encode()])
def test_length_that_is_no_number_changes_nothing(app: FastAPI, length: bytes) -> None:
    status, _ = _ask(app, [b"username=a"], headers=[(b"content-length", length)])
    assert status == 422


def test_compressed_body_is_not_unpacked(client: TestClient) -> None:
    answer = client.post("/api/v1/auth/token", content=b"\x1f\x8b" + b"0" * 50, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 422


@pytest.mark.parametrize(("origin", "is_allowed"), [("https://admin.example", True), ("https://evil.example", False), ("null", False)])
def test_cors_opens_for_the_named_origin_alone(client: TestClient, origin: str, is_allowed: bool) -> None:
    answer = client.options("/api/v1/keyword", headers={"Origin": origin, "Access-Control-Request-Method": "GET"})
    assert (answer.headers.get("access-control-allow-origin") == origin) is is_allowed
    assert "access-control-allow-credentials" not in answer.headers


def test_validation_error_does_not_echo_what_was_sent(client: TestClient) -> None:
    answer = client.post("/api/v1/auth/token", json={"username": "planted-in-body", "password": ["planted-in-body"]})
    assert answer.status_code == 422
    assert "planted-in-body" not in answer.text


def test_readiness_names_what_is_missing(edge_settings: Settings, client: TestClient) -> None:
    assert client.get("/readyz").json() == {
        "is_ready": True,
        "dependencies": [{"name": "database", "is_ready": True, "detail": ""}, {"name": "schema", "is_ready": True, "detail": ""}],
    }
    database = open_database(edge_settings.database_dsn)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    database.close()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "db upgrade" in answer.json()["dependencies"][1]["detail"]
    assert client.get("/healthz").json() == {"status": "ok"}


def test_metrics_count_by_template_and_never_by_path(client: TestClient) -> None:
    for number in range(3):
        client.get(f"/api/v1/keyword/{number + 1}")
        client.get(f"/planted-path-{number}")
    text = client.get("/metrics").text
    assert 'control_requests_total{method="GET",route="/api/v1/keyword/{keyword_id}",status="401"} 3' in text
    assert 'control_requests_total{method="GET",route="(no route)",status="404"} 3' in text
    assert "planted-path" not in text
    assert 'control_request_seconds_bucket{le="+Inf"}' in text


def test_unexpected_error_is_a_problem_without_its_text(app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ValueError("planted-in-exception")

    app.router.add_api_route("/boom", fail)
    with TestClient(app) as client:  # nothing reaches the server, which would log the text
        answer = client.get("/boom")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert [record.name for record in caplog.records if record.levelname == "ERROR"] == ["control_api.problems"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (answer.status_code, answer.json()["type"]) == (500, "docs/control.md#internal")
    assert "planted-in-exception" not in answer.text
    assert "unexpected ValueError" in caplog.text
    assert "planted-in-exception" not in caplog.text


def test_start_on_an_old_schema_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(data_dir=tmp_path)
    with pytest.raises(Exception, match="db upgrade"), TestClient(create_app(settings)):
        pass
    flags = {"run_migrations_on_startup": True, "initialize_seed_data_on_startup": True}
    with TestClient(create_app(settings.model_copy(update=flags))) as client:
        assert client.get("/readyz").status_code == 200
