"""Platform tokens: encrypted at rest, masked in every answer, lent to one node at a time, retired by a named verdict alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from fastapi.testclient import TestClient
from sqlmodel import col, select, update

from control_api.db import Database
from control_api.deps import Control
from control_api.errors import Unavailable
from control_api.models import AuditLog, Node, Token, TokenEvent
from control_api.models.base import now_utc
from control_api.principal import Actor, Principal
from control_api.rights import USER_SCOPES
from control_api.security import TokenCipher
from control_api.services import lending, tokens

Headers = dict[str, str]
SECRET = "planted-mpt-token-0123456789abcdef"


@pytest.fixture
def add_tokens(client: TestClient, operator: Headers) -> Callable[[int], list[int]]:
    def add(count: int) -> list[int]:
        body = {"tokens": [{"token": f"{SECRET}-{number:03}", "label": f"account {number}"} for number in range(count)]}
        assert client.post("/api/v1/token/import", headers=operator, json=body).json() == {"added": count, "existing": []}
        return [item["id"] for item in client.get("/api/v1/token", headers=operator, params={"limit": 500}).json()["items"]]

    return add


def _borrow(client: TestClient, node: Headers, count: int = 1) -> list[dict[str, object]]:
    answer = client.get("/api/v1/token/tokens", params={"count": count}, headers=node)
    assert answer.status_code == 200, answer.text
    return answer.json()["tokens"]  # type: ignore[no-any-return]


def _report(client: TestClient, node: Headers, token_id: object, **body: object) -> object:
    return client.post(f"/api/v1/token/{token_id}/report", json=body, headers=node)


def test_token_added_is_encrypted_masked_and_in_no_audit_line(client: TestClient, control: Control, operator: Headers) -> None:
    answers = [client.post("/api/v1/token", headers=operator, json={"token": SECRET, "label": "a"})]
    token_id = answers[0].json()["id"]
    path = f"/api/v1/token/{token_id}"
    answers += [
        client.get(path, headers=operator),
        client.get("/api/v1/token", headers=operator),
        client.patch(path, headers=operator, json={"label": "b"}),
        client.get(f"{path}/history", headers=operator),
        client.get("/api/v1/token/supply", headers=operator),
        client.post("/api/v1/token", headers=operator, json={"token": SECRET}),
        client.post("/api/v1/token", headers=operator, json={"token": SECRET + " with spaces"}),
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 200, 200, 409, 422]
    assert answers[1].json()["token"] == "***cdef"
    with control.database.read() as unit:
        row = unit.get_one(Token, token_id)
        kept = f"{row.model_dump()} {[line.model_dump() for line in unit.exec(select(AuditLog)).all()]}"
    everything = kept + "".join(answer.text for answer in answers)
    assert SECRET not in everything
    assert row.ciphertext not in "".join(answer.text for answer in answers)
    assert row.fingerprint not in everything.replace(str(row.model_dump()), "")
    assert control.cipher.decrypt(row.ciphertext) == SECRET


def test_import_twice_names_the_doubles(client: TestClient, operator: Headers, add_tokens: Callable[[int], list[int]]) -> None:
    add_tokens(2)
    body = {"tokens": [{"token": f"{SECRET}-{number:03}"} for number in (1, 7, 7, 0)]}
    assert client.post("/api/v1/token/import", headers=operator, json=body).json() == {"added": 1, "existing": [0, 2, 3]}


def test_borrowing_is_exclusive_and_asking_again_gives_the_same(
    client: TestClient, add_node: Callable[..., Headers], add_tokens: Callable[[int], list[int]]
) -> None:
    ids = add_tokens(3)
    first, second = add_node("first"), add_node("second")
    mine = _borrow(client, first, 2)
    assert [token["token"] for token in mine] == [f"{SECRET}-000", f"{SECRET}-001"]
    assert [token["id"] for token in _borrow(client, first, 2)] == [token["id"] for token in mine]
    assert [token["id"] for token in _borrow(client, second, 5)] == ids[2:]
    assert [token["id"] for token in _borrow(client, first, 5)] == ids[:2]


def test_borrowing_by_many_at_once_gives_every_token_once(
    client: TestClient, control: Control, add_tokens: Callable[[int], list[int]]
) -> None:
    ids = add_tokens(40)
    with control.database.write() as unit:
        nodes = [Node(name=f"n{number}") for number in range(8)]
        unit.add_all(nodes)
        unit.flush()
        node_ids = [node.id or 0 for node in nodes]

    def borrow(node_id: int) -> list[int]:
        lend = lambda unit: lending.lend(unit, node_id, "boss", 5, lease_seconds=900, cipher=control.cipher)  # noqa: E731
        return [loan.token.id or 0 for loan in control.database.retry(lend)]

    with ThreadPoolExecutor(8) as pool:
        taken = [token_id for part in pool.map(borrow, node_ids) for token_id in part]
    assert len(taken) == len(set(taken))
    assert set(taken) <= set(ids)


def test_lease_run_out_frees_the_token_and_the_report_comes_too_late(
    client: TestClient, database: Database, add_node: Callable[..., Headers], add_tokens: Callable[[int], list[int]]
) -> None:
    (token_id,) = add_tokens(1)
    slow, quick = add_node("slow"), add_node("quick")
    assert len(_borrow(client, slow)) == 1
    with database.write() as unit:
        unit.exec(update(Token).values(available_at=now_utc() - timedelta(seconds=1)))
    assert [token["id"] for token in _borrow(client, quick)] == [token_id]
    late = _report(client, slow, token_id, said="invalid", cause="token_invalid")
    assert (late.status_code, late.json()["type"]) == (409, "docs/control.md#lease-lost")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("body", "status", "place"),
    [
        ({"said": "returned"}, 200, "free"),
        ({"said": "resting", "cause": "ip_banned", "rest_seconds": 60}, 200, "resting"),
        ({"said": "limited", "cause": "rate_limited", "rest_seconds": 3600}, 200, "limited"),
        ({"said": "invalid", "cause": "token_invalid"}, 200, "invalid"),
        ({"said": "invalid", "cause": "account_banned"}, 200, "invalid"),
        ({"said": "invalid", "cause": "rate_limited"}, 422, "lent"),
        ({"said": "invalid", "cause": "server_error"}, 422, "lent"),
        ({"said": "invalid"}, 422, "lent"),
        ({"said": "resting", "cause": "ok"}, 422, "lent"),
        ({"said": "burnt", "cause": "token_invalid"}, 422, "lent"),
    ],
)
def test_report_moves_the_token_only_with_a_verdict_that_supports_it(
    client: TestClient,
    operator: Headers,
    node: Headers,
    add_tokens: Callable[[int], list[int]],
    body: dict[str, object],
    status: int,
    place: str,
) -> None:
    (token_id,) = add_tokens(1)
    _borrow(client, node)
    assert _report(client, node, token_id, **body).status_code == status  # type: ignore[attr-defined]
    (supply,) = client.get("/api/v1/token/supply", headers=operator).json()
    assert {name: count for name, count in supply.items() if count and name != "platform"} == {place: 1}
    assert len(_borrow(client, node)) == (1 if place in {"free", "lent"} else 0)


def test_evidence_is_kept_without_the_token(
    client: TestClient, control: Control, operator: Headers, node: Headers, add_tokens: Callable[[int], list[int]]
) -> None:
    (token_id,) = add_tokens(1)
    _borrow(client, node)
    evidence = f'{{"code": 37, "mpt": "{SECRET}-000", "message": "您的账户存在异常行为"}}' + "x" * 900
    assert _report(client, node, token_id, said="invalid", cause="account_banned", evidence=evidence).status_code == 200  # type: ignore[attr-defined]
    history = client.get(f"/api/v1/token/{token_id}/history", headers=operator)
    assert SECRET not in history.text
    newest = history.json()["items"][0]
    assert (newest["kind"], newest["cause"]) == ("invalid", "account_banned")
    assert "您的账户存在异常行为" in newest["evidence"]
    assert [item["kind"] for item in history.json()["items"]] == ["invalid", "lent", "added"]
    revived = client.patch(f"/api/v1/token/{token_id}", headers=operator, json={"state": "active"}).json()
    assert revived["state"] == "active"
    assert len(_borrow(client, node)) == 1
    assert client.delete(f"/api/v1/token/{token_id}", headers=operator).status_code == 409
    _report(client, node, token_id, said="returned")
    assert client.delete(f"/api/v1/token/{token_id}", headers=operator).status_code == 204


def test_token_of_another_node_cannot_be_reported(
    client: TestClient, database: Database, add_node: Callable[..., Headers], add_tokens: Callable[[int], list[int]]
) -> None:
    (token_id,) = add_tokens(1)
    owner, thief = add_node("owner"), add_node("thief")
    _borrow(client, owner)
    assert _report(client, thief, token_id, said="invalid", cause="token_invalid").status_code == 409  # type: ignore[attr-defined]
    with database.read() as unit:
        assert unit.get_one(Token, token_id).state == "active"


def test_token_switched_off_is_not_lent(
    client: TestClient, operator: Headers, node: Headers, add_tokens: Callable[[int], list[int]]
) -> None:
    (token_id,) = add_tokens(1)
    client.patch(f"/api/v1/token/{token_id}", headers=operator, json={"is_enabled": False})
    assert _borrow(client, node) == []


def test_last_words_return_every_token(
    client: TestClient, add_node: Callable[..., Headers], add_tokens: Callable[[int], list[int]]
) -> None:
    add_tokens(2)
    dying, heir = add_node("dying"), add_node("heir")
    _borrow(client, dying, 2)
    assert client.post("/api/v1/node/last-words", json={"reason": "finished"}, headers=dying).json()["tokens_returned"] == 2
    assert len(_borrow(client, heir, 2)) == 2


def test_encrypting_anew_makes_the_old_key_needless_and_keeps_doubles_out(
    client: TestClient, control: Control, add_tokens: Callable[[int], list[int]]
) -> None:
    add_tokens(3)
    old, new = control.settings.token_key_list[0], Fernet.generate_key().decode()
    actor = Actor(Principal("cli", 0, "test", frozenset(USER_SCOPES)))
    both, after = TokenCipher([new, old]), TokenCipher([new])
    with control.database.write() as unit:
        assert tokens.add(unit, actor, "boss", [(f"{SECRET}-001", "")], both)[1] == [0]
        assert tokens.encrypt_anew(unit, actor, both) == 3
    with control.database.read() as unit:
        rows = unit.exec(select(Token).order_by(col(Token.id))).all()
    assert [after.decrypt(row.ciphertext) for row in rows] == [f"{SECRET}-{number:03}" for number in range(3)]
    with control.database.write() as unit:
        assert tokens.add(unit, actor, "boss", [(f"{SECRET}-001", "")], after)[1] == [0]


def test_loan_printed_by_accident_hides_its_secret() -> None:
    hidden = {field.name for field in dataclasses.fields(lending.Loan) if not field.repr}
    assert hidden == {"secret"}
    assert TokenEvent.model_fields.keys().isdisjoint({"token", "secret"})


def test_token_that_no_key_decrypts_says_which_setting_lacks_one(
    client: TestClient, control: Control, operator: Headers, node: Headers, add_tokens: Callable[[int], list[int]]
) -> None:
    add_tokens(1)
    stranger = TokenCipher([Fernet.generate_key().decode()])
    with control.database.write() as unit:
        unit.exec(update(Token).values(ciphertext=stranger.encrypt(SECRET)))
    answer = client.get("/api/v1/token/tokens", headers=node)
    assert (answer.status_code, answer.json()["type"]) == (503, "docs/control.md#unavailable")
    assert "CONTROL_TOKEN_KEYS" in answer.json()["detail"]
    with pytest.raises(Unavailable, match="CONTROL_TOKEN_KEYS"), control.database.write() as unit:
        tokens.encrypt_anew(unit, Actor(Principal("cli", 0, "test", frozenset(USER_SCOPES))), control.cipher)
