"""Item JSON serialised once, with holes for what differs per response (a request id, a rank, a security id)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson

_HOLE = re.compile(b"\xef\xa3\xb0(.)\xef\xa3\xb1")


def hole(letter: str) -> str:
    """A mark that `Pieces` turns into a hole named by one ASCII letter. Private-use characters, so that no text holds it by chance."""
    return f"\uf8f0{letter}\uf8f1"


def quoted(text: str) -> str:
    """The text url-encoded, its holes left open."""
    return quote(text).replace("%EF%A3%B0", "\uf8f0").replace("%EF%A3%B1", "\uf8f1")


class Pieces:
    """The bytes of one JSON value, cut at its holes."""

    __slots__ = ("holes", "parts")

    def __init__(self, value: Any) -> None:
        cut = _HOLE.split(orjson.dumps(value))
        self.parts: list[bytes] = cut[0::2]
        self.holes: list[bytes] = cut[1::2]

    def fill(self, values: Mapping[bytes, bytes]) -> bytes:
        """The whole JSON text with every hole filled. The values must be JSON-escaped already."""
        if not self.holes:
            return self.parts[0]
        woven: list[bytes] = [b""] * (2 * len(self.parts) - 1)
        woven[0::2] = self.parts
        woven[1::2] = [values[name] for name in self.holes]
        return b"".join(woven)
