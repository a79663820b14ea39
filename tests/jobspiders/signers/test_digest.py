"""Digest recipes against published vectors and against hashlib."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobspiders.signers import digest

RFC_KEY, RFC_TEXT = b"Jefe", b"what do ya want for nothing?"


@pytest.mark.parametrize(
    ("recipe", "hex_digest"),
    [
        (digest.hmac_sha256_hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),  # RFC 4231 case 2
        (digest.hmac_md5_hex, "750c783e6ab0b503eaa86e310a5db738"),  # RFC 2202 case 2
        (digest.hmac_sha1_hex, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
    ],
)
def test_hmac_recipe_on_published_vector_agrees(recipe, hex_digest):
    assert recipe(RFC_KEY, RFC_TEXT) == hex_digest


@pytest.mark.parametrize(
    ("recipe", "hex_digest"),
    [
        (digest.md5_hex, "900150983cd24fb0d6963f7d28e17f72"),
        (digest.sha256_hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ],
)
def test_digest_recipe_of_abc_agrees(recipe, hex_digest):
    assert recipe(b"abc") == hex_digest


@given(st.binary(), st.binary())
def test_hmac_sha256_of_any_bytes_agrees_with_the_definition(key, message):
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in block) + message).digest()
    assert digest.hmac_sha256_hex(key, message) == hashlib.sha256(bytes(b ^ 0x5C for b in block) + inner).hexdigest()
    assert digest.hmac_md5_hex(key, message) == hmac.new(key, message, "md5").hexdigest()


@pytest.mark.parametrize(("left", "right", "same"), [("ab", "AB", True), ("ab", "ac", False), ("", "a", False), ("é", "é", True)])
def test_is_same_digest_ignores_only_letter_case(left, right, same):
    assert digest.is_same_digest(left, right) is same
