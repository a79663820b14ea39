"""The audit log: every write of a person leaves a line, a read leaves none, no line holds a secret, none is changed."""

from __future__ import annotations

import csv
import io
import json

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, delete, select, update

from control_api.deps import Control
from control_api.models import AuditLog
from control_api.services.audit import clean

Headers = dict[str, str]
# Writes of machines: runs, token events and the node's own row are their history.
OF_NODES = {"node:self", "keyword", "token", "ingest"}


def _count(control: Control) -> int:
    with control.database.read() as unit:
        return len(unit.exec(select(AuditLog.id)).all())


def test_every_write_of_a_person_leaves_one_line(client: TestClient, control: Control, admin: Headers) -> None:
    keyword = {"text": "x", "platforms": ["boss"], "cities": ["1"]}
    token = "a-token-to-audit"
    user = {"username": "u.one", "password": "a-long-pass-phrase-77", "roles": ["viewer"]}
    csv_file = {"file": ("k.csv", b"text,platforms,cities\ny,boss,1\n")}
    done: set[tuple[str, str]] = set()

    def do(method: str, template: str, expected: int = 200, lines: int = 1, **given: object) -> dict[str, object]:
        path = template.format(**{key: value for key, value in given.items() if key.endswith("_id")})
        body = {key: value for key, value in given.items() if not key.endswith("_id")}
        before = _count(control)
        answer = client.request(method, path, headers=admin, **body)  # type: ignore[arg-type]
        assert answer.status_code == expected, f"{method} {path} {answer.text}"
        assert _count(control) == before + lines, f"{method} {path}"
        done.add((method, template))
        result = answer.json() if answer.content and expected != 204 else {}
        return result[0] if isinstance(result, list) else result

    user_id = do("POST", "/api/v1/user", 201, json=user)["id"]
    do("PATCH", "/api/v1/user/{user_id}", user_id=user_id, json={"full_name": "N"})
    do("PUT", "/api/v1/user/{user_id}/password", 204, user_id=user_id, json={"password": "a-long-pass-phrase-78"})
    do("DELETE", "/api/v1/user/{user_id}", 204, user_id=user_id)
    role_id = do("POST", "/api/v1/role", 201, json={"name": "rr", "scopes": ["keyword:read"]})["id"]
    do("PATCH", "/api/v1/role/{role_id}", role_id=role_id, json={"description": "d"})
    do("DELETE", "/api/v1/role/{role_id}", 204, role_id=role_id)
    for kind, created in (("dept", {"name": "d"}), ("menu", {"title": "t", "path": "/t"})):
        branch_id = do("POST", f"/api/v1/{kind}", 201, json=created)["id"]
        do("PATCH", f"/api/v1/{kind}/{{{kind}_id}}", **{f"{kind}_id": branch_id}, json={"position": 4})
        do("DELETE", f"/api/v1/{kind}/{{{kind}_id}}", 204, **{f"{kind}_id": branch_id})
    node_id = do("POST", "/api/v1/node", 201, json={"name": "nn"})["id"]
    do("PUT", "/api/v1/node/{node_id}/drain", node_id=node_id, json={"is_draining": True})
    credential = do("POST", "/api/v1/node/{node_id}/credential", 201, node_id=node_id, json={"scopes": ["token"]})["id"]
    place = "/api/v1/node/{node_id}/credential/{credential_id}"
    newer = do("POST", place + "/rotate", 201, 2, node_id=node_id, credential_id=credential, json={})["id"]
    do("DELETE", place, 204, node_id=node_id, credential_id=newer)
    do("DELETE", "/api/v1/node/{node_id}", 204, node_id=node_id)
    keyword_id = do("POST", "/api/v1/keyword", 201, json=keyword)["id"]
    do("POST", "/api/v1/keyword/import", json={"keywords": [{**keyword, "text": "z"}]})
    do("POST", "/api/v1/keyword/import/csv", files=csv_file)
    do("PATCH", "/api/v1/keyword/{keyword_id}", keyword_id=keyword_id, json={"priority": 3})
    do("POST", "/api/v1/keyword/{keyword_id}/run", keyword_id=keyword_id)
    do("DELETE", "/api/v1/keyword/{keyword_id}", 204, keyword_id=keyword_id)
    token_id = do("POST", "/api/v1/token", 201, json={"token": token})["id"]
    do("POST", "/api/v1/token/import", json={"tokens": [{"token": token + "2"}]})
    do("PATCH", "/api/v1/token/{token_id}", token_id=token_id, json={"label": "l"})
    do("DELETE", "/api/v1/token/{token_id}", 204, token_id=token_id)
    password = {"current": "correct-horse-battery-9", "new": "a-long-pass-phrase-79"}
    do("PUT", "/api/v1/auth/password", 204, json=password)
    entered = client.post("/api/v1/auth/token", data={"username": "root.admin", "password": password["new"]}).json()
    admin["Authorization"] = f"Bearer {entered['access_token']}"
    do("POST", "/api/v1/auth/logout", 204)
    writes = {(route.method, route.path) for route in control.routes if route.method != "GET" and route.scope not in OF_NODES}
    assert writes - done == {("POST", "/api/v1/auth/token")}


def test_reads_leave_no_line(client: TestClient, control: Control, admin: Headers) -> None:
    before = _count(control)
    for route in control.routes:
        if route.method == "GET" and "{" not in route.path:
            client.get(route.path, headers=admin)
    assert _count(control) == before


def test_line_says_who_what_from_where_and_what_changed(client: TestClient, admin: Headers) -> None:
    keyword = client.post("/api/v1/keyword", headers=admin, json={"text": "x", "platforms": ["boss"], "cities": ["1"]}).json()[0]
    request = {**admin, "X-Request-ID": "my-request-0001"}
    client.patch(f"/api/v1/keyword/{keyword['id']}", headers=request, json={"priority": 3})
    (line,) = client.get("/api/v1/auditlog", headers=admin, params={"action": "keyword.change"}).json()["items"]
    assert (line["actor_kind"], line["actor_name"], line["object_kind"], line["object_id"]) == (
        "user",
        "root.admin",
        "keyword",
        str(keyword["id"]),
    )
    assert (line["before"], line["after"]) == ({"rank": 0}, {"rank": -3})
    assert line["request_id"] == "my-request-0001"


def test_search_filters_and_pages(client: TestClient, admin: Headers, operator: Headers) -> None:
    for number in range(5):
        client.post("/api/v1/keyword", headers=operator, json={"text": f"x{number}", "platforms": ["boss"], "cities": ["1"]})

    def found(**filters: object) -> list[str]:
        return [line["action"] for line in client.get("/api/v1/auditlog", headers=admin, params=filters).json()["items"]]  # type: ignore[arg-type]

    assert found(actor="olga", action="keyword.add") == ["keyword.add"] * 5
    assert found(actor="olga", until="2020-01-01T00:00:00Z") == []
    assert len(found(actor="olga", since="2020-01-01T00:00:00+08:00", limit=3)) == 3
    assert client.get("/api/v1/auditlog", headers=admin, params={"since": "2020-01-01T00:00:00"}).status_code == 422
    first = client.get("/api/v1/auditlog", headers=admin, params={"actor": "olga", "limit": 4}).json()
    second = client.get("/api/v1/auditlog", headers=admin, params={"actor": "olga", "limit": 4, "cursor": first["next"]}).json()
    assert len({line["id"] for line in first["items"] + second["items"]}) == 6


def test_export_in_both_forms_holds_every_line_and_no_formula(client: TestClient, control: Control, admin: Headers) -> None:
    client.post("/api/v1/dept", headers=admin, json={"name": "=HYPERLINK(1)"})
    with control.database.write() as unit:
        unit.add(AuditLog(actor_kind="user", actor_name="=cmd|' /C calc'!A0", action="x"))
    text = client.get("/api/v1/auditlog/export", headers=admin)
    assert text.headers["content-type"].startswith("text/csv")
    assert text.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    rows = list(csv.DictReader(io.StringIO(text.text)))
    lines = [json.loads(line) for line in client.get("/api/v1/auditlog/export?format=jsonl", headers=admin).text.splitlines()]
    assert [int(row["id"]) for row in rows] == [line["id"] for line in lines]
    assert rows[0]["actor_name"].startswith("'=")


def test_line_is_never_changed_or_removed(client: TestClient, control: Control, admin: Headers) -> None:
    client.post("/api/v1/dept", headers=admin, json={"name": "d"})
    for statement in (update(AuditLog).values(actor_name="x"), delete(AuditLog).where(col(AuditLog.id) > 0)):
        with pytest.raises(PermissionError, match="auditlog"), control.database.write() as unit:
            unit.exec(statement)
    with control.database.write() as unit:
        line = unit.exec(select(AuditLog)).first()
        assert line is not None
        line.actor_name = "x"
        with pytest.raises(PermissionError, match="auditlog"):
            unit.flush()
        unit.rollback()
        unit.delete(line)
        with pytest.raises(PermissionError, match="auditlog"):
            unit.flush()
        unit.rollback()
    assert all("auditlog" not in route.path or route.method == "GET" for route in control.routes)


def test_change_that_fails_leaves_no_line(client: TestClient, control: Control, admin: Headers) -> None:
    before = _count(control)
    assert client.post("/api/v1/role", headers=admin, json={"name": "viewer", "scopes": []}).status_code == 409
    assert client.patch("/api/v1/keyword/4711", headers=admin, json={"priority": 1}).status_code == 404
    assert _count(control) == before


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"password": "planted"}, {"password": "***"}),
        ({"new_password_hash": "planted"}, {"new_password_hash": "***"}),
        ({"deep": {"Secret": "planted"}}, {"deep": {"Secret": "***"}}),
        ({"url": "mysql://u:planted@h/d"}, {"url": "mysql://***@h/d"}),
        ({"list": ["jn_0123456789ab_" + "0" * 64]}, {"list": ["***"]}),
        ({"must_change_password": True}, {"must_change_password": True}),
        ({"text": "x" * 900}, {"text": "x" * 500}),
        ({"password": None}, {"password": None}),
    ],
)
def test_values_cleaned_hide_secrets(given: dict[str, object], kept: dict[str, object]) -> None:
    assert clean(given) == kept
