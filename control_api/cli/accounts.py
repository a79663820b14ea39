"""`create-admin` and `users`: people, from the machine itself."""

from __future__ import annotations

import argparse
import secrets

from sqlmodel import select

from control_api.cli.console import Desk, UsageError, read_name, read_password, say, say_table
from control_api.models import User
from control_api.services import roles, users
from control_api.services.logins import normalise_username


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    admin = commands.add_parser("create-admin", help="add the first administrator; refused when there is one")
    admin.add_argument("--username", type=read_name, default="admin")
    admin.add_argument("--password-stdin", action="store_true", help="read it from stdin; without this one is made and printed once")
    admin.add_argument("--if-none", action="store_true", help="do nothing, quietly, when there is one")
    admin.set_defaults(run=create_admin)
    people = commands.add_parser("users", help="list, add, enable, disable users, set passwords").add_subparsers(required=True)
    people.add_parser("list").set_defaults(run=list_users)
    add = people.add_parser("add")
    add.add_argument("username", type=read_name)
    add.add_argument("--role", action="append", default=[], help="may be given several times")
    for parser, run in ((add, add_user), (people.add_parser("password"), set_password)):
        if parser is not add:
            parser.add_argument("username")
        parser.add_argument("--password-stdin", action="store_true")
        parser.set_defaults(run=run)
    for name, is_active in (("enable", True), ("disable", False)):
        parser = people.add_parser(name)
        parser.add_argument("username")
        parser.set_defaults(run=switch_user, is_active=is_active)


def create_admin(desk: Desk, options: argparse.Namespace) -> None:
    """Add the first administrator. A password that was made is printed once and never again."""
    control = desk.control
    with control.database.write() as unit:
        roles.seed(unit, control.routes)
        if users.count_admins(unit):
            if options.if_none:
                return
            raise UsageError(
                "There is already an administrator; `users password NAME` sets a password, `users add NAME --role admin` adds one."
            )
        made = "" if options.password_stdin else secrets.token_urlsafe(18)
        values = {"username": options.username, "roles": [users.ADMIN], "must_change_password": False}
        password = made or read_password(from_stdin=True)
        user = users.create(unit, desk.actor, values, password=password, min_length=desk.settings.password_min_length)
    say(f"Administrator: {user.username}")
    if made:
        say(f"Password:      {made}")
        say("This password is shown once. Log in with it at /docs, Authorize.")


def list_users(desk: Desk, _options: argparse.Namespace) -> None:
    """Print every user."""
    with desk.control.database.read() as unit:
        found = users.search(unit, "", after_id=0, limit=100_000)
        names = users.roles_of(unit, [user.id or 0 for user in found])
    say_table(
        ("id", "user", "active", "roles", "last login"),
        ((user.id, user.username, user.is_active, ",".join(names[user.id or 0]) or "-", user.last_login_at) for user in found),
    )


def add_user(desk: Desk, options: argparse.Namespace) -> None:
    """Add a user, who changes the password at the first login."""
    values = {"username": options.username, "roles": options.role, "must_change_password": True}
    password = read_password(options.password_stdin)
    with desk.control.database.write() as unit:
        user = users.create(unit, desk.actor, values, password=password, min_length=desk.settings.password_min_length)
    say(f"Added user {user.id}: {user.username}")


def set_password(desk: Desk, options: argparse.Namespace) -> None:
    """Set a password; it has to be changed at the next login."""
    password = read_password(options.password_stdin)
    with desk.control.database.write() as unit:
        user_id = _find_id(desk, options.username)
        users.reset_password(unit, desk.actor, user_id, password, min_length=desk.settings.password_min_length)
    say("The password is set, and every session of the user has ended.")


def switch_user(desk: Desk, options: argparse.Namespace) -> None:
    """Let a user in, or not."""
    user_id = _find_id(desk, options.username)
    with desk.control.database.write() as unit:
        users.change(unit, desk.actor, user_id, {"is_active": options.is_active})
    say(f"{options.username} is {'active' if options.is_active else 'switched off'}.")


def _find_id(desk: Desk, username: str) -> int:
    with desk.control.database.read() as unit:
        user_id = unit.exec(select(User.id).where(User.username == normalise_username(username))).first()
    if user_id is None:
        raise UsageError(f"There is no user {username!r}; `users list` shows them.")
    return user_id
