"""Logging in, from the outside: the right answer to the right password, the same answer to everything else."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from jose import jwt
from sqlmodel import col, delete, select, update

from control_api.config import Settings
from control_api.deps import Control
from control_api.errors import Unauthenticated
from control_api.models import AuditLog, AuthSession, LoginAttempt, User
from control_api.models.base import now_utc
from control_api.principal import Actor
from control_api.security import DUMMY_HASH
from control_api.services import logins

PASSWORD = "correct-horse-battery-9"
Headers = dict[str, str]


def _enter(client: TestClient, username: str, password: str = PASSWORD, **headers: str) -> object:
    return client.post("/api/v1/auth/token", data={"username": username, "password": password}, headers=headers)


def test_log_in_with_right_password_gives_a_token_for_seven_days(client: TestClient, add_user: Callable[..., int]) -> None:
    add_user("li.na", "viewer")
    answer = client.post("/api/v1/auth/token", data={"grant_type": "password", "username": " LI.NA", "password": PASSWORD})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("bearer", 7 * 24 * 3600)
    assert answer.headers["cache-control"] == "no-store"
    me = client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {body['access_token']}"}).json()
    assert me["name"] == "li.na"
    assert "keyword:read" in me["scopes"]
    assert "keyword:write" not in me["scopes"]


def test_docs_authorize_uses_the_login_route(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    flow = document["components"]["securitySchemes"]["login"]["flows"]["password"]
    assert flow["tokenUrl"] == "/api/v1/auth/token"
    assert "keyword:write" in flow["scopes"]
    page = client.get("/docs")
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "http" not in page.text.replace("http-equiv", "")
    for asset in ("/docs/start.js", "/docs/assets/swagger-ui-bundle.js", "/docs/assets/swagger-ui.css"):
        assert client.get(asset).status_code == 200


def test_log_in_wrong_answers_alike_for_known_unknown_and_switched_off(
    client: TestClient, control: Control, add_user: Callable[..., int]
) -> None:
    add_user("li.na", "viewer")
    off = add_user("gone", "viewer")
    with control.database.write() as unit:
        unit.exec(update(User).where(col(User.id) == off).values(is_active=False))
    answers = [
        _enter(client, "li.na", "wrong-pass-phrase-1"),
        _enter(client, "nobody", "wrong-pass-phrase-1"),
        _enter(client, "gone", PASSWORD),
    ]
    bodies = [{key: value for key, value in answer.json().items() if key != "request_id"} for answer in answers]  # type: ignore[attr-defined]
    assert bodies[0] == bodies[1] == bodies[2]
    assert {answer.status_code for answer in answers} == {401}  # type: ignore[attr-defined]
    kept = [{name for name in answer.headers if name != "x-request-id"} for answer in answers]  # type: ignore[attr-defined]
    assert kept[0] == kept[1] == kept[2]


def test_candidate_unknown_is_compared_with_a_hash_of_the_same_cost(control: Control, add_user: Callable[..., int]) -> None:
    add_user("li.na")
    with control.database.read() as unit:
        assert logins.find_candidate(unit, 1, "nobody") == logins.Candidate(1, None, DUMMY_HASH)
        known = logins.find_candidate(unit, 1, "li.na")
    assert known.password_hash.rsplit("$", 2)[0] == DUMMY_HASH.rsplit("$", 2)[0]


def test_log_in_after_five_failures_is_refused_before_the_password_counts(
    client: TestClient, control: Control, add_user: Callable[..., int]
) -> None:
    add_user("li.na", "viewer")
    for _ in range(5):
        assert _enter(client, "li.na", "wrong-pass-phrase-1").status_code == 401  # type: ignore[attr-defined]
    refused = _enter(client, "li.na")
    assert refused.status_code == 429  # type: ignore[attr-defined]
    assert 0 < int(refused.headers["retry-after"]) <= 900  # type: ignore[attr-defined]
    for _ in range(5):
        _enter(client, "nobody-at-all", "wrong-pass-phrase-1")
    assert _enter(client, "nobody-at-all").status_code == 429  # type: ignore[attr-defined]  # unknown users lock alike
    with control.database.write() as unit:
        unit.exec(update(LoginAttempt).values(at=now_utc() - timedelta(seconds=901)))
    assert _enter(client, "li.na").status_code == 200  # type: ignore[attr-defined]


def test_log_in_refused_for_an_address_does_not_lock_the_user_elsewhere(settings: Settings, control: Control) -> None:
    assert control.settings.login_failures_per_user > control.settings.login_failures_per_user_and_ip
    with control.database.write() as unit:
        for _ in range(settings.login_failures_per_user_and_ip):
            logins.note_attempt(unit, "li.na", "192.0.2.1")
        here, there = logins.note_attempt(unit, "li.na", "192.0.2.1"), logins.note_attempt(unit, "li.na", "192.0.2.2")
    with control.database.read() as unit:
        logins.check_attempt(unit, there, settings)
        with pytest.raises(logins.TooMany):
            logins.check_attempt(unit, here, settings)


def test_log_in_many_users_from_one_address_is_refused(settings: Settings, control: Control) -> None:
    with control.database.write() as unit:
        for number in range(settings.login_failures_per_ip):
            logins.note_attempt(unit, f"user{number}", "192.0.2.1")
        last = logins.note_attempt(unit, "another", "192.0.2.1")
    with control.database.read() as unit, pytest.raises(logins.TooMany):
        logins.check_attempt(unit, last, settings)


def test_log_in_many_at_once_lets_no_more_than_the_allowed_number_try(
    client: TestClient, control: Control, add_user: Callable[..., int]
) -> None:
    add_user("li.na", "viewer")
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: _enter(client, "li.na", "wrong-pass-phrase-1").status_code, range(12)))  # type: ignore[attr-defined]
    assert answers.count(401) <= 5
    assert answers.count(401) + answers.count(429) == 12


def test_log_in_success_clears_failures(client: TestClient, control: Control, add_user: Callable[..., int]) -> None:
    add_user("li.na", "viewer")
    for _ in range(4):
        _enter(client, "li.na", "wrong-pass-phrase-1")
    assert _enter(client, "li.na").status_code == 200  # type: ignore[attr-defined]
    with control.database.read() as unit:
        assert unit.exec(select(LoginAttempt)).all() == []


def test_log_in_right_many_at_once_lets_everybody_in(client: TestClient, add_user: Callable[..., int]) -> None:
    add_user("li.na", "viewer")
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: _enter(client, "li.na").status_code, range(5)))  # type: ignore[attr-defined]
    assert answers == [200] * 5


@pytest.mark.parametrize("change", [{"password_hash": DUMMY_HASH}, {"is_active": False}, None])
def test_log_in_user_changed_while_the_password_is_looked_at_is_refused(
    control: Control, add_user: Callable[..., int], password_hash: str, change: dict[str, object] | None
) -> None:
    user_id = add_user("li.na")
    candidate = logins.Candidate(1, user_id, password_hash)
    with control.database.write() as unit:
        that = col(User.id) == user_id
        unit.exec(delete(User).where(that) if change is None else update(User).where(that).values(**change))
    with pytest.raises(Unauthenticated), control.database.write() as unit:
        logins.start_session(unit, candidate, Actor(logins.NOBODY), control.signer, timedelta(days=7))
    with pytest.raises(Unauthenticated), control.database.write() as unit:
        logins.change_own_password(unit, Actor(logins.NOBODY), candidate, "another-long-phrase-77", 12)


@pytest.mark.parametrize(("username", "password"), [("li.na", r"\ud800"), (r"\ud800", "wrong-pass-phrase-1")])
def test_log_in_half_a_character_answers_like_a_wrong_password(
    client: TestClient, add_user: Callable[..., int], username: str, password: str
) -> None:
    add_user("li.na", "viewer")
    part = '--X\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    form = part.format("username", username) + part.format("password", password) + "--X--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=X; charset=unicode_escape"}
    answer = client.post("/api/v1/auth/token", content=form, headers=kind)
    assert (answer.status_code, answer.json()["detail"]) == (401, logins.WRONG)


def test_username_typed_wrong_is_kept_nowhere(client: TestClient, control: Control) -> None:
    _enter(client, "my-planted-password-in-the-wrong-field")
    with control.database.read() as unit:
        attempts, lines = unit.exec(select(LoginAttempt)).all(), unit.exec(select(AuditLog)).all()
    assert len(attempts) == 1
    assert [line.actor_name for line in lines] == ["(unknown)"]
    assert "planted" not in f"{attempts} {lines}"


def test_log_out_revokes_this_session_alone(client: TestClient, log_in: Callable[..., Headers], add_user: Callable[..., int]) -> None:
    first = log_in("li.na", "viewer")
    second = _enter(client, "li.na").json()["access_token"]  # type: ignore[attr-defined]
    assert client.get("/api/v1/keyword", headers=first).status_code == 200
    assert client.post("/api/v1/auth/logout", headers=first).status_code == 204
    assert client.get("/api/v1/keyword", headers=first).status_code == 401
    assert client.get("/api/v1/keyword", headers={"Authorization": f"Bearer {second}"}).status_code == 200


def test_password_changed_ends_every_session(client: TestClient, log_in: Callable[..., Headers], control: Control) -> None:
    headers = log_in("li.na", "viewer")
    other = _enter(client, "li.na").json()["access_token"]  # type: ignore[attr-defined]
    wrong = client.put("/api/v1/auth/password", headers=headers, json={"current": "wrong-pass-phrase-1", "new": "another-long-phrase-77"})
    assert wrong.status_code == 401
    weak = client.put("/api/v1/auth/password", headers=headers, json={"current": PASSWORD, "new": "short"})
    assert (weak.status_code, weak.json()["detail"]) == (422, "The new password is shorter than 12 characters.")
    done = client.put("/api/v1/auth/password", headers=headers, json={"current": PASSWORD, "new": "another-long-phrase-77"})
    assert done.status_code == 204
    for token in (headers["Authorization"], f"Bearer {other}"):
        assert client.get("/api/v1/auth/me", headers={"Authorization": token}).status_code == 401
    assert _enter(client, "li.na").status_code == 401  # type: ignore[attr-defined]
    assert _enter(client, "li.na", "another-long-phrase-77").status_code == 200  # type: ignore[attr-defined]


def test_session_that_the_database_does_not_know_is_refused(client: TestClient, control: Control, add_user: Callable[..., int]) -> None:
    user_id = add_user("li.na", "admin")
    token = control.signer.sign(subject=str(user_id), jti="0" * 32, issued_at=now_utc(), expires_at=now_utc() + timedelta(days=1))
    assert client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_session_of_another_user_is_refused(client: TestClient, control: Control, log_in: Callable[..., Headers], admin: Headers) -> None:
    mine = log_in("victor", "viewer")["Authorization"].removeprefix("Bearer ")
    claims = jwt.get_unverified_claims(mine)
    with control.database.read() as unit:
        boss = unit.exec(select(User.id).where(User.username == "root.admin")).one()
    forged = control.signer.sign(
        subject=str(boss), jti=claims["jti"], issued_at=now_utc(), expires_at=datetime.fromtimestamp(claims["exp"], UTC)
    )
    assert client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {forged}"}).status_code == 401


def test_session_expired_in_the_database_is_refused(client: TestClient, control: Control, log_in: Callable[..., Headers]) -> None:
    headers = log_in("li.na", "viewer")
    with control.database.write() as unit:
        unit.exec(update(AuthSession).values(expires_at=now_utc() - timedelta(seconds=1)))
    assert client.get("/api/v1/auth/me", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"token": "dev"},
        {"token": ""},
        {"Authorization": "Bearer dev"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic YWRtaW46MTIzNDU2"},
        {"Authorization": "dev"},
        {"token": "x" * 8000},
    ],
)
def test_credential_of_the_predecessor_opens_nothing(client: TestClient, admin: Headers, headers: Headers) -> None:
    assert client.get("/api/v1/user", headers=headers).status_code == 401


def test_access_token_in_the_node_header_opens_nothing(client: TestClient, admin: Headers) -> None:
    assert client.get("/api/v1/user", headers={"token": admin["Authorization"].removeprefix("Bearer ")}).status_code == 401


def test_no_cookie_is_ever_set_so_there_is_nothing_to_forge_across_sites(client: TestClient, add_user: Callable[..., int]) -> None:
    add_user("li.na", "viewer")
    answer = _enter(client, "li.na")
    assert "set-cookie" not in answer.headers  # type: ignore[attr-defined]
    assert not client.cookies


def test_session_in_the_header_of_nodes_is_refused_also_when_it_is_remembered(client: TestClient, admin: dict[str, str]) -> None:
    assert client.get("/api/v1/auth/me", headers=admin).status_code == 200
    session = admin["Authorization"].removeprefix("Bearer ")
    assert client.get("/api/v1/auth/me", headers={"token": session}).status_code == 401


def test_log_in_forgets_attempts_and_sessions_that_matter_no_more(
    client: TestClient, control: Control, add_user: Callable[..., int]
) -> None:
    user_id = add_user("li.na", "viewer")
    now = now_utc()
    with control.database.write() as unit:
        for seconds in (901, 10):
            attempt = LoginAttempt(username_hash=f"{seconds}", ip="192.0.2.1", at=now - timedelta(seconds=seconds))
            session = AuthSession(jti=f"{seconds}", user_id=user_id, issued_at=now, expires_at=now + timedelta(seconds=900 - seconds))
            unit.add_all((attempt, session))
    assert _enter(client, "li.na").status_code == 200  # type: ignore[attr-defined]
    with control.database.read() as unit:
        assert unit.exec(select(LoginAttempt.username_hash)).all() == ["10"]
        assert "901" not in unit.exec(select(AuthSession.jti)).all()
