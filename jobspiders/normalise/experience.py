"""Read the years of experience asked for: the text of a RawJob -> experience_low, experience_high of a Job."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from jobspiders.normalise.errors import Unreadable
from jobspiders.normalise.folding import fold_tight

MOST_YEARS = 60.0
LONGEST = 64

_CHINESE = str.maketrans("零一二两三四五六七八九", "01223456789")
_TAIL = r"(?:的?(?:相关|工作|从业)*经[验历])?"
_YEARS = re.compile(r"([0-9]{1,3}(?:\.[0-9]+)?)年?(?:-([0-9]{1,3}(?:\.[0-9]+)?))?年" + _TAIL)
_FROM = re.compile(r"(?:至少|最少)?([0-9]{1,3}(?:\.[0-9]+)?)(?:年(?:及?以上|\+|起)|\+年)" + _TAIL)
_BELOW = re.compile(r"([0-9]{1,3}(?:\.[0-9]+)?)年(?:及?以[下内])" + _TAIL)
_NONE_NEEDED = re.compile(r"(?:工作)?(?:经验)?(?:不限|无要求|不要求)|(?:无|不)(?:需要?|要求)?(?:工作)?经[验历](?:要求)?|不限(?:工作)?经验")
_STUDENT = re.compile(r"(?=.*(?:在校|在读|应届|校招))(?:在校|在读|应届|校招|毕业|学?生|[/·,|或])+")
_ATTENDANCE = re.compile(r"(?:至少)?[0-9]天/周(?:(?:至少)?[0-9]{1,2}个月)?|(?:至少)?[0-9]{1,2}个月")


@dataclass(frozen=True, slots=True)
class Experience:
    """Years asked for. `low` 0: none are; `low` None: the text does not say. `high` None: open."""

    low: float | None = None
    high: float | None = None


@lru_cache(maxsize=4096)
def parse_experience(text: str) -> Experience:
    """Read `text`; an empty one, and an intern's attendance ("4天/周 3个月"), state nothing about experience.

    Raises Unreadable: font_trick, digits_lost, out_of_range, unknown_form.
    """
    if len(text) > LONGEST:
        raise Unreadable("unknown_form", text)
    said = _digits(fold_tight(text))
    if not said or _ATTENDANCE.fullmatch(said):
        return Experience()
    if _NONE_NEEDED.fullmatch(said):
        return Experience(0.0, None)
    if _STUDENT.fullmatch(said):
        return Experience(0.0, 0.0)
    return _years(said, text)


def _years(said: str, text: str) -> Experience:
    """The forms that count years."""
    if found := _FROM.fullmatch(said):
        return _checked(float(found[1]), None, text)
    if found := _BELOW.fullmatch(said):
        return _checked(0.0, float(found[1]), text)
    if found := _YEARS.fullmatch(said):
        first, second = float(found[1]), float(found[2] or found[1])
        return _checked(min(first, second), max(first, second), text)
    raise Unreadable("unknown_form" if re.search("[0-9]", said) or "年" not in said else "digits_lost", text)


def _checked(low: float, high: float | None, text: str) -> Experience:
    if max(low, high or 0.0) > MOST_YEARS:
        raise Unreadable("out_of_range", text)
    return Experience(low, high)


def _digits(said: str) -> str:
    """三 -> 3, 十 -> 10, 十五 -> 15 (only where the text counts years)."""
    if "年" not in said:
        return said
    turned = said.translate(_CHINESE)
    return re.sub(r"([0-9]?)十([0-9]?)", lambda m: f"{m[1] or 1}{m[2] or 0}", turned)
