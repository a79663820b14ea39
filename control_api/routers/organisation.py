"""Departments and menu over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from control_api.deps import ControlDep, needs
from control_api.models import Dept, Menu
from control_api.principal import Actor
from control_api.problems import answers
from control_api.routers.prefix import PrefixRouter
from control_api.schemas.access import DeptAnswer, DeptChange, DeptCreate, MenuAnswer, MenuChange, MenuCreate
from control_api.services import organisation

depts = PrefixRouter(prefix="/api/v1/dept", tags=["departments"], responses=answers(401, 403, 422))
menus = PrefixRouter(prefix="/api/v1/menu", tags=["menu"], responses=answers(401, 403, 422))
BranchId = Annotated[int, Path(ge=1, le=2**31 - 1)]


@depts.get("", summary="List departments")
def list_depts(control: ControlDep, _actor: Annotated[Actor, needs("dept:read")]) -> list[DeptAnswer]:
    """Every department."""
    with control.database.read() as unit:
        return [DeptAnswer.model_validate(dept) for dept in organisation.list_branches(unit, Dept)]


@depts.post("", status_code=201, summary="Add a department", responses=answers(409))
def add_dept(body: DeptCreate, control: ControlDep, actor: Annotated[Actor, needs("dept:write")]) -> DeptAnswer:
    """A department, below another one or on top."""
    with control.database.write() as unit:
        return DeptAnswer.model_validate(organisation.create(unit, actor, Dept(**body.model_dump())))


@depts.patch("/{dept_id}", summary="Change a department", responses=answers(404, 409))
def change_dept(dept_id: BranchId, body: DeptChange, control: ControlDep, actor: Annotated[Actor, needs("dept:write")]) -> DeptAnswer:
    """What is left out stays."""
    with control.database.write() as unit:
        return DeptAnswer.model_validate(organisation.change(unit, actor, Dept, dept_id, body.model_dump(exclude_unset=True)))


@depts.delete("/{dept_id}", status_code=204, summary="Remove a department", responses=answers(404, 409))
def remove_dept(dept_id: BranchId, control: ControlDep, actor: Annotated[Actor, needs("dept:write")]) -> None:
    """Only one without users and departments below it."""
    with control.database.write() as unit:
        organisation.remove(unit, actor, Dept, dept_id)


@menus.get("", summary="List the whole menu")
def list_menus(control: ControlDep, _actor: Annotated[Actor, needs("menu:read")]) -> list[MenuAnswer]:
    """Every entry; `/api/v1/auth/menu` gives the ones that you may open."""
    with control.database.read() as unit:
        return [MenuAnswer.model_validate(menu) for menu in organisation.list_branches(unit, Menu)]


@menus.post("", status_code=201, summary="Add a menu entry", responses=answers(409))
def add_menu(body: MenuCreate, control: ControlDep, actor: Annotated[Actor, needs("menu:write")]) -> MenuAnswer:
    """An entry, shown to those who hold its right."""
    with control.database.write() as unit:
        return MenuAnswer.model_validate(organisation.create(unit, actor, Menu(**body.model_dump())))


@menus.patch("/{menu_id}", summary="Change a menu entry", responses=answers(404, 409))
def change_menu(menu_id: BranchId, body: MenuChange, control: ControlDep, actor: Annotated[Actor, needs("menu:write")]) -> MenuAnswer:
    """What is left out stays."""
    with control.database.write() as unit:
        return MenuAnswer.model_validate(organisation.change(unit, actor, Menu, menu_id, body.model_dump(exclude_unset=True)))


@menus.delete("/{menu_id}", status_code=204, summary="Remove a menu entry", responses=answers(404, 409))
def remove_menu(menu_id: BranchId, control: ControlDep, actor: Annotated[Actor, needs("menu:write")]) -> None:
    """Only one without entries below it."""
    with control.database.write() as unit:
        organisation.remove(unit, actor, Menu, menu_id)
