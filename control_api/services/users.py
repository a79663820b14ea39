"""Users: added, changed and removed by people who hold at least the same rights."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, delete, func, select

from control_api.errors import Conflict, NotFound
from control_api.models import AuthSession, Dept, Role, RoleRight, User, UserRole
from control_api.principal import Actor
from control_api.rights import SELF
from control_api.services import audit
from control_api.services.access import access_changed, find_scopes
from control_api.services.logins import normalise_username, revoke_sessions, set_password

ADMIN = "admin"


def find(unit: Session, user_id: int) -> User:
    """The user. Raises NotFound."""
    user = unit.get(User, user_id)
    if user is None:
        raise NotFound(f"There is no user {user_id}.")
    return user


def roles_of(unit: Session, user_ids: list[int]) -> dict[int, list[str]]:
    """Names of the roles of each user."""
    statement = (
        select(UserRole.user_id, Role.name).join(Role, col(Role.id) == col(UserRole.role_id)).where(col(UserRole.user_id).in_(user_ids))
    )
    found: dict[int, list[str]] = {user_id: [] for user_id in user_ids}
    for user_id, name in unit.exec(statement.order_by(Role.name)).all():
        found[user_id].append(name)
    return found


def search(unit: Session, text: str, *, after_id: int, limit: int) -> list[User]:
    """Users whose name contains `text`, by id."""
    statement = select(User).where(col(User.id) > after_id).order_by(col(User.id)).limit(limit)
    if text:
        statement = statement.where(col(User.username).contains(normalise_username(text), autoescape=True))
    return list(unit.exec(statement).all())


def create(unit: Session, actor: Actor, values: dict[str, Any], *, password: str, min_length: int) -> User:
    """Add a user. `values`: username, full_name, email, dept_id, roles, is_active, must_change_password."""
    roles = _find_roles(unit, actor, values.pop("roles"))
    must_change = values.pop("must_change_password")
    username = normalise_username(values.pop("username"))
    if unit.exec(select(User.id).where(User.username == username)).first() is not None:
        raise Conflict(f"There is already a user {username!r}.")
    _check_dept(unit, values.get("dept_id"))
    user = User(username=username, password_hash="", **values)
    set_password(unit, user, password, min_length=min_length, must_change=must_change)
    unit.flush()
    _set_roles(unit, user, roles)
    audit.record(unit, actor, "user.create", user, after={**audit.snapshot(user), "roles": [role.name for role in roles]})
    return user


def change(unit: Session, actor: Actor, user_id: int, values: dict[str, Any]) -> User:
    """Change what is in `values` (as in `create`, without the password)."""
    user = find(unit, user_id)
    actor.must_cover(find_scopes(unit, user_id) - {SELF})
    if user_id == actor.principal.id and actor.principal.kind == "user" and ({"roles", "is_active"} & values.keys()):
        raise Conflict("Nobody changes his own roles or switches himself off; ask another administrator.")
    before = {**audit.snapshot(user), "roles": roles_of(unit, [user_id])[user_id]}
    _check_dept(unit, values.get("dept_id"))
    if "roles" in values:
        _set_roles(unit, user, _find_roles(unit, actor, values.pop("roles")))
    for name, value in values.items():
        setattr(user, name, value)
    unit.flush()
    _keep_an_admin(unit)
    if not user.is_active:
        revoke_sessions(unit, user_id)
    access_changed(unit)
    audit.record(
        unit, actor, "user.change", user, before=before, after={**audit.snapshot(user), "roles": roles_of(unit, [user_id])[user_id]}
    )
    return user


def reset_password(unit: Session, actor: Actor, user_id: int, password: str, *, min_length: int) -> User:
    """Set another user's password, to be changed at the next login; ends his sessions."""
    user = find(unit, user_id)
    actor.must_cover(find_scopes(unit, user_id) - {SELF})
    set_password(unit, user, password, min_length=min_length, must_change=True)
    audit.record(unit, actor, "user.password", user, after={"password": True, "sessions": "revoked"})
    return user


def remove(unit: Session, actor: Actor, user_id: int) -> None:
    """Remove a user; the audit log keeps the name."""
    user = find(unit, user_id)
    actor.must_cover(find_scopes(unit, user_id) - {SELF})
    if user_id == actor.principal.id and actor.principal.kind == "user":
        raise Conflict("Nobody removes himself; ask another administrator.")
    before = audit.snapshot(user)
    unit.exec(delete(AuthSession).where(col(AuthSession.user_id) == user_id))
    unit.exec(delete(UserRole).where(col(UserRole.user_id) == user_id))
    audit.record(unit, actor, "user.remove", user, before=before)
    unit.delete(user)
    unit.flush()
    _keep_an_admin(unit)
    access_changed(unit)


def count_admins(unit: Session) -> int:
    """Active users that hold the admin role."""
    statement = (
        select(func.count())
        .select_from(User)
        .join(UserRole, col(UserRole.user_id) == col(User.id))
        .join(Role, col(Role.id) == col(UserRole.role_id))
        .where(Role.name == ADMIN, col(User.is_active))
    )
    return unit.exec(statement).one()


def _keep_an_admin(unit: Session) -> None:
    if count_admins(unit) == 0:
        raise Conflict("This would leave no active user with the admin role.")


def _find_roles(unit: Session, actor: Actor, names: list[str]) -> list[Role]:
    roles = list(unit.exec(select(Role).where(col(Role.name).in_(names))).all())
    unknown = sorted(set(names) - {role.name for role in roles})
    if unknown:
        raise Conflict(f"There is no role {', '.join(map(repr, unknown))}; `roles list` or GET /api/v1/role shows them.")
    scopes = unit.exec(select(RoleRight.scope).where(col(RoleRight.role_id).in_([role.id for role in roles]))).all()
    actor.must_cover(set(scopes) - {SELF})
    return roles


def _set_roles(unit: Session, user: User, roles: list[Role]) -> None:
    unit.exec(delete(UserRole).where(col(UserRole.user_id) == user.id))
    unit.add_all(UserRole(user_id=user.id or 0, role_id=role.id or 0) for role in roles)
    unit.flush()


def _check_dept(unit: Session, dept_id: int | None) -> None:
    if dept_id is not None and unit.get(Dept, dept_id) is None:
        raise Conflict(f"There is no department {dept_id}.")
