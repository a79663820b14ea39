"""Roles, and the route table, over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from control_api.deps import ControlDep, needs
from control_api.models import Role
from control_api.principal import Actor
from control_api.problems import answers
from control_api.routers.prefix import PrefixRouter
from control_api.schemas.access import ApiAnswer, RoleAnswer, RoleChange, RoleCreate
from control_api.services import roles

router = PrefixRouter(prefix="/api/v1/role", tags=["roles"], responses=answers(401, 403, 422))
routes_router = PrefixRouter(prefix="/api/v1/api", tags=["roles"], responses=answers(401, 403))
ReadDep = Annotated[Actor, needs("role:read")]
WriteDep = Annotated[Actor, needs("role:write")]
RoleId = Annotated[int, Path(ge=1, le=2**31 - 1)]


def _show(role: Role, scopes: list[str]) -> RoleAnswer:
    return RoleAnswer.model_validate(role).model_copy(update={"scopes": scopes})


@router.get("", summary="List roles")
def list_roles(control: ControlDep, _actor: ReadDep) -> list[RoleAnswer]:
    """Every role with its rights."""
    with control.database.read() as unit:
        return [_show(role, scopes) for role, scopes in roles.list_all(unit)]


@router.post("", status_code=201, summary="Add a role", responses=answers(409))
def add_role(body: RoleCreate, control: ControlDep, actor: WriteDep) -> RoleAnswer:
    """Only rights that you hold yourself can be given."""
    with control.database.write() as unit:
        role = roles.create(unit, actor, body.name, body.description, body.scopes)
        return _show(role, roles.scopes_of(unit, role.id or 0))


@router.patch("/{role_id}", summary="Change a role", responses=answers(404, 409))
def change_role(role_id: RoleId, body: RoleChange, control: ControlDep, actor: WriteDep) -> RoleAnswer:
    """What is left out stays. Built-in roles are not changed."""
    with control.database.write() as unit:
        role = roles.change(unit, actor, role_id, body.description, body.scopes)
        return _show(role, roles.scopes_of(unit, role_id))


@router.delete("/{role_id}", status_code=204, summary="Remove a role", responses=answers(404, 409))
def remove_role(role_id: RoleId, control: ControlDep, actor: WriteDep) -> None:
    """Only a role that nobody has."""
    with control.database.write() as unit:
        roles.remove(unit, actor, role_id)


@routes_router.get("", summary="List routes and their rights")
def list_routes(control: ControlDep, _actor: ReadDep) -> list[ApiAnswer]:
    """Which right opens which route template."""
    with control.database.read() as unit:
        return [ApiAnswer.model_validate(api) for api in roles.list_routes(unit)]
