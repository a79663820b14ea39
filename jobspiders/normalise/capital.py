"""Read a registered capital: the text of a RawCompany -> registered_capital, capital_currency of a Company."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from jobspiders.normalise.errors import Unreadable
from jobspiders.normalise.folding import fold_tight

MOST = 1e15
LONGEST = 64

_CURRENCIES = {
    "CNY": " 元 人民币 元人民币 人民币元 rmb cny",
    "USD": "美元 美金 元美元 usd",
    "HKD": "港元 港币 香港元 港币元 hkd",
    "EUR": "欧元 eur",
    "JPY": "日元 日圆 jpy",
    "GBP": "英镑 gbp",
    "KRW": "韩元 韩圆 韩币 krw",
    "SGD": "新加坡元 新元 sgd",
    "CAD": "加元 加拿大元 cad",
    "AUD": "澳元 澳大利亚元 aud",
    "MOP": "澳门元 澳门币 mop",
    "TWD": "新台币 台币 新台币元 twd",
    "CHF": "瑞士法郎 chf",
}
_CODES = {name: code for code, names in _CURRENCIES.items() for name in names.split(" ")}
_UNITS = {"": 1.0, "千": 1e3, "万": 1e4, "百万": 1e6, "千万": 1e7, "亿": 1e8}
_CAPITAL = re.compile(r"([^0-9.\-]*?)([0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]{1,15}(?:\.[0-9]{1,10})?)(百万|千万|[千万亿])?(.*)")
_UNSAID = frozenset({"", "-", "--", "无", "暂无", "未知", "未公示", "未公开", "不详"})


@dataclass(frozen=True, slots=True)
class Capital:
    """An amount in units of an ISO 4217 currency."""

    amount: float
    currency: str


@lru_cache(maxsize=4096)
def parse_capital(text: str) -> Capital | None:
    """Read `text`; None when it says nothing. An amount without currency is CNY: the register names every other one.

    Raises Unreadable: font_trick, digits_lost, out_of_range, unknown_form.
    """
    if len(text) > LONGEST:
        raise Unreadable("unknown_form", text)
    said = fold_tight(text).lower()
    if said in _UNSAID:
        return None
    found = _CAPITAL.fullmatch(said)
    if found is None:
        raise Unreadable("digits_lost" if said.lstrip("-百千万亿") in _CODES else "unknown_form", text)
    before, after = found[1].removeprefix("¥"), found[4]
    name = after if not before else before if after in ("", "元") else None
    if name not in _CODES:
        raise Unreadable("unknown_form", text)
    amount = round(float(found[2].replace(",", "")) * _UNITS[found[3] or ""], 2)
    if amount > MOST:
        raise Unreadable("out_of_range", text)
    return Capital(amount, _CODES[name])
