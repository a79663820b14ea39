"""Read the education asked for: the text of a RawJob -> the `education` column of a Job, the least that is accepted."""

from __future__ import annotations

import re
from functools import lru_cache

from jobschema import Education
from jobspiders.normalise.errors import Unreadable
from jobspiders.normalise.folding import fold_tight

LONGEST = 64

_LEVELS = {
    Education.UNLIMITED: "不限 学历不限 不限学历 无学历要求 学历无要求 无要求 不要求 学历不要求 无",
    Education.JUNIOR_HIGH: "初中 小学 初中学历",
    Education.HIGH_SCHOOL: "高中",
    Education.VOCATIONAL: "中专 中技 技校 职高 中职",
    Education.COLLEGE: "大专 专科 高职 高职高专",
    Education.BACHELOR: "本科 学士 大学本科 大学",
    Education.MASTER: "硕士 研究生 硕士研究生 mba emba",
    Education.DOCTOR: "博士 博士研究生 博士后",
}
_NAMES = {name: level for level, names in _LEVELS.items() for name in names.split()}
_ORDER = tuple(Education)
_SPLIT = re.compile(r"[/|,·或-]")
_BEFORE = re.compile(r"^(?:统招|全日制|普通|学历:)+")
_AFTER = re.compile(r"(?:及以上|以上|及其以上|学历|学位)+$")
_BELOW = re.compile(r"(?:及以下|以下)$")


@lru_cache(maxsize=1024)
def parse_education(text: str) -> Education | None:
    """The least education that `text` accepts; None when it says nothing.

    Of several ("中专/中技", "本科/硕士") the lowest counts; "X及以下" accepts everything from junior high school up.
    Raises Unreadable: font_trick, unknown_form.
    """
    if len(text) > LONGEST:
        raise Unreadable("unknown_form", text)
    said = fold_tight(text).lower()
    if said in ("", "-"):
        return None
    levels = [_level(part, text) for part in _SPLIT.split(said)]
    return min(levels, key=_ORDER.index)


def _level(part: str, text: str) -> Education:
    """The level of one name."""
    name = part if part in _NAMES else _AFTER.sub("", _BEFORE.sub("", part))
    if _BELOW.search(name) and _BELOW.sub("", name) in _NAMES:
        return Education.JUNIOR_HIGH
    if name not in _NAMES:
        raise Unreadable("unknown_form", text)
    return _NAMES[name]
