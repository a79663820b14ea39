"""Users and roles: nobody gives, takes or touches more than he holds; nothing is set that the schema does not name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from control_api.deps import Control
from control_api.models import User

PASSWORD = "correct-horse-battery-9"
Headers = dict[str, str]
NEW = {"username": "new.one", "password": "a-long-pass-phrase-77", "roles": ["viewer"]}


@pytest.fixture
def manager(client: TestClient, admin: Headers, log_in: Callable[..., Headers]) -> Headers:
    """Somebody who may manage users and roles, and look at keywords, and no more."""
    scopes = ["self", "user:read", "user:write", "role:read", "role:write", "keyword:read"]
    assert client.post("/api/v1/role", headers=admin, json={"name": "manager", "scopes": scopes}).status_code == 201
    return log_in("maria", "manager")


def test_user_added_changes_the_password_before_anything_else(client: TestClient, admin: Headers) -> None:
    created = client.post("/api/v1/user", headers=admin, json=NEW)
    assert created.status_code == 201
    assert created.json()["roles"] == ["viewer"]
    assert "password" not in created.text.replace("must_change_password", "")
    token = client.post("/api/v1/auth/token", data={"username": "new.one", "password": NEW["password"]}).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    locked = client.get("/api/v1/keyword", headers=headers)
    assert locked.status_code == 403
    assert "PUT /api/v1/auth/password" in locked.json()["detail"]
    change = {"current": NEW["password"], "new": "another-long-phrase-88"}
    assert client.put("/api/v1/auth/password", headers=headers, json=change).status_code == 204
    token = client.post("/api/v1/auth/token", data={"username": "new.one", "password": change["new"]}).json()["access_token"]
    assert client.get("/api/v1/keyword", headers={"Authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.parametrize("roles", [["admin"], ["operator"], ["viewer", "admin"]])
def test_role_with_more_rights_than_ones_own_cannot_be_given(client: TestClient, manager: Headers, roles: list[str]) -> None:
    answer = client.post("/api/v1/user", headers=manager, json={**NEW, "roles": roles})
    assert answer.status_code == 403
    assert "that you do not hold yourself" in answer.json()["detail"]


def test_role_of_ones_own_cannot_be_changed(client: TestClient, control: Control, admin: Headers) -> None:
    me = client.get("/api/v1/auth/me", headers=admin).json()["id"]
    for change in ({"roles": ["viewer"]}, {"is_active": False}):
        assert client.patch(f"/api/v1/user/{me}", headers=admin, json=change).status_code == 409
    assert client.delete(f"/api/v1/user/{me}", headers=admin).status_code == 409


def test_user_with_more_rights_cannot_be_touched(client: TestClient, control: Control, admin: Headers, manager: Headers) -> None:
    with control.database.read() as unit:
        boss = unit.exec(select(User.id).where(User.username == "root.admin")).one()
    assert client.put(f"/api/v1/user/{boss}/password", headers=manager, json={"password": "hijacked-phrase-99"}).status_code == 403
    assert client.patch(f"/api/v1/user/{boss}", headers=manager, json={"email": "x@evil.example"}).status_code == 403
    assert client.patch(f"/api/v1/user/{boss}", headers=manager, json={"roles": []}).status_code == 403
    assert client.delete(f"/api/v1/user/{boss}", headers=manager).status_code == 403


def test_role_made_or_widened_beyond_ones_own_rights_is_refused(client: TestClient, manager: Headers) -> None:
    wide = {"name": "wide", "scopes": ["token:write"]}
    assert client.post("/api/v1/role", headers=manager, json=wide).status_code == 403
    made = client.post("/api/v1/role", headers=manager, json={"name": "narrow", "scopes": ["keyword:read"]}).json()
    assert client.patch(f"/api/v1/role/{made['id']}", headers=manager, json={"scopes": ["audit:read"]}).status_code == 403
    for scope in ("ingest", "node:self", "everything", "*"):
        answer = client.post("/api/v1/role", headers=manager, json={"name": "odd", "scopes": [scope]})
        assert answer.status_code == 422


def test_role_built_in_is_not_changed(client: TestClient, admin: Headers) -> None:
    roles = {role["name"]: role["id"] for role in client.get("/api/v1/role", headers=admin).json()}
    assert client.patch(f"/api/v1/role/{roles['viewer']}", headers=admin, json={"scopes": ["user:write"]}).status_code == 409
    assert client.delete(f"/api/v1/role/{roles['admin']}", headers=admin).status_code == 409


def test_role_narrowed_takes_effect_at_once(client: TestClient, admin: Headers, log_in: Callable[..., Headers]) -> None:
    role = client.post("/api/v1/role", headers=admin, json={"name": "both", "scopes": ["keyword:read", "token:read"]}).json()
    user = log_in("both.user", "both")
    assert client.get("/api/v1/token", headers=user).status_code == 200
    client.patch(f"/api/v1/role/{role['id']}", headers=admin, json={"scopes": ["keyword:read"]})
    assert client.get("/api/v1/token", headers=user).status_code == 403
    assert client.delete(f"/api/v1/role/{role['id']}", headers=admin).status_code == 409


def test_user_switched_off_loses_his_sessions_at_once(client: TestClient, control: Control, admin: Headers, viewer: Headers) -> None:
    assert client.get("/api/v1/keyword", headers=viewer).status_code == 200
    victor = client.get("/api/v1/auth/me", headers=viewer).json()["id"]
    assert client.patch(f"/api/v1/user/{victor}", headers=admin, json={"is_active": False}).status_code == 200
    assert client.get("/api/v1/keyword", headers=viewer).status_code == 401
    assert client.patch(f"/api/v1/user/{victor}", headers=admin, json={"is_active": True}).status_code == 200
    assert client.get("/api/v1/keyword", headers=viewer).status_code == 401


def test_last_admin_cannot_be_removed_by_another_account(client: TestClient, control: Control, admin: Headers) -> None:
    client.post(
        "/api/v1/role", headers=admin, json={"name": "deputy", "scopes": client.get("/api/v1/auth/me", headers=admin).json()["scopes"]}
    )
    client.post("/api/v1/user", headers=admin, json={**NEW, "roles": ["deputy"], "must_change_password": False})
    token = client.post("/api/v1/auth/token", data={"username": "new.one", "password": NEW["password"]}).json()["access_token"]
    deputy = {"Authorization": f"Bearer {token}"}
    boss = client.get("/api/v1/auth/me", headers=admin).json()["id"]
    for answer in (
        client.delete(f"/api/v1/user/{boss}", headers=deputy),
        client.patch(f"/api/v1/user/{boss}", headers=deputy, json={"is_active": False}),
        client.patch(f"/api/v1/user/{boss}", headers=deputy, json={"roles": ["viewer"]}),
    ):
        assert (answer.status_code, answer.json()["detail"]) == (409, "This would leave no active user with the admin role.")
    assert client.get("/api/v1/auth/me", headers=admin).status_code == 200


@pytest.mark.parametrize(
    "extra",
    [
        {"id": 1},
        {"password_hash": "x"},
        {"is_superuser": True},
        {"created_at": "2020-01-01"},
        {"last_login_at": None},
        {"scopes": ["user:write"]},
    ],
)
def test_field_that_the_schema_does_not_name_is_refused(client: TestClient, admin: Headers, extra: dict[str, object]) -> None:
    assert client.post("/api/v1/user", headers=admin, json={**NEW, **extra}).status_code == 422
    assert client.patch("/api/v1/user/1", headers=admin, json=extra).status_code == 422


def test_username_taken_answers_conflict_in_any_spelling(client: TestClient, admin: Headers) -> None:
    client.post("/api/v1/user", headers=admin, json=NEW)
    assert client.post("/api/v1/user", headers=admin, json={**NEW, "username": "NEW.ONE"}).status_code == 409


@pytest.mark.parametrize("username", ["x", "a b", "a\nb", "<script>", "名字", "../etc", "a" * 65, "'; DROP TABLE user; --"])
def test_username_of_wrong_shape_is_refused(client: TestClient, admin: Headers, username: str) -> None:
    assert client.post("/api/v1/user", headers=admin, json={**NEW, "username": username}).status_code == 422


def test_users_listed_part_by_part_come_once_each(client: TestClient, admin: Headers, add_user: Callable[..., int]) -> None:
    for number in range(7):
        add_user(f"user{number}", "viewer")
    seen, cursor = [], None
    while True:
        page = client.get("/api/v1/user", headers=admin, params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        seen += [user["username"] for user in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(seen) == ["root.admin", *(f"user{number}" for number in range(7))]
    assert client.get("/api/v1/user", headers=admin, params={"search": "R5"}).json()["items"][0]["username"] == "user5"


def test_departments_and_menu_form_trees(client: TestClient, admin: Headers, viewer: Headers) -> None:
    top = client.post("/api/v1/dept", headers=admin, json={"name": "Research"}).json()
    below = client.post("/api/v1/dept", headers=admin, json={"name": "Data", "parent_id": top["id"]}).json()
    assert client.patch(f"/api/v1/dept/{top['id']}", headers=admin, json={"parent_id": below["id"]}).status_code == 409
    assert client.patch(f"/api/v1/dept/{top['id']}", headers=admin, json={"parent_id": 4711}).status_code == 409
    assert client.delete(f"/api/v1/dept/{top['id']}", headers=admin).status_code == 409
    user = client.post("/api/v1/user", headers=admin, json={**NEW, "dept_id": below["id"]}).json()
    assert user["dept_id"] == below["id"]
    assert client.delete(f"/api/v1/dept/{below['id']}", headers=admin).status_code == 409
    assert client.post("/api/v1/user", headers=admin, json={**NEW, "username": "x2", "dept_id": 4711}).status_code == 409
    mine = [menu["path"] for menu in client.get("/api/v1/auth/menu", headers=viewer).json()]
    assert "/keywords" in mine
    assert "/users" not in mine
    entry = {"title": "Secret", "path": "/x", "scope": "audit:read"}
    made = client.post("/api/v1/menu", headers=admin, json=entry).json()
    assert client.post("/api/v1/menu", headers=admin, json={**entry, "scope": "nonsense"}).status_code == 422
    assert client.post("/api/v1/menu", headers=admin, json={**entry, "path": "javascript:alert(1)"}).status_code == 422
    assert client.patch(f"/api/v1/menu/{made['id']}", headers=admin, json={"title": "Log"}).json()["title"] == "Log"
    assert client.delete(f"/api/v1/menu/{made['id']}", headers=admin).status_code == 204


def test_password_given_by_somebody_else_is_not_changed_to_itself(client: TestClient, admin: Headers) -> None:
    client.post("/api/v1/user", headers=admin, json=NEW)
    token = client.post("/api/v1/auth/token", data={"username": NEW["username"], "password": NEW["password"]}).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    same = client.put("/api/v1/auth/password", headers=headers, json={"current": NEW["password"], "new": NEW["password"]})
    assert same.status_code == 422
    assert str(NEW["password"]) not in same.text
    assert client.get("/api/v1/auth/me", headers=headers).json()["scopes"] == ["self"]
