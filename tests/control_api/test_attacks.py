"""Attacks that belong to no single part: SQL in every text of every list, path tricks, odd headers, planted secrets in logs and answers."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from control_api.deps import Control
from control_api.logs import JsonFormatter
from control_api.models import AuditLog, Keyword

Headers = dict[str, str]
SQL = ["' OR '1'='1", "'; DROP TABLE keyword; --", '" OR 1=1 --', "\\' OR 1=1 #", "%' UNION SELECT password_hash FROM user --", "\\", "_%"]


@pytest.mark.parametrize("value", SQL)
def test_sql_in_a_filter_is_a_text_that_nothing_has(client: TestClient, control: Control, admin: Headers, value: str) -> None:
    with control.database.write() as unit:
        unit.add(Keyword(platform="boss", text="数据", city_code="1"))
    queries = (
        [("/api/v1/keyword", name) for name in ("text", "tag", "city")]
        + [("/api/v1/auditlog", name) for name in ("actor", "action", "object_kind", "object_id")]
        + [("/api/v1/ip", "source"), ("/api/v1/ip", "ip")]
    )
    for path, name in queries:
        answer = client.get(path, params={name: value}, headers=admin)
        assert answer.status_code in {200, 422}, (path, name)
        assert "argon2" not in answer.text
        if answer.status_code == 200 and path != "/api/v1/keyword":
            assert answer.json()["items"] == [], (path, name)
    assert client.post("/api/v1/auth/token", data={"username": value, "password": value}).status_code in {401, 422, 429}
    with control.database.read() as unit:
        assert len(unit.exec(select(Keyword)).all()) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/keyword/../user",
        "/api/v1/keyword/%2e%2e/user",
        "/api/v1/keyword/..%2fuser",
        "//api/v1/user",
        "/api//v1/user",
        "/API/V1/USER",
        "/api/v1/user;x=1",
        "/api/v1/user%00",
        "/api/v1/user%20",
        "/docs/assets/../../config.py",
        "/docs/assets/%2e%2e/%2e%2e/config.py",
        "/docs/assets/..%5c..%5cconfig.py",
        "/healthz/../api/v1/user",
    ],
)
def test_path_trick_reaches_nothing_without_a_credential(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in {401, 404}, answer.text


@pytest.mark.parametrize(
    "name", ["X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override", "X-Forwarded-Prefix", "X-Forwarded-User", "Remote-User"]
)
def test_header_that_other_servers_obey_is_not_obeyed(client: TestClient, name: str) -> None:
    assert client.get("/api/v1/user", headers={name: "/healthz"}).status_code == 401
    assert client.get("/healthz", headers={name: "/api/v1/user"}).json() == {"status": "ok"}


def test_host_header_is_echoed_nowhere(client: TestClient, admin: Headers) -> None:
    for path in ("/api/v1/keyword/", "/docs", "/openapi.json", "/api/v1/nothing"):
        answer = client.get(path, headers={**admin, "host": "evil.example"})
        assert "evil.example" not in answer.text + json.dumps(dict(answer.headers))


def test_planted_secrets_are_in_no_log_audit_line_or_answer(
    client: TestClient, control: Control, admin: Headers, node: Headers, add_user: Callable[..., int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    add_user("paul", "viewer")
    planted = "Planted-secret-77-xyz"
    jwt = admin["Authorization"].removeprefix("Bearer ")
    texts = [
        client.post("/api/v1/auth/token", data={"username": "paul", "password": planted}),
        client.post("/api/v1/auth/token", data={"username": planted, "password": "x"}),
        client.put("/api/v1/auth/password", headers=admin, json={"current": planted, "new": planted}),
        client.post("/api/v1/user", headers=admin, json={"username": "x1", "password": planted, "roles": [], "extra": planted}),
        client.post("/api/v1/token", headers=admin, json={"platform": "boss", "token": planted}),
        client.post("/api/v1/token", headers=admin, json={"platform": planted, "token": planted}),
        client.get("/api/v1/user", headers={"Authorization": f"Bearer {jwt}x"}),
        client.get("/api/v1/user", headers={"token": node["token"]}),
        client.get(f"/api/v1/nothing?token={planted}"),
    ]
    formatter = JsonFormatter(control.settings.secrets())
    logged = "\n".join(
        formatter.format(record) for record in caplog.records if record.name.startswith(("control_api", "uvicorn", "sqlalchemy"))
    )
    with control.database.read() as unit:
        audited = "\n".join(line.model_dump_json() for line in unit.exec(select(AuditLog)).all())
    answered = "\n".join(answer.text for answer in texts)
    for secret in (planted, jwt, node["token"], control.settings.secret_key.get_secret_value(), control.settings.token_key_list[0]):
        assert secret not in logged
        assert secret not in audited
        assert secret not in answered
