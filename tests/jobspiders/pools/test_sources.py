"""Tokens and tunnels as the operator gives them."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobspiders.errors import ArgumentsInvalidError
from jobspiders.pools.tokens import anonymous, read_tokens
from jobspiders.pools.tunnels import read_tunnels


@pytest.mark.parametrize(
    ("listed", "secrets"),
    [("", []), ("a", ["a"]), ("a,b a\nc", ["a", "b", "c"]), (" , ", [])],
)
def test_read_tokens_listed_forms_give_unique_entries(listed: str, secrets: list[str]) -> None:
    entries = read_tokens("BOSS", listed, "")
    assert [entry.secret for entry in entries] == secrets
    assert [entry.name for entry in entries] == [f"token-{number + 1}" for number in range(len(secrets))]


def test_read_tokens_file_skips_comments_and_blanks(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("# mine\nx\n\ny # second\n", "utf-8")
    assert [entry.secret for entry in read_tokens("BOSS", "x", str(file))] == ["x", "y"]


def test_read_tokens_missing_file_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ArgumentsInvalidError, match=r"BOSS_TOKENS_FILE.*no-such.*one token a line"):
        read_tokens("BOSS", "", str(tmp_path / "no-such"))


def test_read_tunnels_credentials_are_quoted_and_hidden() -> None:
    [one, two] = read_tunnels("h1:1, h2:2", username="u", password="p@ss")
    assert one.secret == "http://u:p%40ss@h1:1"
    assert two.name == "h2:2"
    assert "p%40ss" not in repr(one)


def test_read_tunnels_none_is_the_direct_way() -> None:
    [only] = read_tunnels("")
    assert (only.name, only.secret) == ("direct", "")
    assert [entry.name for entry in anonymous()] == ["anonymous"]
