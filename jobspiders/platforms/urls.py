"""Addresses as they go over the wire: percent-encoded once, in ASCII, so that the bytes signed are the bytes sent.

Every reserved character is encoded, so Scrapy (w3lib's `safe_url_string`) finds nothing to encode again.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

Pairs = Iterable[tuple[str, str]]


def percent_encoded(text: str) -> str:
    """`text` with everything but letters, digits and `_.-~` as %XX of its UTF-8 bytes."""
    return quote(text, safe="", errors="replace")


def query_string(pairs: Pairs) -> str:
    """Pairs in their order, as `name=value&name=value`."""
    return "&".join(f"{percent_encoded(name)}={percent_encoded(value)}" for name, value in pairs)


def with_pairs(url: str, *, before: Pairs = (), after: Pairs = ()) -> str:
    """`url` with more parameters in front of and behind its own, which keep their bytes."""
    base, _, query = url.partition("?")
    parts = (query_string(before), query, query_string(after))
    return f"{base}?{'&'.join(part for part in parts if part)}"


def with_value(url: str, name: str, value: str) -> str:
    """`url` with the value of its parameter `name` replaced; unchanged when it has no such parameter."""
    base, _, query = url.partition("?")
    start = f"{name}="
    parts = [start + percent_encoded(value) if part.startswith(start) else part for part in query.split("&")]
    return f"{base}?{'&'.join(parts)}"


def path_and_query(url: str) -> str:
    """Everything behind the host: `/path?query`."""
    behind_scheme = url.partition("://")[2]
    return "/" + behind_scheme.partition("/")[2]


def without_tracking(url: str) -> str:
    """A page's address without query and fragment; `//host/path` becomes https. Blank in, blank out."""
    plain = url.partition("?")[0].partition("#")[0].strip()
    return f"https:{plain}" if plain.startswith("//") else plain


def joined(base_url: str, path: str) -> str:
    """A platform's base address and an absolute path."""
    return base_url.rstrip("/") + path
