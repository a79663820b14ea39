"""Nodes: a credential opens what it names and for its own node alone; a node that is silent shows as lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, delete, select, update

from control_api.deps import Control
from control_api.models import AuditLog, Node, NodeCredential
from control_api.models.base import now_utc
from control_api.services import nodes

Headers = dict[str, str]
NOW = datetime(2031, 5, 4, 12, tzinfo=UTC)


def _add(client: TestClient, admin: Headers, name: str = "spot-1", **body: object) -> tuple[int, dict[str, str]]:
    node_id = client.post("/api/v1/node", headers=admin, json={"name": name}).json()["id"]
    answer = client.post(f"/api/v1/node/{node_id}/credential", headers=admin, json={"scopes": ["keyword"], **body})
    assert answer.status_code == 201, answer.text
    return node_id, answer.json()


def test_credential_issued_is_shown_once_and_kept_as_a_hash(client: TestClient, control: Control, admin: Headers) -> None:
    node_id, credential = _add(client, admin)
    secret = credential["secret"]
    listed = client.get(f"/api/v1/node/{node_id}/credential", headers=admin)
    assert listed.json()[0]["public_id"] == credential["public_id"]
    assert "secret" not in listed.text
    with control.database.read() as unit:
        rows, lines = unit.exec(select(NodeCredential)).all(), unit.exec(select(AuditLog)).all()
    assert secret not in f"{[row.model_dump() for row in rows]}{[line.model_dump() for line in lines]}"
    assert [line.action for line in lines][-2:] == ["node.create", "credential.issue"]


@pytest.mark.parametrize("shape", ["token", "Authorization"])
def test_credential_opens_its_scope_in_both_headers(client: TestClient, admin: Headers, shape: str) -> None:
    _, credential = _add(client, admin)
    headers = {"token": credential["secret"]} if shape == "token" else {"Authorization": f"Bearer {credential['secret']}"}
    assert client.get("/api/v1/keyword/available", params={"platform": "boss"}, headers=headers).status_code == 200
    assert client.post("/api/v1/node/heartbeat", json={}, headers=headers).status_code == 200
    assert client.get("/api/v1/token/tokens", headers=headers).status_code == 403
    assert client.get("/api/v1/keyword", headers=headers).status_code == 403
    assert client.get("/api/v1/auth/me", headers=headers).status_code == 403


def test_user_cannot_claim_what_only_nodes_may(client: TestClient, admin: Headers) -> None:
    answer = client.get("/api/v1/keyword/available", params={"platform": "boss"}, headers=admin)
    assert answer.status_code == 403
    assert "only a node's credential can hold" in answer.json()["detail"]


def test_credential_revoked_opens_nothing_at_once(client: TestClient, admin: Headers) -> None:
    node_id, credential = _add(client, admin)
    headers = {"token": credential["secret"]}
    assert client.post("/api/v1/node/heartbeat", json={}, headers=headers).status_code == 200
    assert client.delete(f"/api/v1/node/{node_id}/credential/{credential['id']}", headers=admin).status_code == 204
    assert client.post("/api/v1/node/heartbeat", json={}, headers=headers).status_code == 401
    assert client.post(f"/api/v1/node/{node_id}/credential/{credential['id']}/rotate", headers=admin, json={}).status_code == 409


def test_credential_expired_opens_nothing(client: TestClient, control: Control, admin: Headers) -> None:
    _, credential = _add(client, admin)
    with control.database.write() as unit:
        unit.exec(update(NodeCredential).values(expires_at=now_utc() - timedelta(seconds=1)))
    assert client.post("/api/v1/node/heartbeat", json={}, headers={"token": credential["secret"]}).status_code == 401


@pytest.mark.parametrize(("grace", "old_status"), [(0, 401), (600, 200)])
def test_credential_rotated_leaves_the_old_one_its_grace(client: TestClient, admin: Headers, grace: int, old_status: int) -> None:
    node_id, old = _add(client, admin)
    new = client.post(f"/api/v1/node/{node_id}/credential/{old['id']}/rotate", headers=admin, json={"grace_seconds": grace}).json()
    assert new["scopes"] == ["keyword"]
    assert new["secret"] != old["secret"]
    assert client.post("/api/v1/node/heartbeat", json={}, headers={"token": new["secret"]}).status_code == 200
    assert client.post("/api/v1/node/heartbeat", json={}, headers={"token": old["secret"]}).status_code == old_status


def test_credential_of_another_node_is_not_found_under_this_one(client: TestClient, admin: Headers) -> None:
    first, credential = _add(client, admin)
    second, _ = _add(client, admin, "spot-2")
    assert client.delete(f"/api/v1/node/{second}/credential/{credential['id']}", headers=admin).status_code == 404
    assert client.delete(f"/api/v1/node/{first}/credential/{credential['id']}", headers=admin).status_code == 204


def test_public_half_with_another_secret_opens_nothing(client: TestClient, admin: Headers) -> None:
    _, credential = _add(client, admin)
    forged = credential["secret"][:-64] + "0" * 64
    assert client.post("/api/v1/node/heartbeat", json={}, headers={"token": forged}).status_code == 401


@pytest.mark.parametrize("scope", ["user:write", "admin", "node:self", "*"])
def test_credential_cannot_hold_a_users_right(client: TestClient, admin: Headers, scope: str) -> None:
    node_id, _ = _add(client, admin)
    assert client.post(f"/api/v1/node/{node_id}/credential", headers=admin, json={"scopes": [scope]}).status_code == 422


def test_node_lives_from_register_to_last_words(client: TestClient, admin: Headers) -> None:
    node_id, credential = _add(client, admin)
    headers = {"token": credential["secret"]}

    def state() -> str:
        return str(client.get(f"/api/v1/node/{node_id}", headers=admin).json()["state"])

    assert state() == "new"
    about = {"version": "0.1.0", "host": "h1", "platforms": ["boss"]}
    assert client.post("/api/v1/node/register", json=about, headers=headers).json()["is_draining"] is False
    assert state() == "alive"
    client.put(f"/api/v1/node/{node_id}/drain", headers=admin, json={"is_draining": True})
    beat = client.post("/api/v1/node/heartbeat", json={"vitals": {"bans": 2, "rows/stored": 12.5}}, headers=headers).json()
    assert beat["is_draining"] is True
    assert beat["heartbeat_seconds"] == 30
    assert state() == "draining"
    left = client.post("/api/v1/node/last-words", json={"reason": "spot_interrupted", "words": "notice at 12:00"}, headers=headers)
    assert left.json() == {"keywords_returned": 0, "tokens_returned": 0}
    shown = client.get(f"/api/v1/node/{node_id}", headers=admin).json()
    assert (shown["state"], shown["last_words"]) == ("stopped", "spot_interrupted: notice at 12:00")
    assert shown["vitals"] == {"bans": 2, "rows/stored": 12.5}
    client.post("/api/v1/node/register", json=about, headers=headers)
    assert state() == "draining"


@pytest.mark.parametrize(("silent", "state"), [(0, "alive"), (44, "alive"), (45, "alive"), (46, "lost"), (60, "lost"), (999_999, "lost")])
def test_node_silent_for_more_than_half_a_heartbeat_too_long_is_lost(silent: int, state: str) -> None:
    node = Node(name="x", last_seen_at=NOW - timedelta(seconds=silent))
    assert nodes.read_state(node, NOW, 30) == state


def test_nodes_listed_by_state_agree_with_what_each_says(client: TestClient, control: Control, admin: Headers) -> None:
    now = now_utc()
    with control.database.write() as unit:
        unit.add(Node(name="fresh"))
        unit.add(Node(name="alive", last_seen_at=now))
        unit.add(Node(name="drains", last_seen_at=now, is_draining=True))
        unit.add(Node(name="lost", last_seen_at=now - timedelta(seconds=100)))
        unit.add(Node(name="gone", last_seen_at=now, stopped_at=now))
    everything = client.get("/api/v1/node", headers=admin).json()["items"]
    assert {node["name"]: node["state"] for node in everything} == {
        "fresh": "new",
        "alive": "alive",
        "drains": "draining",
        "lost": "lost",
        "gone": "stopped",
    }
    for node in everything:
        alone = client.get("/api/v1/node", headers=admin, params={"state": node["state"]}).json()["items"]
        assert [item["name"] for item in alone] == [node["name"]]
    with control.database.read() as unit:
        counts = nodes.count_states(unit, now, 30)
    assert counts == dict.fromkeys(("new", "alive", "draining", "lost", "stopped"), 1)
    metrics = client.get("/metrics").text
    assert 'control_nodes{state="lost"} 1' in metrics


@pytest.mark.parametrize("vitals", [{"x": "text"}, {"X": 1}, {"a" * 41: 1}, {"x": 1e300}, {str(n): 1 for n in range(51)}, {"x": None}])
def test_heartbeat_with_odd_numbers_is_refused(client: TestClient, node: Headers, vitals: object) -> None:
    assert client.post("/api/v1/node/heartbeat", json={"vitals": vitals}, headers=node).status_code == 422


def test_heartbeat_speaks_for_its_own_node_alone(client: TestClient, control: Control, add_node: Callable[..., Headers]) -> None:
    first = add_node("first")
    add_node("second")
    assert client.post("/api/v1/node/heartbeat", json={"node_id": 2}, headers=first).status_code == 422
    client.post("/api/v1/node/heartbeat", json={}, headers=first)
    with control.database.read() as unit:
        seen = dict(unit.exec(select(Node.name, col(Node.last_seen_at).is_not(None))).all())
    assert {name: bool(value) for name, value in seen.items()} == {"first": True, "second": False}


def test_use_of_a_credential_is_written_down_every_five_minutes(client: TestClient, control: Control, node: Headers) -> None:
    def read_use() -> datetime | None:
        with control.database.read() as unit:
            return unit.exec(select(NodeCredential.last_used_at)).one()

    def beat_anew() -> datetime | None:
        control.memory.forget()
        assert client.post("/api/v1/node/heartbeat", headers=node, json={}).status_code == 200
        return read_use()

    assert read_use() is None
    first = beat_anew()
    assert first is not None
    assert beat_anew() == first
    with control.database.write() as unit:
        unit.exec(update(NodeCredential).values(last_used_at=first - timedelta(minutes=6)))
    again = beat_anew()
    assert again is not None
    assert again >= first


def test_credential_rotated_by_two_at_once_has_one_successor(client: TestClient, admin: Headers) -> None:
    node_id = client.post("/api/v1/node", headers=admin, json={"name": "node-9"}).json()["id"]
    path = f"/api/v1/node/{node_id}/credential"
    old = client.post(path, headers=admin, json={"scopes": ["ingest"]}).json()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: client.post(f"{path}/{old['id']}/rotate", headers=admin, json={}).status_code, range(6)))
    assert sorted(answers) == [201, *[409] * 5]


def test_node_that_another_process_removed_is_let_in_no_more(client: TestClient, control: Control, node: Headers) -> None:
    calls: list[tuple[str, str, dict[str, object]]] = [
        ("POST", "/api/v1/node/heartbeat", {"json": {}}),
        ("GET", "/api/v1/keyword/available", {"params": {"platform": "boss"}}),
        ("GET", "/api/v1/token/tokens", {"params": {"platform": "boss"}}),
    ]
    assert [client.request(method, path, headers=node, **more).status_code for method, path, more in calls] == [200] * 3
    with control.database.engine.begin() as connection:  # this process does not hear of it, and remembers whose credential it is
        connection.execute(delete(NodeCredential))
        connection.execute(delete(Node))
    assert [client.request(method, path, headers=node, **more).status_code for method, path, more in calls] == [401] * 3
