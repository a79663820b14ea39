"""Bring the many ways of typing one thing together, before a reader matches its forms: full-width letters, dashes, dots.

Deliberately narrower than Unicode NFKC, which would turn "1²" into "12".
"""

from __future__ import annotations

import re

from jobspiders.normalise.errors import Unreadable

_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹣~〜∼～－"), "-")
_DOTS = dict.fromkeys(map(ord, "•・‧∙⋅･●"), "·")
_OTHERS = {ord("、"): "/", ord("￥"): "¥", 0x3000: " ", 0x200B: None, 0xFEFF: None}
_TABLE: dict[int, int | str | None] = {**_FULL_WIDTH, **_DASHES, **_DOTS, **_OTHERS}
_FONT_TRICK = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]|&#x[ef][0-9a-f]{3};", re.IGNORECASE)


_RANGE_WORD = re.compile("(?<=[0-9万千百kKwW元年人])[至到](?=[0-9])")


def fold(text: str) -> str:
    """`text` in half width, every dash as "-", every raised dot as "·", trimmed.

    Raises Unreadable("font_trick") when it holds private-use characters: a site's own font draws digits with them.
    """
    if _FONT_TRICK.search(text):
        raise Unreadable("font_trick", text)
    return text.translate(_TABLE).strip()


def fold_tight(text: str) -> str:
    """`fold` without any white space, and with 至 and 到 between figures as "-"."""
    return _RANGE_WORD.sub("-", "".join(fold(text).split()))
