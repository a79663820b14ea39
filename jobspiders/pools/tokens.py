"""Where a platform's tokens come from: a setting or a file of the operator. The control plane comes as a third source."""

from __future__ import annotations

import re
from pathlib import Path

from jobspiders.errors import ArgumentsInvalidError
from jobspiders.pools.resting import PoolEntry


def read_tokens(prefix: str, listed: str, file: str) -> list[PoolEntry]:
    """The tokens of `<PREFIX>_TOKENS` (commas or white space between them) and `<PREFIX>_TOKENS_FILE` (one a line, # comments).

    Entries are named by position (`token-1`): a name may be logged, a token may not. Duplicates count once.
    """
    texts = re.split(r"[\s,]+", listed.strip()) if listed.strip() else []
    if file:
        texts += _read_file(prefix, Path(file))
    unique = list(dict.fromkeys(text for text in texts if text))
    return [PoolEntry(name=f"token-{number}", secret=text) for number, text in enumerate(unique, 1)]


def _read_file(prefix: str, path: Path) -> list[str]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentsInvalidError(
            f"{prefix}_TOKENS_FILE is {str(path)!r}, which cannot be read ({type(error).__name__}). Name a text file, one token a line"
        ) from error
    return [line.split("#", 1)[0].strip() for line in lines]


def anonymous() -> list[PoolEntry]:
    """The one entry of a platform that needs no token: it can rest and be burnt like any other."""
    return [PoolEntry(name="anonymous")]
