"""People and what they may do: users, roles, rights, menus, departments, sessions, attempts to log in."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from control_api.models.base import TABLE, BigKey, Moment, Row, now_utc


class User(Row, table=True):
    """Somebody who logs in."""

    __tablename__ = "user"
    __table_args__ = (UniqueConstraint("username"), TABLE)
    secret_fields: ClassVar[frozenset[str]] = frozenset({"password_hash"})

    id: int | None = Field(default=None, primary_key=True)
    username: str = Field(max_length=64)
    full_name: str = Field(default="", max_length=100)
    email: str = Field(default="", max_length=254)
    password_hash: str = Field(max_length=255, repr=False)
    is_active: bool = True
    must_change_password: bool = False
    dept_id: int | None = Field(default=None, foreign_key="dept.id")
    created_at: datetime = Field(default_factory=now_utc, sa_type=Moment)
    last_login_at: datetime | None = Field(default=None, sa_type=Moment)


class Role(Row, table=True):
    """A named set of rights. Built-in roles follow the code and are not edited."""

    __tablename__ = "role"
    __table_args__ = (UniqueConstraint("name"), TABLE)

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=64)
    description: str = Field(default="", max_length=255)
    is_builtin: bool = False


class RoleRight(Row, table=True):
    """A role holds a scope."""

    __tablename__ = "role_right"
    __table_args__ = (TABLE,)

    role_id: int = Field(foreign_key="role.id", primary_key=True)
    scope: str = Field(max_length=64, primary_key=True)


class UserRole(Row, table=True):
    """A user has a role."""

    __tablename__ = "user_role"
    __table_args__ = (TABLE,)

    user_id: int = Field(foreign_key="user.id", primary_key=True)
    role_id: int = Field(foreign_key="role.id", primary_key=True)


class Api(Row, table=True):
    """A route template and the scope that opens it; follows the code."""

    __tablename__ = "api"
    __table_args__ = (UniqueConstraint("method", "path"), TABLE)

    id: int | None = Field(default=None, primary_key=True)
    method: str = Field(max_length=8)
    path: str = Field(max_length=190)
    scope: str = Field(default="", max_length=64)
    summary: str = Field(default="", max_length=255)
    tag: str = Field(default="", max_length=64)


class Menu(Row, table=True):
    """An entry of the admin's menu; shown to those who hold `scope`, to everybody who is logged in when it is empty."""

    __tablename__ = "menu"
    __table_args__ = (TABLE,)

    id: int | None = Field(default=None, primary_key=True)
    parent_id: int | None = Field(default=None, foreign_key="menu.id")
    title: str = Field(max_length=64)
    path: str = Field(max_length=190)
    icon: str = Field(default="", max_length=64)
    position: int = 0
    scope: str = Field(default="", max_length=64)


class Dept(Row, table=True):
    """A department; departments form a tree."""

    __tablename__ = "dept"
    __table_args__ = (UniqueConstraint("name"), TABLE)

    id: int | None = Field(default=None, primary_key=True)
    parent_id: int | None = Field(default=None, foreign_key="dept.id")
    name: str = Field(max_length=64)
    position: int = 0


class AuthSession(Row, table=True):
    """A token that was issued: it is good while this row says so."""

    __tablename__ = "auth_session"
    __table_args__ = (Index(None, "user_id", "revoked_at"), Index(None, "expires_at"), TABLE)

    jti: str = Field(max_length=32, primary_key=True)
    user_id: int = Field(foreign_key="user.id")
    issued_at: datetime = Field(sa_type=Moment)
    expires_at: datetime = Field(sa_type=Moment)
    revoked_at: datetime | None = Field(default=None, sa_type=Moment)
    ip: str = Field(default="", max_length=45)


class LoginAttempt(Row, table=True):
    """One attempt to log in, written before the password is looked at, so that attempts at the same time count each other."""

    __tablename__ = "login_attempt"
    __table_args__ = (Index(None, "username_hash", "at"), Index(None, "ip", "at"), Index(None, "at"), TABLE)

    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    username_hash: str = Field(max_length=64)  # people type their password here: the text is not kept
    ip: str = Field(max_length=45)
    at: datetime = Field(default_factory=now_utc, sa_type=Moment)
    has_failed: bool = True
