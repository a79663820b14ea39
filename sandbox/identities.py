"""Made-up identifiers of the right form, stable for the same seed and name: job ids, company ids, recruiters, links."""

from __future__ import annotations

import hashlib
from random import Random

from sandbox import vocabulary as words

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def digest(*names: object) -> bytes:
    """32 bytes that depend on every name."""
    return hashlib.blake2b("/".join(map(str, names)).encode(), digest_size=32).digest()


def hex_of(length: int, *names: object) -> str:
    """`length` lower-case hex digits (64 at most)."""
    return digest(*names).hex()[:length]


def letters_of(length: int, *names: object) -> str:
    """`length` url-safe letters (32 at most)."""
    return "".join(LETTERS[byte & 63] for byte in digest(*names)[:length])


def number_of(digits: int, *names: object) -> int:
    """A number of exactly `digits` digits."""
    low: int = 10 ** (digits - 1)
    return low + int.from_bytes(digest(*names)[:8], "big") % (9 * low)


def recruiter_of(*names: object) -> tuple[str, str]:
    """A made-up recruiter's name and title."""
    rng = Random(digest("recruiter", *names))
    return rng.choice(words.SURNAMES) + rng.choice(words.GIVEN_NAMES), rng.choice(words.RECRUITER_TITLES)


def boss_job_id(seed: int, number: object) -> str:
    """28 characters, some ending in ~."""
    tail = letters_of(12, seed, "boss-job-tail", number)
    return hex_of(16, seed, "boss-job", number) + (tail[:11] + "~" if tail[0] in "ABCDEF" else tail)


def boss_brand_id(seed: int, number: object) -> str:
    """24 characters, some ending in ~."""
    tail = letters_of(8, seed, "boss-brand-tail", number)
    return hex_of(16, seed, "boss-brand", number) + (tail[:7] + "~" if tail[0] in "ABCDEFGH" else tail)


def qcwy_company_id(seed: int, number: object) -> str:
    """encCoId: 11 to 19 letters."""
    return letters_of(11 + digest(seed, "qcwy-co-length", number)[0] % 9, seed, "qcwy-co", number)


def zhilian_job_id(company: str, number: int) -> str:
    """CC<9 digits>J<11 digits>, as positions are numbered."""
    return f"CC{company[2:]}J{40_000_000_000 + number:011d}"


def zhilian_company_id(seed: int, number: object) -> str:
    """CZ<9 digits>. A firm's number keeps it unique in the synthetic catalogue."""
    if isinstance(number, int):
        return f"CZ{100_000_000 + (number * 7_919 + seed) % 900_000_000}"
    return f"CZ{number_of(9, seed, 'zhilian-co', number)}"
