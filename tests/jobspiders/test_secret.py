"""A secret shows as stars wherever it is printed, and is not pickled."""

from __future__ import annotations

import pickle

import pytest

from jobspiders.secret import Secret, env_secret, redact, reveal

PLANTED = "s3cret-value"


def test_secret_printed_any_way_shows_stars() -> None:
    secret = Secret(PLANTED)
    shown = [repr(secret), str(secret), f"{secret}", f"{ {'key': secret} }", "%s" % secret]  # noqa: UP031
    assert all(PLANTED not in text for text in shown)
    assert reveal(secret) == PLANTED


def test_secret_pickled_refuses() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret(PLANTED))


def test_env_secret_absent_variable_is_empty_and_false(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOBSPIDERS_NO_SUCH", raising=False)
    assert not env_secret("JOBSPIDERS_NO_SUCH")
    monkeypatch.setenv("JOBSPIDERS_NO_SUCH", PLANTED)
    assert env_secret("JOBSPIDERS_NO_SUCH").reveal() == PLANTED


@pytest.mark.parametrize(("value", "text"), [(Secret("a"), "a"), ("a", "a"), (None, ""), ("", "")])
def test_reveal_any_setting_gives_text(value: object, text: str) -> None:
    assert reveal(value) == text


def test_redact_short_secret_is_left_alone() -> None:
    assert redact("abc abcd", ["abc", "abcd"]) == "abc ***"
