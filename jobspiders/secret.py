"""A secret on its way from the environment to the one place that uses it: it prints as stars everywhere else."""

from __future__ import annotations

import os
from collections.abc import Iterable


class Secret:
    """Text that `repr`, `str`, logs and `scrapy settings --get` show as `***`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself. Call it where the secret leaves the process, nowhere else."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "***" if self._text else "''"

    __str__ = __repr__

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Secret:
        return self  # Scrapy copies its settings

    def __reduce__(self) -> tuple[type, tuple[str]]:
        raise TypeError("a Secret is not pickled: it would leave the process in clear; pass it by the environment")


def env_secret(name: str) -> Secret:
    """The environment variable `name` as a secret; empty when it is not set."""
    return Secret(os.environ.get(name, ""))


def reveal(value: object) -> str:
    """The text of a setting that may be a Secret (from the environment) or plain text (from `-s NAME=value`)."""
    return value.reveal() if isinstance(value, Secret) else str(value or "")


def redact(text: str, secrets: Iterable[str]) -> str:
    """`text` with every secret of four characters or more replaced by `***`."""
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, "***")
    return text
