"""Row digests in SQL: 64 bits of MD5 over a row's canonical text, so that two stores can be compared without moving their rows.

MySQL and ClickHouse compute them by themselves; SQLite is taught to. A digest that differs only means that the rows must be looked at.
"""

from __future__ import annotations

import hashlib
from typing import Any

SEPARATOR = "\x1f"
ABSENT = "\x1e"  # stands for NULL


def digest_text(text: str) -> int:
    """The first 8 bytes of the MD5, as an unsigned number."""
    return int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest()[:8], "big")


def canonical(value: Any) -> str:
    """One value as text, the way the servers write it."""
    if value is None:
        return ABSENT
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def row_digest_sql(names: tuple[str, ...], *, is_sqlite: bool) -> str:
    """An SQL expression: the digest of a row over these columns."""
    if is_sqlite:
        return f"row_digest({', '.join(f'`{name}`' for name in names)})"
    parts = ", ".join(f"IFNULL(`{name}`, CHAR(30))" for name in names)
    return f"CAST(CONV(LEFT(MD5(CONCAT_WS(CHAR(31), {parts})), 16), 16, 10) AS UNSIGNED)"


def bucket_sql(name: str, *, is_sqlite: bool) -> str:
    """An SQL expression: the first 16 bits of the MD5 of an id, 0 to 65535."""
    if is_sqlite:
        return f"bucket_of(`{name}`)"
    return f"CAST(CONV(LEFT(MD5(`{name}`), 4), 16, 10) AS UNSIGNED)"


def register_digests(connection: Any) -> None:
    """Teach a SQLite connection `row_digest`, `bucket_of` and `BIT_XOR`; numbers are signed there."""
    connection.create_function("row_digest", -1, _row_digest, deterministic=True)
    connection.create_function("bucket_of", 1, _bucket_of, deterministic=True)
    connection.create_aggregate("BIT_XOR", 1, _BitXor)


def _row_digest(*values: Any) -> int:
    return _signed(digest_text(SEPARATOR.join(map(canonical, values))))


def _bucket_of(row_id: str) -> int:
    return digest_text(row_id) >> 48


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


class _BitXor:
    """The aggregate that MySQL has and SQLite lacks."""

    def __init__(self) -> None:
        self.sum = 0

    def step(self, number: int) -> None:
        self.sum ^= number

    def finalize(self) -> int:
        return self.sum
