"""Users, roles, rights, departments, menu, audit, as messages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field, SecretStr, model_validator

from control_api.rights import USER_SCOPES
from control_api.schemas.base import Answer, Line, Name, Request, RowId, Words

Scope = Annotated[str, Field(json_schema_extra={"enum": list(USER_SCOPES)})]
Description = Annotated[Line, Field(max_length=255)]
ScopeOrNone = Annotated[str, Field(json_schema_extra={"enum": ["", *USER_SCOPES]})]


class AccessToken(Answer):
    """An access token for `Authorization: Bearer`."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105  # OAuth2's word
    expires_in: int = Field(description="Seconds", examples=[604800])


class Me(Answer):
    """Who you are and what you may do."""

    kind: str = Field(examples=["user"])
    id: int
    name: str
    scopes: list[str] = Field(examples=[["keyword:read", "self"]])


class PasswordChange(Request):
    """One's own password, old and new. Ends all sessions."""

    current: SecretStr = Field(max_length=128)
    new: SecretStr = Field(max_length=128)

    @model_validator(mode="after")
    def _refuse_the_same(self) -> PasswordChange:
        # Whoever was given a password shares it until he has another one.
        if self.new == self.current:
            raise ValueError("the new password is the present one")
        return self


class PasswordReset(Request):
    """A password for another user, who has to change it at the next login."""

    password: SecretStr = Field(max_length=128)


class UserCreate(Request):
    """A new user."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"username": "li.na", "password": "a-long-pass-phrase-7", "roles": ["operator"]}]}
    )
    username: Name
    password: SecretStr = Field(max_length=128)
    full_name: Line = Field("", max_length=100)
    email: Line = Field("", max_length=254, pattern=r"^$|^[^@\s]+@[^@\s]+$")
    roles: list[Name] = Field([], max_length=20)
    dept_id: RowId | None = None
    is_active: bool = True
    must_change_password: bool = True


class UserChange(Request):
    """What to change of a user; what is left out stays."""

    full_name: Line = Field("", max_length=100)
    email: Line = Field("", max_length=254, pattern=r"^$|^[^@\s]+@[^@\s]+$")
    roles: list[Name] = Field([], max_length=20)
    dept_id: RowId | None = None
    is_active: bool = True


class UserAnswer(Answer):
    """A user."""

    id: int
    username: str
    full_name: str
    email: str
    dept_id: int | None
    is_active: bool
    must_change_password: bool
    created_at: datetime
    last_login_at: datetime | None
    roles: list[str] = Field(default_factory=list)


class RoleCreate(Request):
    """A new role."""

    name: Name
    description: Description = ""
    scopes: list[Scope] = Field(max_length=100, examples=[["keyword:read", "keyword:write"]])


class RoleChange(Request):
    """What to change of a role; what is left out stays."""

    description: Description | None = None
    scopes: list[Scope] | None = Field(None, max_length=100)


class RoleAnswer(Answer):
    """A role and its rights."""

    id: int
    name: str
    description: str
    is_builtin: bool
    scopes: list[str] = Field(default_factory=list)


class ApiAnswer(Answer):
    """A route template and the right that opens it; an empty scope is a public route."""

    method: str = Field(examples=["GET"])
    path: str = Field(examples=["/api/v1/keyword/{keyword_id}"])
    scope: str = Field(examples=["keyword:read"])
    summary: str
    tag: str


class DeptCreate(Request):
    """A new department."""

    name: Words = Field(max_length=64, examples=["Research"])
    parent_id: RowId | None = None
    position: int = Field(0, ge=0, le=10_000)


class DeptChange(Request):
    """What to change of a department; what is left out stays."""

    name: Words = Field("-", max_length=64)
    parent_id: RowId | None = None
    position: int = Field(0, ge=0, le=10_000)


class DeptAnswer(Answer):
    """A department."""

    id: int
    parent_id: int | None
    name: str
    position: int


class MenuCreate(Request):
    """A new menu entry."""

    title: Words = Field(max_length=64)
    path: str = Field(max_length=190, pattern=r"^/[A-Za-z0-9/_-]*$", examples=["/keywords"])
    icon: str = Field("", max_length=64, pattern=r"^[a-z0-9-]*$")
    parent_id: RowId | None = None
    position: int = Field(0, ge=0, le=10_000)
    scope: ScopeOrNone = ""


class MenuChange(Request):
    """What to change of a menu entry; what is left out stays."""

    title: Words = Field("-", max_length=64)
    path: str = Field("/", max_length=190, pattern=r"^/[A-Za-z0-9/_-]*$")
    icon: str = Field("", max_length=64, pattern=r"^[a-z0-9-]*$")
    parent_id: RowId | None = None
    position: int = Field(0, ge=0, le=10_000)
    scope: ScopeOrNone = ""


class MenuAnswer(Answer):
    """A menu entry."""

    id: int
    parent_id: int | None
    title: str
    path: str
    icon: str
    position: int
    scope: str


class AuditAnswer(Answer):
    """One line of the audit log."""

    id: int
    at: datetime
    actor_kind: str
    actor_id: int | None
    actor_name: str
    action: str = Field(examples=["keyword.change"])
    object_kind: str
    object_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    ip: str
    request_id: str
