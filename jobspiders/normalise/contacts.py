r"""Mask the ways to reach a person in free text: phone numbers, e-mail addresses, WeChat ids, QQ numbers.

What is masked and what is left alone is listed in docs/normalising.md. Two steps, because nearly every text holds no contact: one
RE2 scan for all kinds at once, linear and about 500 MB/s, and only where it hits the exact patterns, which look around and are slow.
The scans read UTF-8, plain or inside JSON, where a line end is the two characters \n; they may hit too often, never too seldom.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import re2  # type: ignore[import-untyped,import-not-found,unused-ignore]

ROUNDS = 4  # masking one contact may uncover its neighbour; texts are stable after two

_D = "[0-9０-９]"
_S = "[ \u3000\t\r\n]"
_ID = "[A-Za-z][A-Za-z0-9_-]{5,19}"
_COLON = "[:：=是为]"
_NO_MONEY = r"(?! ?[元kK千万块人])"

# Words that announce a contact.
_PHONE_WORD = "(?:电话|座机|热线|传真|(?i:tel|phone|fax))(?:号码|号)?"
_WECHAT_WORD = "(?:微信|薇信|威信|徽信|[Vv]信|加[Vv])"
_WECHAT_LATIN = "(?i:vx|wx|wechat|weixin)"
_WECHAT_SUFFIX = "(?:同号|号码|号|账号|帐号|(?i:id))?"
_QQ_SUFFIX = "(?:交流群|群号|群|号码|号)?"

# A letter before the digits makes it an id, unless it is a word that announces a number, or the end of an escaped line.
_BEFORE_MOBILE = (
    rf"(?:(?<![0-9０-９A-Za-z_])(?<!{_D}[.])|(?<=(?<![0-9A-Za-z])(?i:[vtpm]))"
    r"|(?<=(?i:tel))|(?<=(?i:phone))|(?<=(?i:[vw]x))|(?<=(?i:qq))|(?<=\\[nrt]))"
)
_MOBILE = (
    rf"{_BEFORE_MOBILE}(?:[+＋]?(?:00)?86[- ]?)?"
    rf"(?:[1１][3-9３-９]{_D}(?:{_D}{{8}}|(?P<s>[ .-])(?:{_D}{{4}}(?P=s){_D}{{4}}|{_D}{{3}}(?P=s){_D}{{5}}|{_D}{{8}}){_NO_MONEY})"
    rf"|[1１][3-9３-９]{_D}{{5}}[ -]{_D}{{4}}{_NO_MONEY}|[1１] [3-9３-９](?: {_D}){{9}})(?!{_D})"
)
_BEFORE_LANDLINE = r"(?<![0-9０-９A-Za-z_.-])"
_LANDLINE = (
    rf"{_BEFORE_LANDLINE}(?:[(（]?[0０][1-9１-９]{_D}{{1,2}}[)）]?|[+＋]86[- ]?[1-9１-９]{_D}{{1,2}}[- ])[-— ]{{0,2}}"
    rf"[2-9２-９]{_D}{{2,3}}[- ]?{_D}{{4}}(?!{_D})(?:(?:转|-|ext\.?){_D}{{1,6}})?{_NO_MONEY}"
    rf"|{_BEFORE_LANDLINE}[48]00(?:[- ]?{_D}{{3}}[- ]?{_D}{{4}}|[- ]{_D}{{4}}[- ]?{_D}{{3}})(?!{_D}){_NO_MONEY}"
)
_ANNOUNCED = (
    rf"({_PHONE_WORD}{_S}?{_COLON}{_S}?)(?!(?:19|20){_D}{{2}}[-./年])"
    rf"[+(（]?{_D}(?:[-. ()（）]?{_D}){{6,14}}(?!{_D}){_NO_MONEY}"
)
_EMAIL = r"[A-Za-z0-9._%+-]{1,64}(?:[@＠]| [@＠] )(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}"
_WECHAT = (
    rf"((?:{_WECHAT_WORD}|(?<![0-9A-Za-z])(?:{_WECHAT_LATIN}|[vV](?={_S}?[:：])))"
    rf"{_S}?{_WECHAT_SUFFIX})"
    rf"({_S}{{0,2}}{_COLON}{_S}{{0,2}}(?:{_ID}|{_D}{{5,13}})(?![A-Za-z0-9_./])"
    rf"|(?:{_S}|[,，-]){{0,2}}(?=[A-Za-z_-]{{1,19}}[0-9]){_ID}(?![A-Za-z0-9_./]))"
)
_QQ = (
    rf"((?<![0-9A-Za-z])(?:(?i:qq)|扣扣|企鹅){_QQ_SUFFIX}{_S}{{0,2}}[:：]?{_S}{{0,2}})"
    rf"[1-9１-９]{_D}{{4,10}}(?!{_D})(?!{_S}?[元人万年])"
)
_WECHAT_ID = re.compile(rf"(?:{_ID}|{_D}{{5,13}})$")

# The same for RE2 over bytes: what may stand before, and no looking around. In Latin-1 mode a character beyond ASCII is a sequence.
_WIDE_DIGIT = "\xef\xbc[\x90-\x99]"
_SD = f"(?:[0-9]|{_WIDE_DIGIT})"
_SS = "(?:[ \t\r\n]|\xe3\x80\x80|\\\\[nrt])"
_EDGE = r"(?:^|[^0-9A-Za-z_]|\\[bfnrt]|\\u00[01][0-9a-f])"
_MOBILE_EDGE = rf"(?:{_EDGE}|[vtpmlexqVTPMLEXQ])"


def _bytewise(pattern: str) -> str:
    """A pattern of Chinese words as RE2 reads it in Latin-1 mode."""
    return pattern.encode().decode("latin-1")


_SCANS = {
    "email": _bytewise("[A-Za-z0-9._%+-] ?(?:@|＠) ?[A-Za-z0-9-]"),
    "mobile": rf"{_MOBILE_EDGE}(?:86[- ]?)?(?:1|\xef\xbc\x91) ?(?:[3-9]|\xef\xbc[\x93-\x99])(?:[ .-]?{_SD}){{9}}(?:[^0-9]|$)",
    "landline": rf"{_EDGE}(?:(?:(?:0|\xef\xbc\x90){_SD}{{2,3}}|86[- ]?{_SD}{{2,3}}[- ])(?:\)|\xef\xbc\x89)?(?:[- ]|\xe2\x80\x94){{0,2}}"
    rf"{_SD}{{3,4}}[- ]?{_SD}{{4}}|[48]00(?:[- ]?{_SD}){{7}})",
    "announced": rf"{_bytewise(_PHONE_WORD)}{_SS}?{_bytewise('(?:[:=]|：|是|为)')}{_SS}?{_bytewise('(?:[+(]|（)?')}"
    rf"{_SD}(?:{_bytewise('(?:[-. ()]|（|）)?')}{_SD}){{6}}",
    "wechat": rf"(?:{_bytewise('(?:微信|薇信|威信|徽信|[Vv]信|加[Vv])')}|{_EDGE}(?:{_WECHAT_LATIN}|[vV])){_SS}?{_bytewise(_WECHAT_SUFFIX)}"
    rf"(?:{_SS}{{0,2}}{_bytewise('(?:[:=]|：|是|为)')}{_SS}{{0,2}}(?:[A-Za-z][A-Za-z0-9_-]{{5}}|{_SD}{{5}})"
    rf"|(?:{_SS}|,|{_bytewise('，')}|-){{0,2}}[A-Za-z][A-Za-z0-9_-]*[0-9])",
    "qq": rf"{_EDGE}(?:(?i:qq)|{_bytewise('扣扣|企鹅')}){_bytewise(_QQ_SUFFIX)}{_SS}{{0,2}}{_bytewise('(?::|：)?')}{_SS}{{0,2}}{_SD}{{5}}",
}
