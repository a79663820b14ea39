"""The content hash: whether two versions of a posting or company say the same thing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from typing import Any

from jobschema.columns import columns

_EMPTY: tuple[object, ...] = (None, "", [])


@cache
def published_names(row: type) -> tuple[str, ...]:
    """Names of the columns that make the content hash: what the platform published, never ids, ranks or request times."""
    return tuple(column.name for column in columns(row) if column.published)


def said(row: type, values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The published columns of `values` that say something, in declaration order: what the hash is over.

    Columns at their empty value (None, "", []) do not count, so that a column added later changes no hash until it says something.
    """
    get = values.get
    return [(name, value) for name in published_names(row) if (value := get(name)) or value not in _EMPTY]


def digest(text: bytes) -> str:
    """32 hex digits over `said` as compact JSON in UTF-8. For callers that have a faster encoder of the same bytes."""
    return blake2b(text, digest_size=16).hexdigest()


def content_hash(row: type, values: Mapping[str, Any]) -> str:
    """Hash the published columns of `values` (column name -> value; a missing column counts as its absence): 32 hex digits."""
    text = json.dumps(said(row, values), ensure_ascii=False, separators=(",", ":"), default=str)
    return digest(text.encode("utf-8", "surrogatepass"))
