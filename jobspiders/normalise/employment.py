"""Read the kind of contract: the text of a RawJob -> the `employment` column of a Job."""

from __future__ import annotations

import re
from functools import lru_cache

from jobschema import Employment
from jobspiders.normalise.errors import Unreadable
from jobspiders.normalise.folding import fold_tight

LONGEST = 64

_KINDS = {
    Employment.FULL_TIME: re.compile("全职|社招|社会招聘|全日制"),
    Employment.PART_TIME: re.compile("兼职|临时|小时工|零工"),
    Employment.INTERN: re.compile("实习"),
    Employment.CAMPUS: re.compile("校招|校园|应届"),
}
_UNSAID = frozenset({"", "-", "不限"})


@lru_cache(maxsize=1024)
def parse_employment(text: str) -> Employment | None:
    """The kind of contract; None when `text` says none. Raises Unreadable: font_trick, ambiguous (two kinds), unknown_form."""
    if len(text) > LONGEST:
        raise Unreadable("unknown_form", text)
    said = fold_tight(text)
    if said in _UNSAID:
        return None
    kinds = [kind for kind, pattern in _KINDS.items() if pattern.search(said)]
    if len(kinds) != 1:
        raise Unreadable("ambiguous" if kinds else "unknown_form", text)
    return kinds[0]
