"""Nodes, their credentials, and uploads per address, from the command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import Session

from control_api.models import Node
from control_api.models.base import now_utc
from control_api.services import uploads

Run = Callable[..., str]
SECRET = r"jn_[0-9a-f]{12}_[0-9a-f]{64}"


def _add(run: Run, *options: str) -> str:
    return run("nodes", "add", "spot-1", *options).splitlines()[-1]


def test_credential_is_shown_once_and_revoked(ready: Run) -> None:
    secret = _add(ready, "--scope", "keyword")
    assert re.fullmatch(SECRET, secret)
    assert "drains" in ready("nodes", "drain", "spot-1")
    assert "takes work" in ready("nodes", "undrain", "spot-1")
    assert re.search(r"1 +keyword +yes", ready("nodes", "credentials", "spot-1"))
    assert "revoked: 1" in ready("nodes", "revoke", "spot-1")
    assert re.search(r"1 +keyword +no", ready("nodes", "credentials", "spot-1"))
    said = "".join(ready(*command) for command in (("nodes", "list"), ("nodes", "credentials", "spot-1"), ("audit", "list")))
    assert secret not in said
    assert secret.split("_")[2] not in said


def test_credential_is_replaced_with_a_time_of_grace(ready: Run) -> None:
    old = _add(ready)
    said = ready("nodes", "rotate", "spot-1", "1", "--days", "30", "--grace-seconds", "600")
    assert f"Credential 2 is good until {now_utc() + timedelta(days=30):%Y-%m-%d}" in said
    assert "600 more seconds" in said
    assert re.fullmatch(SECRET, said.splitlines()[-1])
    assert said.splitlines()[-1] != old
    assert len(re.findall(" yes ", ready("nodes", "credentials", "spot-1"))) == 2
    assert "revoked: 1" in ready("nodes", "revoke", "spot-1", "--credential", "1")
    assert len(re.findall(" yes ", ready("nodes", "credentials", "spot-1"))) == 1
    assert "expired or was revoked" in ready("nodes", "rotate", "spot-1", "1", code=1)
    assert "has no credential 9" in ready("nodes", "rotate", "spot-1", "9", code=1)


def test_credential_of_another_node_is_not_touched(ready: Run) -> None:
    _add(ready)
    ready("nodes", "add", "spot-2")
    assert "has no credential 1" in ready("nodes", "revoke", "spot-2", "--credential", "1", code=1)
    assert " yes " in ready("nodes", "credentials", "spot-1")


def test_node_is_removed(ready: Run) -> None:
    _add(ready)
    assert "spot-1" in ready("nodes", "list", "--state", "new")
    assert "spot-1" not in ready("nodes", "list", "--state", "alive")
    assert "removed" in ready("nodes", "remove", "spot-1")
    for command in ("remove", "credentials", "drain", "revoke"):
        assert "There is no node 'spot-1'" in ready("nodes", command, "spot-1", code=2)


def test_what_a_node_said_does_not_command_the_terminal(ready: Run, unit: Session) -> None:
    unit.add(Node(name="spot-1", last_words="stopped: \x1b[2J\r\u202eevil"))
    unit.commit()
    assert "stopped: ?[2J??evil" in ready("nodes", "list")


def test_uploads_are_listed_per_address(ready: Run, unit: Session) -> None:
    uploads.count(unit, "spot-1", "192.0.2.7", rows=40, size=9000)
    uploads.count(unit, "spot-2", "192.0.2.8", rows=2, size=70)
    unit.commit()
    assert re.search(r"spot-1 +192\.0\.2\.7 +1 +40 +9000", ready("ip", "--source", "spot-1", "--ip", "192.0.2.7"))
    assert len(ready("ip").splitlines()) == 1 + 2
    assert len(ready("ip", "--day", "2020-01-01").splitlines()) == 1
    assert "'yesterday'" in ready("ip", "--day", "yesterday", code=2)


@pytest.mark.parametrize(
    "command",
    [
        ("add", "node\n1"),
        ("add", "node-1", "--days", "-5"),
        ("add", "node-1", "--days", "99999999"),
        ("add", "node-1", "--scope", "user:write"),
        ("rotate", "node-1", "1", "--grace-seconds", "-1"),
        ("list", "--state", "asleep"),
    ],
)
def test_what_the_api_refuses_is_refused_here_too(ready: Run, command: tuple[str, ...]) -> None:
    assert "usage:" in ready("nodes", *command, code=2)
