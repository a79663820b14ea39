"""Users over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from control_api.deps import ControlDep, needs
from control_api.models import User
from control_api.principal import Actor
from control_api.problems import answers
from control_api.routers.prefix import PrefixRouter
from control_api.schemas.access import PasswordReset, UserAnswer, UserChange, UserCreate
from control_api.schemas.base import Cursor, Limit, Page
from control_api.services import users

router = PrefixRouter(prefix="/api/v1/user", tags=["users"], responses=answers(401, 403, 422))
ReadDep = Annotated[Actor, needs("user:read")]
WriteDep = Annotated[Actor, needs("user:write")]
UserId = Annotated[int, Path(ge=1, le=2**31 - 1)]


def _show(user: User, roles: list[str]) -> UserAnswer:
    return UserAnswer.model_validate(user).model_copy(update={"roles": roles})


@router.get("", summary="List users")
def list_users(
    control: ControlDep,
    _actor: ReadDep,
    search: Annotated[str, Query(max_length=64)] = "",
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[UserAnswer]:
    """Users by id; `search` is a part of the name."""
    with control.database.read() as unit:
        found = users.search(unit, search, after_id=cursor or 0, limit=limit)
        roles = users.roles_of(unit, [user.id or 0 for user in found])
    return Page(items=[_show(user, roles[user.id or 0]) for user in found], next=found[-1].id if len(found) == limit else None)


@router.post("", status_code=201, summary="Add a user", responses=answers(409))
def add_user(body: UserCreate, control: ControlDep, actor: WriteDep) -> UserAnswer:
    """Only roles whose rights you hold yourself can be given."""
    values = body.model_dump(exclude={"password"})
    with control.database.write() as unit:
        user = users.create(unit, actor, values, password=body.password.get_secret_value(), min_length=control.settings.password_min_length)
        return _show(user, users.roles_of(unit, [user.id or 0])[user.id or 0])


@router.get("/{user_id}", summary="Read a user", responses=answers(404))
def read_user(user_id: UserId, control: ControlDep, _actor: ReadDep) -> UserAnswer:
    """One user."""
    with control.database.read() as unit:
        return _show(users.find(unit, user_id), users.roles_of(unit, [user_id])[user_id])


@router.patch("/{user_id}", summary="Change a user", responses=answers(404, 409))
def change_user(user_id: UserId, body: UserChange, control: ControlDep, actor: WriteDep) -> UserAnswer:
    """What is left out stays. Only users that hold no right beyond yours can be changed."""
    with control.database.write() as unit:
        user = users.change(unit, actor, user_id, body.model_dump(exclude_unset=True))
        return _show(user, users.roles_of(unit, [user_id])[user_id])


@router.put("/{user_id}/password", status_code=204, summary="Set a user's password", responses=answers(404))
def reset_password(user_id: UserId, body: PasswordReset, control: ControlDep, actor: WriteDep) -> None:
    """The user's sessions end, and he has to change the password at the next login."""
    with control.database.write() as unit:
        users.reset_password(unit, actor, user_id, body.password.get_secret_value(), min_length=control.settings.password_min_length)


@router.delete("/{user_id}", status_code=204, summary="Remove a user", responses=answers(404, 409))
def remove_user(user_id: UserId, control: ControlDep, actor: WriteDep) -> None:
    """The audit log keeps the name. Switching off (`is_active`) is usually better."""
    with control.database.write() as unit:
        users.remove(unit, actor, user_id)
