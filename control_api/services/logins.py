"""Logging in and out: attempts are counted before the password is looked at; an unknown user costs and answers the same."""

from __future__ import annotations

import hashlib
import math
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, delete, select, update

from control_api.config import Settings
from control_api.errors import Invalid, TooMany, Unauthenticated
from control_api.models import AuthSession, LoginAttempt, User
from control_api.models.base import now_utc
from control_api.principal import Actor, Principal
from control_api.security import DUMMY_HASH, TokenSigner, find_password_fault, hash_password, make_jti
from control_api.services import audit
from control_api.services.access import access_changed

WRONG = "The user name or the password is wrong."
NOBODY = Principal("user", 0, "(unknown)", frozenset())


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who may be logging in. `password_hash` is a real one also when there is no such user."""

    attempt_id: int
    user_id: int | None
    password_hash: str


def normalise_username(username: str) -> str:
    """The one form of a user name: no invisible differences, no capitals, no half characters, which no database takes."""
    whole = username.encode("utf-8", "replace").decode()
    return unicodedata.normalize("NFKC", whole).strip().casefold()


def hash_username(username: str) -> str:
    """What is kept of a typed user name."""
    return hashlib.sha256(normalise_username(username).encode()).hexdigest()


def note_attempt(unit: Session, username: str, ip: str) -> int:
    """Write an attempt down as failed; commit before `check_attempt`. Returns its id."""
    attempt = LoginAttempt(username_hash=hash_username(username), ip=ip)
    unit.add(attempt)
    unit.flush()
    return attempt.id or 0


def check_attempt(unit: Session, attempt_id: int, settings: Settings) -> None:
    """Raise TooMany when other attempts used the allowance up.

    Every other attempt that is written down counts, also one that is still being looked at: of those that pass, the last to be
    written has seen the rest, so however many come at the same time no more than the allowed ones pass.
    """
    attempt = unit.get(LoginAttempt, attempt_id)
    if attempt is None:  # the same user came in from this address a moment ago: what was written before is forgotten
        return
    by_user, by_ip = LoginAttempt.username_hash == attempt.username_hash, LoginAttempt.ip == attempt.ip
    limits = (
        ((by_user, by_ip), settings.login_failures_per_user_and_ip),
        ((by_ip,), settings.login_failures_per_ip),
        ((by_user,), settings.login_failures_per_user),
    )
    window = timedelta(seconds=settings.login_window_seconds)
    for conditions, allowed in limits:
        recent = (*conditions, col(LoginAttempt.has_failed), LoginAttempt.at > attempt.at - window, col(LoginAttempt.id) != attempt_id)
        count, oldest = unit.exec(select(func.count(), func.min(LoginAttempt.at)).where(*recent)).one()
        if count >= allowed:
            wait = math.ceil((oldest + window - attempt.at).total_seconds())
            raise TooMany(
                f"Too many failed attempts to log in. Try again in {max(wait, 1)} seconds, or ask an administrator.",
                retry_after=max(wait, 1),
            )


def drop_attempt(unit: Session, attempt_id: int) -> None:
    """Take an attempt back that was not looked at: a refusal does not lengthen the wait."""
    unit.exec(delete(LoginAttempt).where(col(LoginAttempt.id) == attempt_id))


def find_candidate(unit: Session, attempt_id: int, username: str) -> Candidate:
    """The active user of that name, or nobody with a hash that takes as long to compare."""
    user = unit.exec(select(User).where(User.username == normalise_username(username))).first()
    if user is None or not user.is_active:
        return Candidate(attempt_id, None, DUMMY_HASH)
    return Candidate(attempt_id, user.id, user.password_hash)


def refuse(unit: Session, candidate: Candidate, actor: Actor) -> None:
    """Write a failed login to the audit log. A name that nobody has is not kept: it may be a password."""
    user = unit.get(User, candidate.user_id) if candidate.user_id else None
    known = Actor(Principal("user", user.id or 0, user.username, frozenset()), actor.ip, actor.request_id) if user else actor
    audit.record(unit, known, "login.failed", user)


def start_session(unit: Session, candidate: Candidate, actor: Actor, signer: TokenSigner, lifetime: timedelta) -> str:
    """Forget the failures of this user from this address, and issue an access token. Raises Unauthenticated."""
    user = _find_proved(unit, candidate)
    by_user, by_ip = col(LoginAttempt.username_hash) == hash_username(user.username), col(LoginAttempt.ip) == actor.ip
    unit.exec(delete(LoginAttempt).where(by_user, by_ip, col(LoginAttempt.id) <= candidate.attempt_id))
    now = now_utc()
    session = AuthSession(jti=make_jti(), user_id=user.id or 0, issued_at=now, expires_at=now + lifetime, ip=actor.ip)
    unit.add(session)
    user.last_login_at = now
    named = Actor(Principal("user", user.id or 0, user.username, frozenset()), actor.ip, actor.request_id)
    audit.record(unit, named, "login", user)
    return signer.sign(subject=str(user.id), jti=session.jti, issued_at=now, expires_at=session.expires_at)


def _find_proved(unit: Session, candidate: Candidate) -> User:
    """The user whose password was proved, nobody else's until the unit ends. Raises Unauthenticated when it is not his any more.

    To prove a password takes a while, in which it may be changed, and the user switched off or removed: those who did so ended the
    sessions that they saw.
    """
    user = unit.exec(select(User).where(User.id == candidate.user_id).with_for_update()).first()
    if user is None or not user.is_active or user.password_hash != candidate.password_hash:
        raise refuse_wrong()
    return user


def log_out(unit: Session, actor: Actor) -> None:
    """Revoke the session of this request."""
    unit.exec(update(AuthSession).where(col(AuthSession.jti) == actor.principal.session).values(revoked_at=now_utc()))
    access_changed(unit)
    audit.record(unit, actor, "logout", object_kind="user")


def revoke_sessions(unit: Session, user_id: int) -> int:
    """Revoke every session of a user; returns how many were open."""
    access_changed(unit)
    result = unit.exec(
        update(AuthSession).where(col(AuthSession.user_id) == user_id, col(AuthSession.revoked_at).is_(None)).values(revoked_at=now_utc())
    )
    return int(result.rowcount)


def set_password(unit: Session, user: User, password: str, *, min_length: int, must_change: bool) -> None:
    """Give a user a password and end all of his sessions. Raises Invalid for a password that breaks a rule."""
    fault = find_password_fault(password, user.username, min_length)
    if fault:
        raise Invalid(f"The new password {fault}.")
    user.password_hash = hash_password(password)
    user.must_change_password = must_change
    unit.add(user)
    if user.id is not None:
        revoke_sessions(unit, user.id)


def change_own_password(unit: Session, actor: Actor, candidate: Candidate, password: str, min_length: int) -> None:
    """After the present password was proved: set the new one. Raises Unauthenticated, Invalid."""
    user = _find_proved(unit, candidate)
    set_password(unit, user, password, min_length=min_length, must_change=False)
    drop_attempt(unit, candidate.attempt_id)
    audit.record(unit, actor, "user.password", user, after={"password": True, "sessions": "revoked"})


def refuse_wrong() -> Unauthenticated:
    """The one answer to a wrong name, a wrong password and a user who was switched off."""
    return Unauthenticated(WRONG)


def forget_old(unit: Session, now: datetime, window: timedelta) -> None:
    """Remove attempts and sessions that can no longer matter."""
    unit.exec(delete(LoginAttempt).where(col(LoginAttempt.at) < now - window))
    unit.exec(delete(AuthSession).where(col(AuthSession.expires_at) < now))
