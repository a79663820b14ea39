"""Row digests in SQL: 64 bits of MD5 over a row's canonical text, so that two stores can be compared without moving their rows.

MySQL and ClickHouse compute them by themselves; SQLite is taught to. A digest that differs only means that the rows must be looked at.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

from jobschema.columns import Column, Kind

SEPARATOR = "\x1f"
ABSENT = "\x1e"  # stands for NULL
UNSIGNED = (1 << 64) - 1


def digest_text(text: str) -> int:
    """The first 8 bytes of the MD5, as an unsigned number."""
    return int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest()[:8], "big")


def scale_of(column: Column) -> int:
    """What a fraction is multiplied by before it is rounded: engines print fractions differently, and whole numbers alike."""
    return 1_000_000 if column.name in {"longitude", "latitude"} else 100


def scale_up(value: float | None, scale: int) -> int | None:
    """A fraction as a whole number, rounded half up."""
    return None if value is None else math.floor(value * scale + 0.5)


def row_digest_sql(columns: Sequence[Column], *, is_sqlite: bool) -> str:
    """An SQL expression: the digest of a row over these columns."""
    parts = [_canonical_sql(column, is_sqlite=is_sqlite) for column in columns]
    if is_sqlite:
        return f"row_digest({', '.join(parts)})"
    text = ", ".join(f"IFNULL({part}, CHAR(30))" for part in parts)
    return f"CAST(CONV(LEFT(MD5(CONCAT_WS(CHAR(31), {text})), 16), 16, 10) AS UNSIGNED)"


def bucket_sql(name: str, buckets: int, *, is_sqlite: bool) -> str:
    """An SQL expression: the bucket of an id, below `buckets`: the first 16 bits of its MD5."""
    if is_sqlite:
        return f"bucket_of(`{name}`) % {buckets}"
    return f"MOD(CAST(CONV(LEFT(MD5(`{name}`), 4), 16, 10) AS UNSIGNED), {buckets})"


def _canonical_sql(column: Column, *, is_sqlite: bool) -> str:
    if column.kind is not Kind.NUMBER:
        return f"`{column.name}`"
    scale = scale_of(column)
    return f"scale_up(`{column.name}`, {scale})" if is_sqlite else f"CAST(FLOOR(`{column.name}` * {scale} + 0.5) AS SIGNED)"


def register_digests(connection: Any) -> None:
    """Teach a SQLite connection `row_digest`, `bucket_of`, `scale_up` and `BIT_XOR`; numbers are signed there."""
    connection.create_function("row_digest", -1, _row_digest, deterministic=True)
    connection.create_function("bucket_of", 1, _bucket_of, deterministic=True)
    connection.create_function("scale_up", 2, scale_up, deterministic=True)
    connection.create_aggregate("BIT_XOR", 1, _BitXor)


def _row_digest(*values: Any) -> int:
    return _signed(digest_text(SEPARATOR.join(ABSENT if value is None else str(value) for value in values)))


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
