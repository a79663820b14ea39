"""Addresses as they go over the wire: percent-encoded once, in ASCII, so that the bytes signed are the bytes sent.

Every reserved character is encoded, so Scrapy (w3lib's `safe_url_string`) finds nothing to encode again.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, urlsplit

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


def without_pairs(url: str, names: frozenset[str]) -> str:
    """`url` without its parameters of these names; the others keep their bytes."""
    base, mark, query = url.partition("?")
    parts = [part for part in query.split("&") if part.partition("=")[0] not in names]
    return f"{base}{mark}{'&'.join(parts)}"


def parameters(url: str) -> dict[str, str]:
    """The query of `url`, decoded; of a repeated name the last one."""
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def path_below(url: str, base_url: str) -> str:
    """The path of `url` below a platform's base address; blank when it belongs to another one."""
    address = url.partition("#")[0].partition("?")[0]
    base = base_url.rstrip("/")
    return address.removeprefix(base) if address.startswith(f"{base}/") else ""


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
