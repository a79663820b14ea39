"""The platform's item as a JSON document that every store accepts and that holds no contact: RawJob.raw -> the `raw` column."""

from __future__ import annotations

import re
from typing import Any

import orjson

from jobspiders.normalise.contacts import mask_contacts

DEEPEST = 100  # levels; orjson itself ends at 254, and no platform nests ten
REPLACEMENT = "\ufffd"
NUL = b"\\u0000"  # as JSON spells it
_INT64 = range(-(2**63), 2**64)
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_PHONE_KEY = re.compile("phone|mobile|tel$", re.IGNORECASE)


def scrub(text: str) -> str:
    """`text` with NUL and lone surrogates, which no store accepts, as U+FFFD."""
    return _UNSTORABLE.sub(REPLACEMENT, text)


def is_storable(text: str) -> bool:
    """Whether every store accepts `text` as it is."""
    return _UNSTORABLE.search(text) is None


def dump(document: Any) -> bytes:
    """`document` as compact JSON in UTF-8. Whatever JSON or a store cannot hold is replaced, so this never raises for plain values."""
    try:
        data = orjson.dumps(document)
    except TypeError:
        data = NUL
    if NUL in data:
        data = orjson.dumps(_storable(document, 0))
    return data


def _storable(value: Any, depth: int) -> Any:
    """A copy that orjson can write."""
    if isinstance(value, str):
        return scrub(value)
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and value in _INT64):
        return value
    if depth == DEEPEST:
        return REPLACEMENT
    if isinstance(value, dict):
        return {scrub(str(key)): _storable(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item, depth + 1) for item in value]
    return scrub(str(value))


def mask_document(document: Any) -> Any:
    """A copy of `document` whose free texts hold no contact."""
    return _masked(document, "", 0)


def _masked(value: Any, key: str, depth: int) -> Any:
    if isinstance(value, str):
        return value if value.isascii() and _is_machine_text(value) else mask_contacts(value)
    if isinstance(value, int) and value > 10**9 and _PHONE_KEY.search(key):
        return mask_contacts(str(value))
    if depth > DEEPEST:
        return value
    if isinstance(value, dict):
        return {name: _masked(item, str(name), depth + 1) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item, key, depth + 1) for item in value]
    return value


def _is_machine_text(text: str) -> bool:
    """Whether ASCII `text` is an id, a code or an address of a page: one word, and not a whole phone number or e-mail address."""
    if " " in text or "\n" in text:
        return False
    if ":" in text or "@" in text:
        return "://" in text
    return not (10 <= len(text) <= 24 and text[0] in "0148+(")
