"""Schemathesis over every route, as every role: no server error, and every answer as the OpenAPI document says.

CONTROL_FUZZ_EXAMPLES says how many requests each role makes of each route; a few by default, hundreds for a long look.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from pydantic import SecretStr
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from control_api.config import load_settings
from control_api.deps import Control
from control_api.main import create_app
from control_api.models import Node, User, UserRole
from control_api.principal import Actor, Principal
from control_api.rights import USER_SCOPES
from control_api.services import credentials, logins, roles

EXAMPLES = int(os.environ.get("CONTROL_FUZZ_EXAMPLES", "2"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
CLI = Actor(Principal("cli", 0, "test", frozenset(USER_SCOPES)))
Enter = Callable[[str], dict[str, str]]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A control plane with an empty chDB folder, so that questions reach a real engine."""
    folder = tmp_path_factory.mktemp("fuzz")
    given_settings = load_settings(
        _env_file=None,
        data_dir=folder,
        secret_key=SecretStr("p4Vt9-nWz7Lq2XsR6mYc1BdK8fHj3GuA0eTi5oQ"),
        run_migrations_on_startup=True,
        initialize_seed_data_on_startup=True,
        clickhouse_dsn=SecretStr(f"chdb://{folder}/clickhouse"),
    )
    made = create_app(given_settings)
    with TestClient(made, raise_server_exceptions=False):
        yield made


@pytest.fixture(scope="module")
def enter(app: Any) -> Enter:
    """The headers of a new session of a role, or of the node."""
    control: Control = app.state.control
    with control.database.write() as unit:
        for role, _ in roles.list_all(unit):
            user = User(username=f"fuzz.{role.name}", password_hash="$argon2id$none")
            unit.add(user)
            unit.flush()
            unit.add(UserRole(user_id=user.id or 0, role_id=role.id or 0))
        node = Node(name="fuzz-node")
        unit.add(node)
        unit.flush()
        _, secret = credentials.issue(unit, CLI, node.id or 0, ["ingest", "keyword", "token"], timedelta(days=1))

    def start(role: str) -> dict[str, str]:
        if role == "node":
            return {"token": secret}
        with control.database.write() as unit:
            candidate = logins.find_candidate(unit, logins.note_attempt(unit, f"fuzz.{role}", "127.0.0.1"), f"fuzz.{role}")
            token = logins.start_session(unit, candidate, CLI, control.signer, timedelta(days=1))
        return {"Authorization": f"Bearer {token}"}

    return start


def check_route(operation: Any, headers: dict[str, str]) -> None:
    """A few requests, most of them odd, and what the document says of the answers."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: Case) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    ask()


@pytest.mark.parametrize("role", ["anonymous", "viewer", "operator", "node", "admin"])
def test_every_route_keeps_to_its_document(app: Any, enter: Enter, role: str) -> None:
    seen = 0
    for result in schemathesis.openapi.from_asgi("/openapi.json", app).get_all_operations():
        # New headers for each: a session may have logged itself out.
        check_route(result.ok(), {} if role == "anonymous" else enter(role))
        seen += 1
    assert seen > 60
