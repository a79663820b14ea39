"""The sandbox's own cryptography: what it issues (tokens, security ids) and what it checks (Boss's x-sign, 51job's sign)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

from sandbox.visits import Visit

SIGN_SECONDS = 60  # a Boss signature older or newer than this is stale
QCWY_SECONDS = 300
NONCES_KEPT = 200_000
_NONCE, _SEAL = 12, 64


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a client must know. Made from the seed unless given by options."""

    boss_tokens: tuple[str, ...]
    boss_sign_secret: str
    qcwy_sign_key: str
    zhilian_at: str
    zhilian_rt: str


def make_secret(seed: int, name: str, digits: int) -> str:
    """`digits` (64 at most) hex digits that depend on seed and name."""
    return hashlib.sha256(f"sandbox/{seed}/{name}".encode()).hexdigest()[:digits]


class SecurityIds:
    """Boss's securityId: 108 characters, another one in every answer, checked without remembering any."""

    def __init__(self, seed: int) -> None:
        self._key = hashlib.sha256(f"sandbox/{seed}/security-ids".encode()).digest()

    def issue(self, nonce: bytes, index: int) -> bytes:
        """The id of posting `index` in the answer that drew `nonce` (12 bytes)."""
        mask = self._hash(nonce, 4)
        number = (index ^ int.from_bytes(mask, "big")).to_bytes(4, "big")
        sealed = nonce + number + self._hash(nonce + number, _SEAL)
        return base64.urlsafe_b64encode(sealed).replace(b"=", b"~")

    def read(self, text: str) -> int | None:
        """The posting's index; None when this sandbox never issued it."""
        try:
            raw = base64.b64decode(text.replace("~", "="), altchars=b"-_", validate=True)
        except ValueError:
            return None
        if len(raw) != _NONCE + 4 + _SEAL or not hmac.compare_digest(self._hash(raw[: _NONCE + 4], _SEAL), raw[_NONCE + 4 :]):
            return None
        return int.from_bytes(raw[_NONCE : _NONCE + 4], "big") ^ int.from_bytes(self._hash(raw[:_NONCE], 4), "big")

    def _hash(self, data: bytes, size: int) -> bytes:
        return hashlib.blake2b(data, digest_size=size, key=self._key).digest()


def boss_signature(secret: str, visit: Visit, stamp: str, nonce: str) -> str:
    """hex HMAC-MD5 over METHOD, path, query string as sent, timestamp and nonce, one a line."""
    message = "\n".join((visit.method, visit.path, visit.query, stamp, nonce))
    return hmac.digest(secret.encode(), message.encode(), "md5").hex()


class SignatureChecker:
    """Checks Boss's optional x-sign headers and remembers nonces, so that a replay is seen."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._nonces: dict[str, float] = {}

    def clear(self) -> None:
        """Forget the nonces."""
        self._nonces.clear()

    def fault(self, visit: Visit) -> str:
        """What is wrong with the signature: sign_missing, sign_stale, sign_wrong, sign_replayed; "" when it is right."""
        sign, stamp, nonce = (visit.headers.get(name, "") for name in ("x-sign", "x-sign-time", "x-sign-nonce"))
        if not (sign and stamp and nonce):
            return "sign_missing"
        if not stamp.isascii() or not stamp.isdigit() or abs(visit.now - int(stamp) / 1000) > SIGN_SECONDS:
            return "sign_stale"
        if not hmac.compare_digest(boss_signature(self._secret, visit, stamp, nonce).encode(), sign.encode("utf-8", "replace")):
            return "sign_wrong"
        if nonce in self._nonces:
            return "sign_replayed"
        self._remember(nonce, visit.now)
        return ""

    def _remember(self, nonce: str, now: float) -> None:
        if len(self._nonces) >= NONCES_KEPT:
            self._nonces = {kept: seen for kept, seen in self._nonces.items() if now - seen < 2 * SIGN_SECONDS}
        self._nonces[nonce] = now


def qcwy_signature(key: str, visit: Visit) -> str:
    """hex HMAC-SHA256 over path, "?", the query exactly as sent, and the body of a POST. The key is the 64-character text itself."""
    message = f"{visit.path}?{visit.query}".encode() + (visit.body if visit.method == "POST" else b"")
    return hmac.digest(key.encode(), message, "sha256").hex()


def qcwy_sign_fault(key: str, visit: Visit) -> str:
    """What is wrong with 51job's sign header: sign_missing, sign_stale, sign_wrong; "" when it is right."""
    sign, stamp = visit.headers.get("sign", ""), visit.params.get("timestamp", "")
    if not sign:
        return "sign_missing"
    if not stamp.isascii() or not stamp.isdigit() or abs(visit.now - int(stamp)) > QCWY_SECONDS:
        return "sign_stale"
    if not hmac.compare_digest(qcwy_signature(key, visit).encode(), sign.encode("utf-8", "replace")):
        return "sign_wrong"
    return ""
