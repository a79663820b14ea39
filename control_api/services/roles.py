"""Roles and the rights that they hold. Built-in roles follow the code; others are made of rights that their author holds."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session, col, delete, func, select

from control_api.errors import Conflict, Invalid, NotFound
from control_api.models import Api, Menu, Role, RoleRight, UserRole
from control_api.principal import Actor
from control_api.rights import BUILTIN_ROLES, USER_SCOPES, RouteRight
from control_api.services import audit
from control_api.services.access import access_changed

MENUS = (
    ("Overview", "/", "dashboard", ""),
    ("Keywords", "/keywords", "search", "keyword:read"),
    ("Tokens", "/tokens", "key", "token:read"),
    ("Nodes", "/nodes", "server", "node:read"),
    ("Users", "/users", "users", "user:read"),
    ("Roles", "/roles", "shield", "role:read"),
    ("Departments", "/depts", "building", "dept:read"),
    ("Menu", "/menus", "menu", "menu:read"),
    ("Audit", "/audit", "history", "audit:read"),
)


def find(unit: Session, role_id: int) -> Role:
    """The role. Raises NotFound."""
    role = unit.get(Role, role_id)
    if role is None:
        raise NotFound(f"There is no role {role_id}.")
    return role


def list_all(unit: Session) -> list[tuple[Role, list[str]]]:
    """Every role with its rights."""
    rights: dict[int, list[str]] = {}
    for right in unit.exec(select(RoleRight).order_by(RoleRight.scope)).all():
        rights.setdefault(right.role_id, []).append(right.scope)
    return [(role, rights.get(role.id or 0, [])) for role in unit.exec(select(Role).order_by(col(Role.id))).all()]


def scopes_of(unit: Session, role_id: int) -> list[str]:
    """The rights of a role."""
    return sorted(unit.exec(select(RoleRight.scope).where(RoleRight.role_id == role_id)).all())


def create(unit: Session, actor: Actor, name: str, description: str, scopes: list[str]) -> Role:
    """Add a role."""
    _check_scopes(actor, scopes)
    if unit.exec(select(Role.id).where(Role.name == name)).first() is not None:
        raise Conflict(f"There is already a role {name!r}.")
    role = Role(name=name, description=description)
    unit.add(role)
    unit.flush()
    _set_scopes(unit, role, scopes)
    audit.record(unit, actor, "role.create", role, after={**audit.snapshot(role), "scopes": sorted(scopes)})
    return role


def change(unit: Session, actor: Actor, role_id: int, description: str | None, scopes: list[str] | None) -> Role:
    """Change the description or the rights of a role; both the old and the new rights must be held by the actor."""
    role = _find_editable(unit, role_id)
    held = scopes_of(unit, role_id)
    actor.must_cover(set(held))
    before = {**audit.snapshot(role), "scopes": held}
    if description is not None:
        role.description = description
    if scopes is not None:
        _check_scopes(actor, scopes)
        _set_scopes(unit, role, scopes)
    unit.flush()
    access_changed(unit)
    audit.record(unit, actor, "role.change", role, before=before, after={**audit.snapshot(role), "scopes": scopes_of(unit, role_id)})
    return role


def remove(unit: Session, actor: Actor, role_id: int) -> None:
    """Remove a role that nobody has."""
    role = _find_editable(unit, role_id)
    held = scopes_of(unit, role_id)
    actor.must_cover(set(held))
    users = unit.exec(select(func.count()).select_from(UserRole).where(UserRole.role_id == role_id)).one()
    if users:
        raise Conflict(f"{users} users have the role {role.name!r}; take it from them first.")
    unit.exec(delete(RoleRight).where(col(RoleRight.role_id) == role_id))
    audit.record(unit, actor, "role.remove", role, before={**audit.snapshot(role), "scopes": held})
    unit.delete(role)


def list_routes(unit: Session) -> list[Api]:
    """Every route template with the right that opens it."""
    return list(unit.exec(select(Api).order_by(Api.path, Api.method)).all())


def seed(unit: Session, routes: Iterable[RouteRight]) -> None:
    """Bring built-in roles, the route table and a first menu in line with the code. Doing it twice changes nothing."""
    for name, (description, scopes) in BUILTIN_ROLES.items():
        role = unit.exec(select(Role).where(Role.name == name)).first() or Role(name=name)
        role.description, role.is_builtin = description, True
        unit.add(role)
        unit.flush()
        if set(scopes_of(unit, role.id or 0)) != scopes:
            _set_scopes(unit, role, sorted(scopes))
    _sync_routes(unit, routes)
    if unit.exec(select(Menu.id)).first() is None:
        unit.add_all(
            Menu(title=title, path=path, icon=icon, scope=scope, position=place) for place, (title, path, icon, scope) in enumerate(MENUS)
        )
    access_changed(unit)


def _sync_routes(unit: Session, routes: Iterable[RouteRight]) -> None:
    known = {(api.method, api.path): api for api in unit.exec(select(Api)).all()}
    for route in routes:
        api = known.pop((route.method, route.path), None) or Api(method=route.method, path=route.path)
        api.scope, api.summary, api.tag = route.scope, route.summary, route.tag
        unit.add(api)
    for gone in known.values():
        unit.delete(gone)


def _find_editable(unit: Session, role_id: int) -> Role:
    role = find(unit, role_id)
    if role.is_builtin:
        raise Conflict(f"The role {role.name!r} is built in and follows the code; add a role of your own.")
    return role


def _check_scopes(actor: Actor, scopes: list[str]) -> None:
    unknown = sorted(set(scopes) - USER_SCOPES.keys())
    if unknown:
        raise Invalid(f"There is no right {', '.join(map(repr, unknown))}; valid are {', '.join(USER_SCOPES)}.")
    actor.must_cover(set(scopes))


def _set_scopes(unit: Session, role: Role, scopes: Iterable[str]) -> None:
    unit.exec(delete(RoleRight).where(col(RoleRight.role_id) == role.id))
    unit.add_all(RoleRight(role_id=role.id or 0, scope=scope) for scope in set(scopes))
    unit.flush()
