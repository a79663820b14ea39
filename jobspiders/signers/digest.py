"""Digest recipes of bytes, lower-case hex out: what a platform's `sign` calls when the algorithm is known (no JavaScript needed).

Pure functions of bytes, 1-4 us a call. The caller decides which bytes are signed (for qcwy: path + "?" + query + body exactly as sent).
"""

from __future__ import annotations

import hashlib
import hmac


def hmac_sha256_hex(key: bytes, message: bytes) -> str:
    """HMAC-SHA256 as 64 lower-case hex digits."""
    return hmac.digest(key, message, "sha256").hex()


def hmac_sha1_hex(key: bytes, message: bytes) -> str:
    """HMAC-SHA1 as 40 lower-case hex digits."""
    return hmac.digest(key, message, "sha1").hex()


def hmac_md5_hex(key: bytes, message: bytes) -> str:
    """HMAC-MD5 as 32 lower-case hex digits."""
    return hmac.digest(key, message, "md5").hex()


def md5_hex(message: bytes) -> str:
    """MD5 as 32 lower-case hex digits. For platforms that ask for it, never for security of our own."""
    return hashlib.md5(message, usedforsecurity=False).hexdigest()


def sha256_hex(message: bytes) -> str:
    """SHA-256 as 64 lower-case hex digits."""
    return hashlib.sha256(message).hexdigest()


def is_same_digest(left: str, right: str) -> bool:
    """Whether two hex digests agree, letter case aside, in constant time."""
    return hmac.compare_digest(left.lower().encode(), right.lower().encode())
