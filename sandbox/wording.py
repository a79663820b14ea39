"""How each platform words pay, experience and education, at about the rates seen on the real ones."""

from __future__ import annotations

import re
from random import Random

from sandbox.codes import EDUCATION_RANKS
from sandbox.model import Pay

MONTHS = ("13", "13", "14", "14", "15", "16")


def tidy(number: float) -> str:
    """A number as people write it: 1.50 -> 1.5, 2.0 -> 2."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


def thousands(yuan: float) -> int:
    """Yuan rounded to whole thousands, at least 1."""
    return max(1, round(yuan / 1000))


def boss_pay(rng: Random, low: float, high: float, employment: str) -> Pay:
    """15-25K, 20-40K·15薪; interns by the day, part time by hour, day, week or month."""
    if employment == "intern":
        day = max(80, round(low / 21.75 / 10) * 10)
        return Pay(f"{day}-{day + rng.choice((20, 50, 100))}元/天", None, None)
    if employment == "part":
        hour = max(18, round(low / 174))
        forms = (
            f"{hour}-{hour + 10}元/时",
            f"{hour * 8}-{hour * 8 + 80}元/天",
            f"{hour * 40}-{hour * 40 + 400}元/周",
            f"{hour * 100}-{hour * 150}元/月",
        )
        return Pay(rng.choices(forms, (20, 4, 2, 6))[0], None, None)
    if rng.random() < 0.002:
        return Pay("面议", None, None)
    bottom, top = thousands(low), thousands(high)
    top = max(top, bottom + 1)
    tail = f"·{rng.choice(MONTHS)}薪" if rng.random() < 0.45 else ""
    return Pay(f"{bottom}-{top}K{tail}", bottom * 1000, top * 1000)


def boss_experience(rng: Random, level: int, employment: str) -> str:
    """1-3年, 经验不限, 在校/应届 …; level 0 (just out of school) to 5 (ten years and more)."""
    if employment == "intern":
        return f"{rng.choice('345')}天/周 {rng.choice('346')}个月"
    if employment == "campus":
        return "在校/应届"
    if employment == "part" or rng.random() < 0.12:
        return "经验不限"
    return ("经验不限", "1年以内", "1-3年", "3-5年", "5-10年", "10年以上")[level]


def boss_education(rank: int) -> str:
    """The degree's name; 学历不限 without requirement."""
    return EDUCATION_RANKS[rank] or "学历不限"


def _qcwy_range(low: float, high: float) -> str:
    if low >= 10_000:
        return f"{tidy(low / 10_000)}-{tidy(high / 10_000)}万"
    if high >= 10_000:
        return f"{tidy(low / 1000)}千-{tidy(high / 10_000)}万"
    return f"{tidy(low / 1000)}-{tidy(high / 1000)}千"


def _qcwy_odd(rng: Random, low: float) -> Pay:
    """The rare forms: empty, 及以下, by the day, by the year at most."""
    kind = rng.choices(("empty", "below", "below13", "day", "kday", "yearmax"), (45, 90, 6, 20, 8, 6))[0]
    if kind == "empty":
        return Pay("", None, None)
    if kind.startswith("below"):
        top = max(2, min(4, thousands(low)))
        return Pay(f"{top}千及以下{'·13薪' if kind == 'below13' else ''}", 0, top * 1000)
    forms = {"day": f"{rng.choice((120, 150, 180, 200, 300))}元/天", "kday": "1.5千/天", "yearmax": "3万及以下/年"}
    return Pay(forms[kind], None, None)


def qcwy_pay(rng: Random, low: float, high: float, employment: str) -> Pay:
    """1.5-2万, 8千-1.2万, 6-8千·13薪, 30-35万/年, 3千及以下, 180元/天 and the empty string."""
    if employment == "part":
        return Pay(f"{max(100, round(low / 22 / 10) * 10)}元/天", None, None)
    if rng.random() < 0.018:
        return _qcwy_odd(rng, low)
    if rng.random() < 0.048:
        bottom = max(5, round(low * 12 / 10_000))
        return Pay(f"{bottom}-{max(bottom + 2, round(high * 12 / 10_000))}万/年", None, None)
    step = 500 if low < 10_000 else 1000
    low, high = max(1500, round(low / step) * step), round(high / 1000) * 1000
    high = max(high, low + (0 if rng.random() < 0.004 else 1000))
    tail = f"·{rng.choice(MONTHS)}薪" if rng.random() < 0.3 else ""
    return Pay(_qcwy_range(low, high) + tail, int(low), int(high))


def qcwy_experience(rng: Random, level: int, employment: str) -> str:
    """3-4年, 5年及以上, 无需经验, 在校生/应届生 …, now and then empty."""
    if rng.random() < 0.001:
        return ""
    if employment in ("intern", "campus"):
        return "在校生/应届生"
    forms = (
        ("无需经验",),
        ("无需经验", "1年", "1年及以上"),
        ("1年", "2年", "2年及以上", "1-3年", "1-2年", "2-3年"),
        ("3-4年", "3年及以上", "3-5年", "4年及以上", "3年"),
        ("5-7年", "5年及以上", "8-9年", "8年及以上", "5-10年", "6年及以上"),
        ("10年及以上", "10年以上", "10年"),
    )[level]
    return rng.choice(forms)


def qcwy_education(rng: Random, rank: int) -> str:
    """The degree's name in 51job's words; 无学历要求 or "" without requirement."""
    if rank == 0:
        return rng.choice(("", "无学历要求"))
    return "中技/中专" if rank == 3 else EDUCATION_RANKS[rank]


def qcwy_years(text: str) -> str:
    """51job's workYear code of a workYearString, by the lower bound."""
    if not text:
        return ""
    if text.startswith("在校"):
        return "1"
    if text == "无需经验":
        return "10"
    years = int(re.split("[年-]", text, maxsplit=1)[0])
    steps = ((10, "8"), (8, "7"), (5, "6"), (3, "5"), (2, "4"))
    return next((code for least, code in steps if years >= least), "3")


def zhilian_pay(rng: Random, low: float, high: float, employment: str) -> Pay:
    """1.1-1.5万, 8000-12000元, ·13薪, 面议, 元/天, 元/次."""
    if employment in ("intern", "part"):
        day = max(80, round(low / 21.75 / 10) * 10)
        odd = rng.random()
        text = f"{day}-{day + 50}元/天" if odd < 0.9 else f"{day}-{day * 2}元/次" if odd < 0.95 else f"{day * 20}元"
        return Pay(text, None, None)
    if rng.random() < 0.018:
        return Pay("面议", None, None)
    step = 500 if low < 10_000 else 1000
    low, high = max(2000, round(low / step) * step), round(high / 1000) * 1000
    high = max(high, low + 1000)
    text = f"{tidy(low / 10_000)}-{tidy(high / 10_000)}万" if low >= 10_000 else f"{int(low)}-{int(high)}元"
    tail = f"·{rng.choice(MONTHS)}薪" if rng.random() < 0.45 else ""
    return Pay(text + tail, int(low), int(high))


def zhilian_experience(rng: Random, level: int, employment: str) -> str:
    """经验不限, 3-5年 …"""
    if employment in ("intern", "campus"):
        return rng.choice(("无经验", "经验不限"))
    if rng.random() < 0.35:
        return "经验不限"
    return ("无经验", "1年以下", "1-3年", "3-5年", "5-10年", "10年以上")[level]


def zhilian_education(rank: int) -> str:
    """The degree's name; 学历不限 without requirement."""
    return EDUCATION_RANKS[rank] or "学历不限"
