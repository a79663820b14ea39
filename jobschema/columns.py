"""What a row's field is as a column: read from the dataclass in `rows.py`, used to build DDL, rows and docs."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from functools import cache
from typing import Any


class Kind(StrEnum):
    """The logical type of a column; each store maps it to its own type in one place."""

    TEXT = "text"  # short text, `length` characters at most in MySQL
    LONG_TEXT = "long_text"  # unbounded text
    INTEGER = "integer"
    NUMBER = "number"  # double precision
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"  # aware, UTC, microseconds
    TEXTS = "texts"  # a list of short texts
    ENUM = "enum"  # one of `choices`
    JSON = "json"  # a JSON document as text


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a row.

    `key` is true for the columns that identify the thing (platform + id). `published` is true when the value is what the
    platform published about the thing itself: exactly these make the content hash.
    """

    name: str
    kind: Kind
    doc: str
    nullable: bool = False
    key: bool = False
    published: bool = True
    length: int = 255
    choices: tuple[str, ...] = ()


def column(
    kind: Kind,
    doc: str,
    *,
    default: Any = MISSING,
    key: bool = False,
    published: bool = True,
    length: int = 255,
    choices: type[StrEnum] | None = None,
) -> Any:
    """Declare a dataclass field that is a column; a default of None makes it nullable."""
    made = Column(
        name="",
        kind=kind,
        doc=doc,
        nullable=default is None,
        key=key,
        published=published and not key,
        length=length,
        choices=tuple(choices) if choices else (),
    )
    if default is not MISSING and isinstance(default, list | tuple):
        return field(default_factory=list, metadata={"column": made})
    return field(default=default, metadata={"column": made})


@cache
def columns(row: type) -> tuple[Column, ...]:
    """The columns of a row class (`Job`, `Company`, `PendingCompany`), in declaration order."""
    found = []
    for declared in fields(row):
        hint: Column = declared.metadata["column"]
        found.append(
            Column(
                name=declared.name,
                kind=hint.kind,
                doc=hint.doc,
                nullable=hint.nullable,
                key=hint.key,
                published=hint.published,
                length=hint.length,
                choices=hint.choices,
            )
        )
    return tuple(found)
