"""The two bases of all messages, and the page of a list."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

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


def _check_moment(value: datetime) -> datetime:
    if not 1970 <= value.year < 2200:
        raise ValueError("a moment between 1970 and 2199")
    return value


Moment = Annotated[AwareDatetime, AfterValidator(_check_moment)]  # what every store can hold, in any time zone
# Control characters, and characters that nobody sees or that turn the text around.
_HIDDEN = r"\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"
Line = Annotated[str, Field(pattern=f"^[^{_HIDDEN}]*$")]  # one line of plain text, or nothing
Words = Annotated[str, Field(pattern=f"^[^{_HIDDEN}]*[^\\s{_HIDDEN}][^{_HIDDEN}]*$")]  # one line with something in it
Name = Annotated[str, Field(min_length=2, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]*$")]
Cursor = Annotated[int | None, Field(ge=0, le=2**63 - 1, description="`next` of the part before")]
Limit = Annotated[int, Field(ge=1, le=500, description="How many at most")]
RowId = Annotated[int, Field(ge=1, le=2**31 - 1)]
BigId = Annotated[int, Field(ge=1, le=2**63 - 1)]
