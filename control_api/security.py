"""Secrets at work: password hashes, signed access tokens, node secrets, encryption of platform tokens. Pure but for randomness."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from jose import JWTError, jwt
from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError

from control_api.errors import Unavailable

ALGORITHM = "HS256"
NODE_PREFIX = "jn"
_HASHES_AT_A_TIME = threading.BoundedSemaphore(2)  # each takes 64 MiB: a flood of logins must not take the machine
_PASSWORDS = PasswordHash.recommended()
_NEEDED_CLAIMS = {f"require_{claim}": True for claim in ("exp", "sub", "jti", "aud", "iat")}
_COMMON = ("password", "qwerty", "letmein", "welcome", "iloveyou", "administrator", "123456", "abcdef", "jobspiders", "woaini", "admin123")


def hash_password(password: str) -> str:
    """The argon2id hash of a password; about a quarter of a second."""
    with _HASHES_AT_A_TIME:
        return _PASSWORDS.hash(password)


def matches_password(password: str, password_hash: str) -> bool:
    """Whether the password belongs to the hash. Takes the same time for an account that does not exist: pass DUMMY_HASH."""
    with _HASHES_AT_A_TIME:
        try:
            # A form may come with half a character, in an encoding of the sender's choice.
            return _PASSWORDS.verify(password.encode("utf-8", "surrogatepass"), password_hash)
        except PwdlibError:
            return False


# Nobody knows the password of this hash; it has the parameters of every other one, so looking at it takes as long.
DUMMY_HASH = "$argon2id$v=19$m=65536,t=3,p=4$putQfnPfTgLI9EzNNNHj3w$vCAkaRLF6Rj8hzzB72vzBbMLAAXBbUYjZaeCd7yPEno"


def find_password_fault(password: str, username: str, min_length: int) -> str:
    """Which rule a new password breaks, in words; empty when none."""
    lowered = password.lower()
    if len(password) < min_length:
        return f"is shorter than {min_length} characters"
    if len(password) > 128:
        return "is longer than 128 characters"
    if len(set(lowered)) < 6:
        return "has fewer than 6 different characters"
    if len(username) >= 3 and username.lower() in lowered:
        return "contains the user name"
    stripped = lowered
    for word in _COMMON:
        stripped = stripped.replace(word, "")
    if len(stripped) < min_length // 2:
        return "is built around a common password"
    return ""


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """Signs and reads access tokens: HS256 and nothing else."""

    key: str
    audience: str

    def sign(self, *, subject: str, jti: str, issued_at: datetime, expires_at: datetime) -> str:
        """A signed token that names a user and a session."""
        claims = {"sub": subject, "jti": jti, "aud": self.audience, "iat": int(issued_at.timestamp()), "exp": int(expires_at.timestamp())}
        return str(jwt.encode(claims, self.key, algorithm=ALGORITHM))

    def read(self, token: str) -> dict[str, Any] | None:
        """The claims of a token that is ours, complete and not expired; None for every other text."""
        try:
            claims = jwt.decode(token, self.key, algorithms=[ALGORITHM], audience=self.audience, options=_NEEDED_CLAIMS)
        except (JWTError, ValueError, TypeError, KeyError, RecursionError):
            return None
        return claims if isinstance(claims.get("sub"), str) and isinstance(claims.get("jti"), str) else None


@dataclass(frozen=True, slots=True)
class NodeSecret:
    """What a node presents: `jn_<public id>_<secret>`. The public half finds the row, the hash of the whole proves it."""

    public_id: str
    text: str

    @property
    def hash(self) -> str:
        """What is stored. A plain digest is enough: 256 random bits cannot be guessed."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def make_node_secret() -> NodeSecret:
    """A new secret; shown once, never stored."""
    public_id = secrets.token_hex(6)
    return NodeSecret(public_id, f"{NODE_PREFIX}_{public_id}_{secrets.token_hex(32)}")


def read_node_secret(text: str) -> NodeSecret | None:
    """The secret in a header's text; None when it does not have the shape of one."""
    parts = text.split("_")
    if len(parts) != 3 or parts[0] != NODE_PREFIX or len(parts[1]) != 12 or len(parts[2]) != 64 or not text.isascii():
        return None
    return NodeSecret(parts[1], text)


def is_same(one: str, other: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def make_jti() -> str:
    """A new session's id."""
    return secrets.token_hex(16)


class TokenCipher:
    """Encrypts platform tokens with the first key, decrypts with any; fingerprints tell duplicates without decrypting."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = list(keys)
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def encrypt(self, token: str) -> str:
        """The token as it is stored."""
        return self._fernet.encrypt(token.encode()).decode()

    def decrypt(self, ciphertext: str) -> str:
        """The token. Raises Unavailable when no key fits."""
        try:
            return self._fernet.decrypt(ciphertext.encode()).decode()
        except InvalidToken:
            raise Unavailable(
                "None of CONTROL_TOKEN_KEYS decrypts a token that is needed; add the key that it was stored with.", retry_after=300
            ) from None

    def knows(self, ciphertext: str) -> bool:
        """Whether a key fits."""
        try:
            self.decrypt(ciphertext)
        except Unavailable:
            return False
        return True

    def fingerprint(self, token: str) -> str:
        """The fingerprint under the first key."""
        return _fingerprint(self._keys[0], token)

    def fingerprints(self, token: str) -> list[str]:
        """The fingerprints under every key: a duplicate is found before and after a rotation."""
        return [_fingerprint(key, token) for key in self._keys]


def _fingerprint(key: str, token: str) -> str:
    return hmac.new(b"fingerprint:" + key.encode(), token.encode(), hashlib.sha256).hexdigest()
