"""What an error message may show of a script's words."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobspiders.signers.redaction import REDACTED, redacted, request_secrets

SECRET = "s3cr3t/Käse+Key"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        SECRET.upper(),
        SECRET[::-1],
        SECRET[:7],
        "s3cr3t%2FK%C3%A4se%2BKey",
        SECRET.encode().hex(),
        base64.b64encode(SECRET.encode()).decode(),
        "s3cr3t/K\\u00e4se+Key",
    ],
)
def test_redacted_form_of_a_secret_is_hidden(form):
    told = redacted(f"cannot sign with [{form}]", [SECRET])
    assert told.startswith("cannot sign with [")
    assert REDACTED in told
    for start in range(len(form) - 6):
        assert form[start : start + 6].lower() not in told.lower()


@pytest.mark.parametrize("token", ["d41d8cd98f00b204e9800998ecf8427e", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIi", "AAAA-0000-bbbb-1111"])
def test_redacted_unknown_token_is_hidden(token):
    assert token not in redacted(f"bad signature {token}!", [])


@pytest.mark.parametrize(
    "text", ["ReferenceError: CryptoJS is not defined", "TypeError: cannot read properties of undefined", "lib.createSignature"]
)
def test_redacted_plain_words_stay(text):
    assert redacted(text, ["k"]) == text


def test_redacted_long_text_is_cut_after_the_secret_is_hidden():
    told = redacted("word " * 100 + SECRET + " word" * 100, [SECRET], longest=502)
    assert len(told) < 540
    assert "s3cr" not in told


@given(st.text(min_size=3), st.text(max_size=200))
def test_redacted_never_shows_a_whole_secret(secret, around):
    told = redacted(around + secret + around, [secret])
    assert "\n" not in told
    if secret.strip() == secret and not set(secret.lower()) & set(REDACTED):
        assert secret.strip() not in told or len(secret.strip()) < 3


def test_request_secrets_holds_secret_headers_query_and_body_values():
    request = {"secret": "one", "headers": {"mpt": "two"}, "query": "a=threethree&b=4", "body": '{"k": "fivefive"}'}
    assert set(request_secrets(request)) == {"one", "two", "threethree", "fivefive"}
