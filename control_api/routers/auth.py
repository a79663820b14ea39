"""Log in, log out, who am I, change my password."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import Depends
from fastapi.security import OAuth2PasswordRequestForm

from control_api.deps import Control, ControlDep, VisitorDep, needs
from control_api.errors import Problem, TooMany
from control_api.models.base import now_utc
from control_api.principal import Actor
from control_api.problems import answers
from control_api.rights import SELF
from control_api.routers.prefix import PrefixRouter
from control_api.schemas.access import AccessToken, Me, MenuAnswer, PasswordChange
from control_api.security import matches_password
from control_api.services import logins, organisation

router = PrefixRouter(prefix="/api/v1/auth", tags=["auth"])
SelfDep = Annotated[Actor, needs(SELF)]


@router.post("/token", summary="Log in", responses=answers(401, 422, 429))
def log_in(form: Annotated[OAuth2PasswordRequestForm, Depends()], control: ControlDep, visitor: VisitorDep) -> AccessToken:
    """OAuth2 password flow. A wrong name and a wrong password answer alike; too many failures answer 429 for a while."""
    candidate = _prove(control, visitor, form.username, form.password, logins.refuse_wrong())
    lifetime = timedelta(seconds=control.settings.access_token_seconds)
    with control.database.write() as unit:
        token = logins.start_session(unit, candidate, visitor, control.signer, lifetime)
    window = timedelta(seconds=control.settings.login_window_seconds)
    control.database.retry(lambda unit: logins.forget_old(unit, now_utc(), window))
    return AccessToken(access_token=token, expires_in=control.settings.access_token_seconds)


def _prove(control: Control, actor: Actor, username: str, password: str, refusal: Problem) -> logins.Candidate:
    """The candidate whose password this is. The attempt is written down first, and looked at in a transaction of its own."""
    with control.database.write() as unit:
        attempt_id = logins.note_attempt(unit, username, actor.ip)
    try:
        with control.database.read() as unit:
            logins.check_attempt(unit, attempt_id, control.settings)
            candidate = logins.find_candidate(unit, attempt_id, username)
    except TooMany:
        with control.database.write() as unit:
            logins.drop_attempt(unit, attempt_id)
        raise
    is_right = matches_password(password, candidate.password_hash)
    if not is_right or candidate.user_id is None:
        with control.database.write() as unit:
            logins.refuse(unit, candidate, actor)
        raise refusal
    return candidate


@router.post("/logout", status_code=204, summary="Log out", responses=answers(401, 403))
def log_out(control: ControlDep, actor: SelfDep) -> None:
    """Revoke the token of this request."""
    with control.database.write() as unit:
        logins.log_out(unit, actor)


@router.get("/me", summary="Who am I", responses=answers(401, 403))
async def read_me(actor: SelfDep) -> Me:
    """The user of the token and his rights."""
    who = actor.principal
    return Me(kind=who.kind, id=who.id, name=who.name, scopes=sorted(who.scopes))


@router.get("/menu", summary="My menu", responses=answers(401, 403))
def read_my_menu(control: ControlDep, actor: SelfDep) -> list[MenuAnswer]:
    """The entries of the menu that my rights open."""
    with control.database.read() as unit:
        return [MenuAnswer.model_validate(menu) for menu in organisation.list_menu(unit, actor.principal.scopes)]


@router.put("/password", status_code=204, summary="Change my password", responses=answers(401, 403, 422, 429))
def change_password(body: PasswordChange, control: ControlDep, actor: SelfDep) -> None:
    """Change one's own password; every session ends, this one too."""
    refusal = logins.refuse_wrong()
    candidate = _prove(control, actor, actor.principal.name, body.current.get_secret_value(), refusal)
    with control.database.write() as unit:
        logins.change_own_password(unit, actor, candidate, body.new.get_secret_value(), control.settings.password_min_length)
