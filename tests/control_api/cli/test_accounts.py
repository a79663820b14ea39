"""Users and roles from the command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import Session, text

Run = Callable[..., str]
PASSWORD = "a-long-pass-phrase-77\n"


@pytest.fixture
def olga(ready: Run) -> Run:
    """An administrator and an operator are there."""
    ready("create-admin")
    ready("users", "add", "olga", "--role", "operator", "--password-stdin", typed=PASSWORD)
    return ready


def _export(run: Run, action: str) -> str:
    run("audit", "export", "a.csv", "--action", action)
    return Path("a.csv").read_text("utf-8")


def test_create_admin_works_once_and_shows_the_password_once(ready: Run, unit: Session) -> None:
    said = ready("create-admin")
    password = re.search(r"Password: +(\S{24})\n", said)
    assert password
    assert "already an administrator" in ready("create-admin", code=2)
    assert ready("create-admin", "--if-none") == ""
    assert "admin" in ready("users", "list")
    rows = unit.connection().execute(text("SELECT password_hash FROM user")).fetchall()
    lines = unit.connection().execute(text("SELECT after, actor_kind FROM auditlog")).fetchall()
    assert rows[0][0].startswith("$argon2id$")
    assert password[1] not in f"{rows}{lines}"
    assert lines[0][1] == "cli"


def test_users_are_added_switched_and_given_passwords(olga: Run) -> None:
    assert re.search(r"olga +yes +operator", olga("users", "list"))
    assert '"must_change_password": true' in _export(olga, "user.create").replace('""', '"').splitlines()[1]
    assert "no text in UTF-8" in olga("users", "password", "olga", "--password-stdin", typed="a-long-\udcff-phrase\n", code=2)
    assert "There is no user" in olga("users", "password", "nobody", code=2)
    assert "no terminal" in olga("users", "password", "olga", code=2)
    assert "shorter than 12" in olga("users", "password", "olga", "--password-stdin", typed="short\n", code=1)
    assert "every session" in olga("users", "password", "olga", "--password-stdin", typed="another-pass-phrase-8\n")
    assert "switched off" in olga("users", "disable", "olga")
    assert re.search(r"olga +no ", olga("users", "list"))
    assert "no active user with the admin role" in olga("users", "disable", "admin", code=1)
    assert "There is no user" in olga("users", "enable", "nobody", code=2)


def test_roles_of_a_user_are_replaced(olga: Run) -> None:
    assert "has viewer, operator." in olga("users", "roles", "olga", "viewer", "operator", "viewer")
    assert "no role" in olga("users", "roles", "olga")
    assert re.search(r"olga +yes +-", olga("users", "list"))
    assert "no role 'nothing'" in olga("users", "roles", "olga", "nothing", code=1)
    assert "no active user with the admin role" in olga("users", "roles", "admin", "viewer", code=1)


def test_user_is_removed_but_never_the_last_administrator(olga: Run) -> None:
    assert "removed" in olga("users", "remove", "olga")
    assert "olga" not in olga("users", "list")
    assert "olga" in olga("audit", "list", "--action", "user.remove")
    assert "no active user with the admin role" in olga("users", "remove", "admin", code=1)


def test_role_of_ones_own_opens_what_it_is_given(olga: Run) -> None:
    assert "Added role" in olga("roles", "add", "exporter", "--right", "data:read", "--right", "self", "--description", "takes rows")
    assert re.search(r"exporter +no +data:read self\n", olga("roles", "list"))
    assert "opens data:read." in olga("roles", "change", "exporter", "--right", "data:read")
    assert "opens data:read." in olga("roles", "change", "exporter", "--description", "still takes rows")
    olga("users", "roles", "olga", "exporter")
    assert "1 users have the role" in olga("roles", "remove", "exporter", code=1)
    olga("users", "roles", "olga")
    assert "removed" in olga("roles", "remove", "exporter")
    assert "There is no role 'exporter'" in olga("roles", "remove", "exporter", code=2)


def test_role_that_is_wrong_is_refused_with_what_is_valid(olga: Run) -> None:
    assert "valid are self" in olga("roles", "add", "exporter", "--right", "everything", code=1)
    assert "built in" in olga("roles", "change", "viewer", "--right", "self", code=1)
    assert "one line" in olga("roles", "add", "exporter", "--description", "two\nlines", code=2)
    assert "already a role" in olga("roles", "add", "viewer", code=1)


def test_rights_tell_which_routes_they_open(olga: Run) -> None:
    assert re.search(r"audit:read +GET +/api/v1/auditlog/export\n", olga("roles", "rights"))


@pytest.mark.parametrize(
    "command",
    [("users", "add", "", "--password-stdin"), ("users", "add", "ol\u200bga", "--password-stdin"), ("create-admin", "--username", "a b")],
)
def test_names_that_the_api_refuses_are_refused_here_too(ready: Run, command: tuple[str, ...]) -> None:
    assert "a name has" in ready(*command, code=2)
