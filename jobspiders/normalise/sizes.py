"""Read a company's number of employees: the text of a RawCompany -> size_low, size_high of a Company."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from jobspiders.normalise.errors import Unreadable
from jobspiders.normalise.folding import fold_tight

MOST = 10_000_000
LONGEST = 64

_COUNT = r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,8})(万?)人?"
_RANGE = re.compile(f"{_COUNT}-{_COUNT}")
_EXACT = re.compile(_COUNT)
_FROM = re.compile(f"(?:{_COUNT}(?:及?以上|\\+)|\\+?(?:超过|多于|大于){_COUNT})")
_BELOW = re.compile(f"(?:{_COUNT}(?:及?以[下内])|(?:少于|小于|不足|不到){_COUNT})")
_UNSAID = frozenset({"", "-", "不限", "未知", "保密", "未公开", "暂无"})


@dataclass(frozen=True, slots=True)
class CompanySize:
    """Number of employees, bounds as named. None: not said, or open above."""

    low: int | None = None
    high: int | None = None


@lru_cache(maxsize=1024)
def parse_company_size(text: str) -> CompanySize:
    """Read `text`; "20人以下" and "少于50人" start from 0. Raises Unreadable: font_trick, digits_lost, out_of_range, unknown_form."""
    if len(text) > LONGEST:
        raise Unreadable("unknown_form", text)
    said = fold_tight(text)
    if said in _UNSAID:
        return CompanySize()
    if found := _RANGE.fullmatch(said):
        first, second = _people(found[1], found[2] or found[4]), _people(found[3], found[4])
        return _checked(min(first, second), max(first, second), text)
    if found := _FROM.fullmatch(said):
        return _checked(_people(found[1] or found[3], found[2] or found[4]), None, text)
    if found := _BELOW.fullmatch(said):
        return _checked(0, _people(found[1] or found[3], found[2] or found[4]), text)
    if found := _EXACT.fullmatch(said):
        return _checked(_people(found[1], found[2]), _people(found[1], found[2]), text)
    raise Unreadable("unknown_form" if re.search("[0-9]", said) or "人" not in said else "digits_lost", text)


def _people(number: str, unit: str | None) -> int:
    return int(number.replace(",", "")) * (10_000 if unit else 1)


def _checked(low: int, high: int | None, text: str) -> CompanySize:
    if max(low, high or 0) > MOST:
        raise Unreadable("out_of_range", text)
    return CompanySize(low, high)
