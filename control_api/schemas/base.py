"""The two bases of all messages, and the page of a list."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Item = TypeVar("Item")


class Request(BaseModel):
    """What a client sends: unknown fields are refused, so nothing is set that the schema does not name."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, allow_inf_nan=False)


class Answer(BaseModel):
    """What a client gets."""

    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[Item]):
    """A part of a list. Pass `next` as `cursor` to get the next part; null: there is none."""

    items: list[Item]
    next: int | None = Field(None, examples=[1200])


def _refuse_controls(text: str) -> str:
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Cf"} for letter in text):
        raise ValueError("control characters and invisible characters are not allowed")
    return text


Line = Annotated[str, AfterValidator(_refuse_controls)]  # one line of plain text
Name = Annotated[str, Field(min_length=2, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]*$")]
Cursor = Annotated[int | None, Field(ge=0, le=2**63 - 1, description="`next` of the part before")]
Limit = Annotated[int, Field(ge=1, le=500, description="How many at most")]
RowId = Annotated[int, Field(ge=1, le=2**31 - 1)]
BigId = Annotated[int, Field(ge=1, le=2**63 - 1)]
