"""Forged tokens, password rules, node secrets, encryption: pure functions, no database."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from jose import jwt

from control_api.errors import Unavailable
from control_api.security import (
    DUMMY_HASH,
    TokenCipher,
    TokenSigner,
    find_password_fault,
    hash_password,
    is_same,
    make_node_secret,
    matches_password,
    read_node_secret,
)

KEY = "p4Vt9-nWz7Lq2XsR6mYc1BdK8fHj3GuA0eTi5oQ"
SIGNER = TokenSigner(KEY, "jobspiders-control")
NOW = datetime.now(UTC)
RSA = rsa.generate_private_key(65537, 2048)
RSA_PEM = RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
CLAIMS: dict[str, Any] = {
    "sub": "1",
    "jti": "a" * 32,
    "aud": "jobspiders-control",
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 3600,
}


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _by_hand(header: dict[str, Any], claims: dict[str, Any], key: bytes = KEY.encode(), digest: str = "sha256") -> str:
    signed = f"{_part(header)}.{_part(claims)}"
    mac = hmac.new(key, signed.encode(), digest).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _without(name: str) -> str:
    return jwt.encode({key: value for key, value in CLAIMS.items() if key != name}, KEY, algorithm="HS256")


def test_token_of_ours_is_read() -> None:
    token = SIGNER.sign(subject="7", jti="b" * 32, issued_at=NOW, expires_at=NOW + timedelta(days=7))
    claims = SIGNER.read(token)
    assert claims is not None
    assert (claims["sub"], claims["jti"]) == ("7", "b" * 32)
    assert claims["exp"] - claims["iat"] == 7 * 24 * 3600


PUBLIC = RSA.public_key()
FORGERIES = {
    "alg none": f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(CLAIMS)}.",
    "alg None": f"{_part({'alg': 'None'})}.{_part(CLAIMS)}.",
    "alg empty": _by_hand({"alg": ""}, CLAIMS),
    "no alg": _by_hand({"typ": "JWT"}, CLAIMS),
    "alg of another kind": _by_hand({"alg": ["HS256"]}, CLAIMS),
    "HS384 with our key": jwt.encode(CLAIMS, KEY, algorithm="HS384"),
    "HS512 with our key": jwt.encode(CLAIMS, KEY, algorithm="HS512"),
    "RS256": jwt.encode(CLAIMS, RSA_PEM, algorithm="RS256"),
    "HS256 with a public PEM": _by_hand({"alg": "HS256"}, CLAIMS, PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)),
    "HS256 with a public DER": _by_hand({"alg": "HS256"}, CLAIMS, PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
    "HS256 with another key": jwt.encode(CLAIMS, "another-key" * 4, algorithm="HS256"),
    "HS256 with an empty key": _by_hand({"alg": "HS256"}, CLAIMS, b""),
    "key in the header": _by_hand({"alg": "HS256", "jwk": {"kty": "oct", "k": "eA"}}, CLAIMS, b"x"),
    "key id that is a path": _by_hand({"alg": "HS256", "kid": "../../dev/null"}, CLAIMS, b""),
    "expired": jwt.encode({**CLAIMS, "exp": int(NOW.timestamp()) - 1}, KEY, algorithm="HS256"),
    "exp of another kind": _by_hand({"alg": "HS256"}, {**CLAIMS, "exp": "never"}),
    "not valid yet": jwt.encode({**CLAIMS, "nbf": int(NOW.timestamp()) + 3600}, KEY, algorithm="HS256"),
    "no exp": _without("exp"),
    "no sub": _without("sub"),
    "no jti": _without("jti"),
    "no aud": _without("aud"),
    "no iat": _without("iat"),
    "another aud": jwt.encode({**CLAIMS, "aud": "somebody-else"}, KEY, algorithm="HS256"),
    "sub a number": _by_hand({"alg": "HS256"}, {**CLAIMS, "sub": 1}),
    "jti a list": _by_hand({"alg": "HS256"}, {**CLAIMS, "jti": ["a"]}),
    "claims a list": _by_hand({"alg": "HS256"}, [1, 2]),  # type: ignore[arg-type]
    "one part": "abc",
    "empty": "",
    "five parts": "a.b.c.d.e",
    "dev": "dev",
    "deep": f"{_part({'alg': 'HS256'})}.{base64.urlsafe_b64encode(b'[' * 50_000).decode()}.x",
}


@pytest.mark.parametrize("token", FORGERIES.values(), ids=FORGERIES)
def test_token_forged_is_not_read(token: str) -> None:
    assert SIGNER.read(token) is None


def test_forgeries_would_pass_when_nothing_were_wrong_with_them() -> None:
    assert SIGNER.read(_by_hand({"alg": "HS256"}, CLAIMS)) is not None


@given(st.text(max_size=200))
def test_text_that_is_no_token_is_not_read(text: str) -> None:
    assert SIGNER.read(text) is None
    assert read_node_secret(text) is None


@given(st.integers(0, 200), st.integers(0, 255))
def test_token_changed_in_one_place_is_not_read(place: int, value: int) -> None:
    token = bytearray(_by_hand({"alg": "HS256"}, CLAIMS).encode())
    place %= len(token) - 1  # the last character of base64 has bits that do not count
    if token[place] != value:
        token[place] = value
        assert SIGNER.read(token.decode("latin-1")) is None


def test_password_hashed_is_argon2id_and_matches_itself_alone() -> None:
    hashed = hash_password("correct-horse-battery-9")
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert matches_password("correct-horse-battery-9", hashed)
    assert not matches_password("correct-horse-battery-8", hashed)
    assert not matches_password("x", "not a hash")


def test_dummy_hash_costs_what_every_hash_costs() -> None:
    assert DUMMY_HASH.rsplit("$", 2)[0] == hash_password("whatever-it-is").rsplit("$", 2)[0]
    assert not matches_password("", DUMMY_HASH)


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("short-1", "shorter than 12"),
        ("x" * 129, "longer than 128"),
        ("aaaaaaaaaaaaaaaa", "fewer than 6"),
        ("123456123456123456", "common"),
        ("Li.Na-and-a-tail-9", "contains the user name"),
        ("Password123456!", "common"),
        ("correct-horse-battery-9", ""),
        ("数据分析师的长口令很难猜到", ""),
    ],
)
def test_password_rule_broken_is_named(password: str, fault: str) -> None:
    found = find_password_fault(password, "li.na", 12)
    assert fault in found
    assert bool(found) == bool(fault)
    assert password not in found


def test_node_secret_made_is_read_back_and_stored_as_a_hash() -> None:
    secret = make_node_secret()
    read = read_node_secret(secret.text)
    assert read is not None
    assert (read.public_id, read.hash) == (secret.public_id, secret.hash)
    assert secret.hash == hashlib.sha256(secret.text.encode()).hexdigest()
    assert make_node_secret().text != secret.text
    assert is_same(read.hash, secret.hash)


@pytest.mark.parametrize("text", ["dev", "", "jn_", "jn_abc_def", "jn_" + "a" * 12 + "_" + "b" * 63, "xx_" + "a" * 12 + "_" + "b" * 64])
def test_node_secret_of_another_shape_is_not_read(text: str) -> None:
    assert read_node_secret(text) is None


def test_cipher_with_new_key_first_reads_old_and_writes_new() -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    stored = TokenCipher([old]).encrypt("planted-token")
    both = TokenCipher([new, old])
    assert "planted" not in stored
    assert both.decrypt(stored) == "planted-token"
    assert TokenCipher([new]).decrypt(both.encrypt("planted-token")) == "planted-token"
    assert TokenCipher([old]).fingerprint("planted-token") in both.fingerprints("planted-token")
    with pytest.raises(Unavailable, match="CONTROL_TOKEN_KEYS") as caught:
        TokenCipher([new]).decrypt(stored)
    assert "planted" not in str(caught.value)
