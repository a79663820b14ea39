"""Takes secrets out of what a script said before it becomes an error message. Pure; costs nothing unless a call failed."""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any
from urllib.parse import quote

REDACTED = "<redacted>"
# What looks like a digest, a token or a key: long and unbroken, and not words joined by dots or dashes.
_TOKEN = re.compile(r"[A-Za-z0-9+/=_%~.-]{16,}")
_WORDS = re.compile(r"[A-Za-z]{1,24}([._-][A-Za-z]{1,24})*[.]?")
_PIECE = 6  # characters: so much of a secret is hidden even when the rest of it is cut off
_SHORTEST = 3  # shorter secrets would only mangle the message


def redacted(text: str, secrets: Iterable[str], longest: int = 300) -> str:
    """`text` on one line, at most `longest` characters, without any of `secrets`, also encoded or in part, and without anything
    that looks like a token or a digest."""
    text = _without_pieces(text, (form for secret in secrets for form in _forms(secret)))
    text = _TOKEN.sub(lambda found: found.group() if _WORDS.fullmatch(found.group()) else REDACTED, text)
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} characters)"


def request_secrets(request: Mapping[str, Any]) -> list[str]:
    """What of a signing request must not be told: the secret, every header's value, every value in its query and body."""
    headers = request.get("headers")
    found = [request.get("secret"), *(headers.values() if isinstance(headers, Mapping) else ())]
    for part in (request.get("query"), request.get("body")):
        if isinstance(part, str):
            found += re.findall(r"[^\s&=?\"',:;{}\[\]]{6,}", part)
    return [value for value in found if isinstance(value, str) and value]


def _without_pieces(text: str, forms: Iterable[str]) -> str:
    pieces: defaultdict[int, set[str]] = defaultdict(set)
    for form in forms:
        size = min(len(form), _PIECE)
        pieces[size].update(form[start : start + size] for start in range(len(form) - size + 1))
    lowered = "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in text)
    hidden = [False] * len(text)
    for size, known in pieces.items():
        for start in range(len(text) - size + 1):
            if lowered[start : start + size] in known:
                hidden[start : start + size] = [True] * size
    runs = groupby(zip(text, hidden, strict=True), key=lambda pair: pair[1])
    return "".join(REDACTED if is_hidden else "".join(letter for letter, _ in run) for is_hidden, run in runs)


def _forms(secret: str) -> Iterator[str]:
    """The ways in which a script could print a secret, in lower case."""
    raw = secret.encode("utf-8", "surrogatepass")
    encoded = (json.dumps(secret)[1:-1], quote(raw, safe=""), raw.hex(), base64.b64encode(raw).decode())
    return (form.strip().lower() for form in (secret, secret[::-1], *encoded) if len(form.strip()) >= _SHORTEST)
