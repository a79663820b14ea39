"""Read the number of openings: the text of a RawJob -> the `recruits` column of a Job."""

from __future__ import annotations

import re
from functools import lru_cache

from jobspiders.normalise.errors import Unreadable
from jobspiders.normalise.folding import fold_tight

MOST = 100_000
LONGEST = 64

_COUNT = re.compile(r"(?:招聘?|招收|招募)?(?:人数:?)?([0-9]{1,9})[人名位]?")
_UNSAID = re.compile(r"(?:招聘?)?(?:若干|多)?[人名位]?|-|不限(?:人数)?|人数不限|0")


@lru_cache(maxsize=1024)
def parse_recruits(text: str) -> int | None:
    """The number of openings; None when `text` gives none ("若干", "0", ""). Raises Unreadable: font_trick, out_of_range, unknown_form."""
    if len(text) > LONGEST:
        raise Unreadable("unknown_form", text)
    said = fold_tight(text)
    if _UNSAID.fullmatch(said):
        return None
    found = _COUNT.fullmatch(said)
    if found is None:
        raise Unreadable("unknown_form", text)
    if not 0 < (count := int(found[1])) <= MOST:
        raise Unreadable("out_of_range", text)
    return count
