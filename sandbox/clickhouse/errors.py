"""Refusals with ClickHouse's own numbers: what the engine or the door says, and the HTTP status a server sends with it."""

from __future__ import annotations

import re

READONLY = 164
AUTHENTICATION_FAILED = 516
NOT_IMPLEMENTED = 48
SYNTAX_ERROR = 62
SESSION_NOT_FOUND = 372
SESSION_IS_LOCKED = 373
CANNOT_DECOMPRESS = 271
TOO_LARGE = 223

_UNNAMED = 1002  # UNKNOWN_EXCEPTION
_CODE = re.compile(r"Code: (\d+)\. ")
# As src/Server/HTTP/exceptionCodeToHTTPStatus.cpp maps them; 500 for the rest.
_STATUSES: dict[int, frozenset[int]] = {
    400: frozenset(
        {6, 25, 26, 27, 28, 33, 34, 36, 38, 41, 42, 43, 53, 62, 70, 72, 117, 130, 131, 167, 168, 271, 321, 376, 441, 467, 675, 676}
    ),
    401: frozenset({194}),
    403: frozenset({192, 193, 512, 516}),
    404: frozenset({46, 47, 50, 56, 57, 60, 63, 73, 78, 81, 115, 279, 336, 372}),
    408: frozenset({159}),
    413: frozenset({223}),
    501: frozenset({48}),
    503: frozenset({76, 209, 439}),
}


class EngineRefusedError(Exception):
    """A statement or request was refused; `code` is ClickHouse's number for it."""

    def __init__(self, text: str, code: int | None = None) -> None:
        found = _CODE.search(text)
        self.code = code or (int(found.group(1)) if found else _UNNAMED)
        start = found.start() if found else 0
        self.text = text[start:] if found else f"Code: {self.code}. DB::Exception: {text}"
        super().__init__(self.text)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return next((status for status, codes in _STATUSES.items() if self.code in codes), 500)
