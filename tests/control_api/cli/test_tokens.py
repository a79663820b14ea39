"""Tokens from the command line: never one of them in full."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlmodel import Session

from control_api.models import Node, Token
from control_api.models.base import now_utc

Run = Callable[..., str]


@pytest.fixture
def two(ready: Run) -> Run:
    """Tokens 1 and 2 are there."""
    Path("t.txt").write_text("planted-token-0001 account 1\n# a comment\nplanted-token-0002\nplanted-token-0001\n", "utf-8")
    assert "2 added, 1 were there" in ready("tokens", "import", "t.txt")
    return ready


def test_no_command_shows_a_token(two: Run) -> None:
    said = "".join(two("tokens", *command) for command in (("list",), ("supply",), ("history", "1"), ("encrypt-anew",)))
    said += two("audit", "list")
    assert "***0001" in said
    assert "planted-token" not in said


def test_import_names_the_token_that_is_wrong_without_quoting_it(ready: Run) -> None:
    Path("bad.txt").write_text("planted-token-0003\nplantéd\n", "utf-8")
    said = ready("tokens", "import", "bad.txt", code=2)
    assert "Line 2: token: " in said
    assert "Nothing was imported" in said
    assert "plant" not in said
    assert len(ready("tokens", "list").splitlines()) == 1
    Path("none.txt").write_text("# nothing\n")
    assert "holds no token" in ready("tokens", "import", "none.txt", code=2)


def test_doctor_says_that_no_key_decrypts_a_token(two: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.search(r"token keys +ok", two("doctor"))
    monkeypatch.setenv("CONTROL_TOKEN_KEYS", Fernet.generate_key().decode())
    assert "does not decrypt 2 tokens" in two("doctor")
    assert "CONTROL_TOKEN_KEYS" in two("tokens", "encrypt-anew", code=1)


def test_tokens_are_switched_off_and_on(two: Run) -> None:
    assert "lent no more: 2" in two("tokens", "disable", "1", "2")
    assert re.search(r"boss( +0){5} +2\n", two("tokens", "supply"))
    assert "may be lent: 1" in two("tokens", "enable", "2")
    assert re.search(r"boss +1( +0){4} +1\n", two("tokens", "supply"))


def test_token_that_was_said_to_be_invalid_is_revived(two: Run, unit: Session) -> None:
    unit.get_one(Token, 1).state = "invalid"
    unit.commit()
    assert "***0001" in two("tokens", "list", "--state", "invalid", "--platform", "boss")
    assert "active again: 1" in two("tokens", "revive", "1")
    assert len(two("tokens", "list", "--state", "active").splitlines()) == 1 + 2
    assert "revived" in two("tokens", "history", "1")


def test_tokens_are_removed_all_or_none(two: Run, unit: Session) -> None:
    node = Node(name="node-1")
    unit.add(node)
    unit.flush()
    token = unit.get_one(Token, 2)
    token.leased_by, token.available_at = node.id, now_utc().replace(year=2200)
    unit.commit()
    assert "lent to node" in two("tokens", "remove", "1", "2", code=1)
    assert len(two("tokens", "list").splitlines()) == 1 + 2
    assert "removed: 1" in two("tokens", "remove", "1", "1")
    assert "There is no token 1" in two("tokens", "history", "1", code=1)
    assert "'0'" in two("tokens", "remove", "0", code=2)
