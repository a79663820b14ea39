"""`create-admin`, `users` and `roles`: people and what they may do, from the machine itself."""

from __future__ import annotations

import argparse
import secrets

from sqlmodel import Session, select

from control_api.cli.console import MANY, Desk, UsageError, read_name, read_password, reader_of, say, say_table
from control_api.models import Role, User
from control_api.schemas.access import Description
from control_api.services import roles, users
from control_api.services.logins import normalise_username

_read_description = reader_of(Description, "a description is one line of at most 255 characters")


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    admin = commands.add_parser("create-admin", help="add the first administrator; refused when there is one")
    admin.add_argument("--username", type=read_name, default="admin")
    admin.add_argument("--password-stdin", action="store_true", help="read it from stdin; without this one is made and printed once")
    admin.add_argument("--if-none", action="store_true", help="do nothing, quietly, when there is one")
    admin.set_defaults(run=create_admin)
    _add_user_parsers(commands.add_parser("users", help="list, add, remove; passwords, roles, on and off").add_subparsers(required=True))
    _add_role_parsers(commands.add_parser("roles", help="list, add, change, remove; which right opens what").add_subparsers(required=True))


def _add_user_parsers(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    actions.add_parser("list").set_defaults(run=list_users)
    add = actions.add_parser("add", help="who changes the password at the first login")
    add.add_argument("username", type=read_name)
    add.add_argument("--role", action="append", default=[], help="may be given several times")
    password = actions.add_parser("password", help="set one, to be changed at the next login; ends the user's sessions")
    password.add_argument("username")
    for parser, run in ((add, add_user), (password, set_password)):
        parser.add_argument("--password-stdin", action="store_true")
        parser.set_defaults(run=run)
    for name, is_active in (("enable", True), ("disable", False)):
        parser = actions.add_parser(name)
        parser.add_argument("username")
        parser.set_defaults(run=switch_user, is_active=is_active)
    given = actions.add_parser("roles", help="the roles that a user has from now on, in place of those before")
    given.add_argument("username")
    given.add_argument("role", nargs="*", help="none named: none left")
    given.set_defaults(run=give_roles)
    remove = actions.add_parser("remove", help="the audit log keeps the name; `disable` is usually better")
    remove.add_argument("username")
    remove.set_defaults(run=remove_user)


def _add_role_parsers(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    actions.add_parser("list").set_defaults(run=list_roles)
    actions.add_parser("rights", help="every right, and the routes that it opens").set_defaults(run=list_rights)
    add = actions.add_parser("add")
    add.add_argument("name", type=read_name)
    add.set_defaults(run=add_role)
    change = actions.add_parser("change", help="what is left out stays; built-in roles are not changed")
    change.add_argument("name")
    change.set_defaults(run=change_role)
    for parser in (add, change):
        parser.add_argument("--right", action="append", help="may be given several times; `roles rights` lists them")
        parser.add_argument("--description", type=_read_description)
    remove = actions.add_parser("remove", help="one that nobody has")
    remove.add_argument("name")
    remove.set_defaults(run=remove_role)


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


# -- users -------------------------------------------------------------------------------------------------------------


def list_users(desk: Desk, _options: argparse.Namespace) -> None:
    """Print every user."""
    with desk.control.database.read() as unit:
        found = users.search(unit, "", after_id=0, limit=MANY)
        names = users.roles_of(unit, [user.id or 0 for user in found])
    say_table(
        ("id", "user", "active", "roles", "last login"),
        ((user.id, user.username, user.is_active, ",".join(names[user.id or 0]), user.last_login_at) for user in found),
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
    with desk.control.database.read() as unit:
        user_id = _find_user(unit, options.username)  # before anything is typed
    password = read_password(options.password_stdin)
    with desk.control.database.write() as unit:
        users.reset_password(unit, desk.actor, user_id, password, min_length=desk.settings.password_min_length)
    say("The password is set, and every session of the user has ended.")


def switch_user(desk: Desk, options: argparse.Namespace) -> None:
    """Let a user in, or not."""
    with desk.control.database.write() as unit:
        users.change(unit, desk.actor, _find_user(unit, options.username), {"is_active": options.is_active})
    say(f"{options.username} is {'active' if options.is_active else 'switched off'}.")


def give_roles(desk: Desk, options: argparse.Namespace) -> None:
    """Replace a user's roles."""
    names = list(dict.fromkeys(options.role))
    with desk.control.database.write() as unit:
        users.change(unit, desk.actor, _find_user(unit, options.username), {"roles": names})
    say(f"{options.username} has {', '.join(names) or 'no role'}.")


def remove_user(desk: Desk, options: argparse.Namespace) -> None:
    """Remove a user."""
    with desk.control.database.write() as unit:
        users.remove(unit, desk.actor, _find_user(unit, options.username))
    say(f"{options.username} is removed.")


def _find_user(unit: Session, username: str) -> int:
    user_id = unit.exec(select(User.id).where(User.username == normalise_username(username))).first()
    if user_id is None:
        raise UsageError(f"There is no user {username!r}; `users list` shows them.")
    return user_id


# -- roles -------------------------------------------------------------------------------------------------------------


def list_roles(desk: Desk, _options: argparse.Namespace) -> None:
    """Print every role with its rights."""
    with desk.control.database.read() as unit:
        found = roles.list_all(unit)
    say_table(("id", "role", "built-in", "rights"), ((role.id, role.name, role.is_builtin, " ".join(scopes)) for role, scopes in found))


def list_rights(desk: Desk, _options: argparse.Namespace) -> None:
    """Print every route under the right that opens it."""
    routes = sorted(desk.control.routes, key=lambda route: (route.scope, route.path, route.method))
    say_table(("right", "method", "path"), ((route.scope or "(public)", route.method, route.path) for route in routes))


def add_role(desk: Desk, options: argparse.Namespace) -> None:
    """Add a role."""
    with desk.control.database.write() as unit:
        role = roles.create(unit, desk.actor, options.name, options.description or "", options.right or [])
    say(f"Added role {role.id}: {role.name}")


def change_role(desk: Desk, options: argparse.Namespace) -> None:
    """Change what is given of a role."""
    with desk.control.database.write() as unit:
        role = roles.change(unit, desk.actor, _find_role(unit, options.name), options.description, options.right)
        scopes = roles.scopes_of(unit, role.id or 0)
    say(f"{role.name} opens {', '.join(scopes) or 'nothing'}.")


def remove_role(desk: Desk, options: argparse.Namespace) -> None:
    """Remove a role that nobody has."""
    with desk.control.database.write() as unit:
        roles.remove(unit, desk.actor, _find_role(unit, options.name))
    say(f"{options.name} is removed.")


def _find_role(unit: Session, name: str) -> int:
    role_id = unit.exec(select(Role.id).where(Role.name == name)).first()
    if role_id is None:
        raise UsageError(f"There is no role {name!r}; `roles list` shows them.")
    return role_id
