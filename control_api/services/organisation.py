"""Departments and the admin's menu: two small trees."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlmodel import Session, col, select

from control_api.errors import Conflict, Invalid, NotFound
from control_api.models import Dept, Menu, User
from control_api.principal import Actor
from control_api.rights import USER_SCOPES
from control_api.services import audit

Branch = TypeVar("Branch", Dept, Menu)
DEEPEST = 32


def list_branches(unit: Session, kind: type[Branch]) -> list[Branch]:
    """Every department or menu entry, in the order of the tree's levels."""
    return list(unit.exec(select(kind).order_by(col(kind.position), col(kind.id))).all())


def list_menu(unit: Session, scopes: frozenset[str]) -> list[Menu]:
    """The menu as one with these rights sees it."""
    return [menu for menu in list_branches(unit, Menu) if not menu.scope or menu.scope in scopes]


def create(unit: Session, actor: Actor, branch: Branch) -> Branch:
    """Add a department or a menu entry."""
    _check(unit, type(branch), None, branch.parent_id, branch)
    unit.add(branch)
    unit.flush()
    audit.record(unit, actor, f"{branch.__tablename__}.create", branch, after=audit.snapshot(branch))
    return branch


def change(unit: Session, actor: Actor, kind: type[Branch], branch_id: int, values: dict[str, Any]) -> Branch:
    """Change what is in `values`."""
    branch = _find(unit, kind, branch_id)
    before = audit.snapshot(branch)
    for name, value in values.items():
        setattr(branch, name, value)
    with unit.no_autoflush:
        _check(unit, kind, branch_id, branch.parent_id, branch)
    unit.flush()
    audit.record(unit, actor, f"{branch.__tablename__}.change", branch, before=before, after=audit.snapshot(branch))
    return branch


def remove(unit: Session, actor: Actor, kind: type[Branch], branch_id: int) -> None:
    """Remove a department or menu entry that nothing hangs on."""
    branch = _find(unit, kind, branch_id)
    if unit.exec(select(kind.id).where(kind.parent_id == branch_id)).first() is not None:
        raise Conflict(f"{branch.__tablename__} {branch_id} has entries below it; move or remove them first.")
    if kind is Dept and unit.exec(select(User.id).where(User.dept_id == branch_id)).first() is not None:
        raise Conflict(f"Department {branch_id} has users; move them first.")
    audit.record(unit, actor, f"{branch.__tablename__}.remove", branch, before=audit.snapshot(branch))
    unit.delete(branch)


def _find(unit: Session, kind: type[Branch], branch_id: int) -> Branch:
    branch = unit.get(kind, branch_id)
    if branch is None:
        raise NotFound(f"There is no {kind.__tablename__} {branch_id}.")
    return branch


def _check(unit: Session, kind: type[Branch], branch_id: int | None, parent_id: int | None, branch: Branch) -> None:
    if isinstance(branch, Menu) and branch.scope and branch.scope not in USER_SCOPES:
        raise Invalid(f"There is no right {branch.scope!r}; valid are {', '.join(USER_SCOPES)}.")
    for _ in range(DEEPEST):
        if parent_id is None:
            return
        if parent_id == branch_id:
            raise Conflict(f"{kind.__tablename__} {branch_id} would hang below itself.")
        parent = unit.get(kind, parent_id)
        if parent is None:
            raise Conflict(f"There is no {kind.__tablename__} {parent_id} to hang this on.")
        parent_id = parent.parent_id
    raise Conflict(f"The tree would be deeper than {DEEPEST} levels.")
