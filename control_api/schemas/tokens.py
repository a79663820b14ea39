"""Platform tokens, as messages. Only `BorrowedToken` holds a token."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from control_api.schemas.base import Answer, Line, Request
from jobschema import Platform, Verdict

TokenState = Literal["active", "resting", "limited", "invalid"]


def _check_secret(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not 8 <= len(text) <= 4096 or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("a token has 8 to 4096 printable ASCII characters and no spaces")
    return secret


TokenText = Annotated[SecretStr, AfterValidator(_check_secret), Field(json_schema_extra={"pattern": "^[!-~]{8,4096}$"})]


class TokenCreate(Request):
    """A new token."""

    platform: Platform = Platform.BOSS
    token: TokenText
    label: Line = Field("", max_length=64, examples=["account 7"])


class TokenItem(Request):
    """One token of an import."""

    token: TokenText
    label: Line = Field("", max_length=64)


class TokenImport(Request):
    """Many tokens at once."""

    platform: Platform = Platform.BOSS
    tokens: list[TokenItem] = Field(min_length=1, max_length=1000)


class TokenImportAnswer(Answer):
    """What became of an import."""

    added: int
    existing: list[int] = Field(description="Positions in the list, from 0, of tokens that were there already")


class TokenChange(Request):
    """What to change of a token; what is left out stays. `state` can only be set to active: that revives a token."""

    label: Line = Field("", max_length=64)
    is_enabled: bool = True
    state: Literal["active"] = "active"


class TokenAnswer(Answer):
    """A token, masked: of the token itself only its last four characters."""

    id: int
    platform: Platform
    label: str
    token: str = Field(examples=["***9f3c"])
    state: TokenState
    is_enabled: bool
    available_at: datetime = Field(description="When it may be lent; while it is lent or rests, the end of that")
    leased_by: int | None
    last_lent_at: datetime | None
    times_lent: int
    last_cause: str
    created_at: datetime


class BorrowedToken(Answer):
    """A token on loan to a node."""

    id: int
    name: str = Field(description="May be logged; the token may not", examples=["token-7"])
    token: str
    expires_at: datetime


class BorrowedTokens(Answer):
    """The tokens that the node may use now."""

    tokens: list[BorrowedToken]


class TokenReport(Request):
    """What a node says of a token that it holds."""

    said: Literal["returned", "resting", "limited", "invalid"]
    cause: Verdict | None = Field(None, description="The verdict behind it; needed for everything but `returned`")
    evidence: str = Field("", max_length=2000, description="What the platform answered; the token itself is removed from it")
    rest_seconds: int = Field(0, ge=0, le=7 * 24 * 3600)


class TokenEventAnswer(Answer):
    """Something that happened to a token."""

    id: int
    at: datetime
    kind: str
    cause: str
    evidence: str
    node_id: int | None
    user_name: str


class Supply(Answer):
    """How many tokens of a platform are in which place."""

    platform: Platform
    free: int
    lent: int
    resting: int
    limited: int
    invalid: int
    off: int
