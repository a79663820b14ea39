"""Every route, as everybody: the right that a route names is the right that opens it, and nothing else does."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from control_api.deps import Control
from control_api.rights import ALL_SCOPES, BUILTIN_ROLES, PUBLIC_ROUTES, SELF, RouteRight, read_route_rights

Headers = dict[str, str]
LAST = ("/api/v1/auth/logout",)  # would end the walk


def _paths(route: RouteRight) -> str:
    return re.sub(r"\{\w+\}", "999999", route.path)


def test_every_route_as_everybody_opens_for_its_scope_alone(
    client: TestClient, control: Control, admin: Headers, operator: Headers, viewer: Headers, node: Headers
) -> None:
    held = {name: scopes for name, (_, scopes) in BUILTIN_ROLES.items()}
    people = {
        "anonymous": ({}, frozenset[str]()),
        "viewer": (viewer, held["viewer"]),
        "operator": (operator, held["operator"]),
        "admin": (admin, held["admin"]),
        "node": (node, frozenset({"node:self", "ingest", "keyword", "token"})),
    }
    seen = 0
    for route in sorted(control.routes, key=lambda route: route.path in LAST):
        for name, (headers, scopes) in people.items():
            answer = client.request(route.method, _paths(route), headers=headers)
            said = f"{name} {route.method} {route.path} -> {answer.status_code} {answer.text[:200]}"
            if not route.scope:
                assert answer.status_code not in {403, 500}, said
            elif name == "anonymous":
                assert answer.status_code == 401, said
                assert answer.headers["www-authenticate"] == "Bearer"
            elif route.scope in scopes:
                assert answer.status_code not in {401, 403, 500, 503}, said
            else:
                assert answer.status_code == 403, said
            seen += 1
    assert seen == 5 * len(control.routes) >= 300


def test_route_table_after_seeding_binds_templates_to_scopes(client: TestClient, control: Control, admin: Headers) -> None:
    table = {(row["method"], row["path"]): row["scope"] for row in client.get("/api/v1/api", headers=admin).json()}
    assert table["PATCH", "/api/v1/keyword/{keyword_id}"] == "keyword:write"
    assert table["GET", "/api/v1/keyword/{keyword_id}"] == "keyword:read"
    assert len(table) == len(control.routes)


def test_role_with_one_scope_opens_parametrised_route(client: TestClient, admin: Headers, log_in: Callable[..., Headers]) -> None:
    created = client.post("/api/v1/role", headers=admin, json={"name": "reader", "scopes": ["keyword:read"]})
    assert created.status_code == 201
    reader = log_in("rita", "reader")
    assert client.get("/api/v1/keyword/41", headers=reader).status_code == 404
    assert client.patch("/api/v1/keyword/41", headers=reader, json={}).status_code == 403
    assert client.get("/api/v1/token", headers=reader).status_code == 403


def test_public_routes_are_these_four(control: Control) -> None:
    assert {(route.method, route.path) for route in control.routes if not route.scope} == PUBLIC_ROUTES


def test_route_without_scope_stops_the_start() -> None:
    app = FastAPI()
    app.add_api_route("/api/v1/oops", lambda: None, methods=["GET"])
    with pytest.raises(LookupError, match="GET /api/v1/oops needs exactly one scope"):
        read_route_rights(app.openapi())


def test_every_scope_opens_a_route_or_is_kept_for_one(control: Control) -> None:
    assert set(ALL_SCOPES) - {route.scope for route in control.routes} <= {"ingest"}
    assert SELF in {route.scope for route in control.routes}


def test_every_route_has_tag_summary_and_model(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            said = f"{method} {path}"
            assert all(operation.get(part) for part in ("tags", "summary", "description")), said
            good = [code for code in operation["responses"] if code.startswith("2")]
            assert good, said
            for code in good:
                assert code == "204" or operation["responses"][code]["content"], said
