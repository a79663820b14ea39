"""What goes into an operator's script and what must come out of it: both checked. Pure; in the middle of ScriptSigner."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

TEXT_FIELDS = ("method", "url", "path", "query", "body", "nonce", "secret")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # control characters, CR and LF among them; a tab is allowed
# What a script is tried with before the first real request, unless its caller gives something nearer to the real thing.
SAMPLE_REQUEST: Mapping[str, Any] = {
    "method": "GET",
    "url": "https://example.org/search?query=python&page=1",
    "path": "/search",
    "query": "query=python&page=1",
    "body": "",
    "headers": {"user-agent": "sample"},
    "timestamp": 1_700_000_000_000,
    "nonce": "sample-nonce",
    "secret": "sample-secret",
}


@dataclass(frozen=True, slots=True)
class ScriptSignature:
    """What a script adds to a request. The values are secrets: no repr shows them."""

    headers: dict[str, str] = field(default_factory=dict, repr=False)
    params: dict[str, str] = field(default_factory=dict, repr=False)


def signing_request(
    method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None, *, timestamp: int, nonce: str, secret: str = ""
) -> dict[str, Any]:
    """The mapping that `ScriptSigner.sign` takes, with `path` and `query` cut out of `url` exactly as they are sent. `timestamp`
    is unix milliseconds; `body` must be UTF-8 text (UnicodeDecodeError)."""
    parts = urlsplit(url)
    return {
        "method": method,
        "url": url,
        "path": parts.path or "/",
        "query": parts.query,
        "body": body.decode(),
        "headers": dict(headers or {}),
        "timestamp": timestamp,
        "nonce": nonce,
        "secret": secret,
    }


def check_request(request: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `request` that can be passed to a script; TypeError names the field that is not as documented, never its value."""
    values = {name: request.get(name, "") for name in TEXT_FIELDS}
    wrong = [f"{name} is {type(value).__name__}, not str" for name, value in values.items() if not isinstance(value, str)]
    headers, timestamp = request.get("headers", {}), request.get("timestamp", 0)
    if not isinstance(timestamp, int):
        wrong.append(f"timestamp is {type(timestamp).__name__}, not int (unix milliseconds)")
    if not isinstance(headers, Mapping) or not all(isinstance(part, str) for pair in headers.items() for part in pair):
        wrong.append("headers is not a mapping of str to str")
    if wrong:
        raise TypeError(f"a signing request must be made of plain text ({'; '.join(wrong)}); signing_request() makes one")
    return {**values, "headers": dict(headers), "timestamp": timestamp}


def read_signature(answer: Any) -> ScriptSignature:
    """The script's answer as a signature; ValueError says what is wrong with it, without any value of it."""
    if not isinstance(answer, dict):
        raise ValueError(f"it answered {_kind(answer)}, not an object")
    unknown = sorted(set(answer) - {"headers", "params"})
    if unknown:
        raise ValueError(f"its answer has unknown fields {', '.join(_named(name) for name in unknown[:5])}")
    headers, params = (_text_fields(answer, part) for part in ("headers", "params"))
    for name in headers:
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"its answer has a header whose name is no header name: {_named(name)}")
    return ScriptSignature(headers, params)


def _text_fields(answer: dict[str, Any], part: str) -> dict[str, str]:
    fields = answer.get(part, {})
    if not isinstance(fields, dict):
        raise ValueError(f"{part} of its answer is {_kind(fields)}, not an object")
    for name, value in fields.items():
        if not name:
            raise ValueError(f"{part} of its answer has an empty name")
        if not isinstance(value, str):
            raise ValueError(f"{part}[{_named(name)}] of its answer is {_kind(value)}, not a string")
        if _FORBIDDEN.search(value):
            raise ValueError(f"{part}[{_named(name)}] of its answer holds a control character (a line break, perhaps)")
    return fields


def _named(name: str) -> str:
    return repr(name) if len(name) <= 40 else f"{name[:40]!r}..."


def _kind(value: Any) -> str:
    """A JSON value's type in JavaScript's words."""
    if value is None:
        return "null or undefined"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "an array", dict: "an object"}
    return names[type(value)]
