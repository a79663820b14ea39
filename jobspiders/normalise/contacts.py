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

ROUNDS = 8  # masking one contact may uncover its glued neighbour; texts that people write are stable after two

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
    rf"(?:(?<![0-9０-９A-Za-z_])(?<!{_D}[.])|(?<=(?<![A-Za-z])(?i:[vtpm]))"
    r"|(?<=(?i:tel))|(?<=(?i:phone))|(?<=(?i:[vw]x))|(?<=(?i:qq))|(?<=\\[nrt]))"
)
_MOBILE = (
    rf"{_BEFORE_MOBILE}(?:[+＋]?(?:00)?86[- ]?)?"
    rf"(?:[1１][3-9３-９]{_D}(?:{_D}{{8}}|(?P<s>[ .-])(?:{_D}{{4}}(?P=s){_D}{{4}}|{_D}{{3}}(?P=s){_D}{{5}}|{_D}{{8}}){_NO_MONEY})"
    rf"|[1１][3-9３-９]{_D}{{5}}[ -]{_D}{{4}}{_NO_MONEY}|[1１] [3-9３-９](?: {_D}){{9}})(?!{_D})"
)
_BEFORE_LANDLINE = r"(?<![0-9０-９A-Za-z_.-])"
_AREA = f"[0０][1-9１-９]{_D}{{1,2}}"
_LANDLINE = (
    rf"(?:[(（]{_AREA}[)）]|{_BEFORE_LANDLINE}(?:{_AREA}|[+＋]86[- ]?[1-9１-９]{_D}{{1,2}}[- ]))[-— ]{{0,2}}"
    rf"[2-9２-９]{_D}{{2,3}}[- ]?{_D}{{4}}(?!{_D})(?:(?:转|-|ext\.?){_D}{{1,6}})?{_NO_MONEY}"
    rf"|{_BEFORE_LANDLINE}[48]00(?:[- ]?{_D}{{3}}[- ]?{_D}{{4}}|[- ]{_D}{{4}}[- ]?{_D}{{3}})(?!{_D}){_NO_MONEY}"
)
_ANNOUNCED = (
    rf"({_PHONE_WORD}{_S}?{_COLON}{_S}?)(?!(?:19|20){_D}{{2}}[-./年])"
    rf"[+(（]?{_D}(?:[-. ()（）]?{_D}){{6,14}}(?!{_D}){_NO_MONEY}"
)
_EMAIL = r"[A-Za-z0-9._%+-]{1,64}(?:[@＠]| [@＠] )(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}"
_WECHAT = (
    rf"((?:{_WECHAT_WORD}|(?<![A-Za-z_])(?:{_WECHAT_LATIN}|[vV](?={_S}?[:：])))"
    rf"{_S}?{_WECHAT_SUFFIX})"
    rf"({_S}{{0,2}}{_COLON}{_S}{{0,2}}(?:{_ID}|{_D}{{5,13}})(?![A-Za-z0-9_./])"
    rf"|(?:{_S}|[,，-]){{0,2}}(?=[A-Za-z_-]{{1,18}}[0-9]{{2}}){_ID}(?![A-Za-z0-9_./]))"
)
_QQ = (
    rf"((?<![A-Za-z_])(?:(?i:qq)|扣扣|企鹅){_QQ_SUFFIX}{_S}{{0,2}}[:：]?{_S}{{0,2}})"
    rf"[1-9１-９]{_D}{{4,10}}(?!{_D})(?!{_S}?[元人万年])"
)
_WECHAT_ID = re.compile(rf"(?:{_ID}|{_D}{{5,13}})$")

# The same for RE2 over bytes (Latin-1 mode: a character beyond ASCII is a sequence): what may stand before, and no looking around.
_WIDE = "\xef\xbc"  # how a full-width digit, colon or parenthesis begins
_WD = f"(?:[0-9]|{_WIDE}[\x90-\x99])"
_WS = "(?:[ \t\r\n]|\xe3\x80\x80|\\\\[nrt])"
_EDGE = r"(?:^|[^0-9A-Za-z_]|\\[bfnrt]|\\u00[01][0-9a-f])"
_WORD_EDGE = r"(?:^|[^A-Za-z_]|\\[bfnrt]|\\u00[01][0-9a-f])"


def _bytewise(pattern: str) -> str:
    """A pattern that holds Chinese words as RE2 reads it in Latin-1 mode."""
    return pattern.encode().decode("latin-1")


_BYTE_COLON = _bytewise("(?:[:=]|：|是|为)")
_BYTE_ID = f"(?:[A-Za-z][A-Za-z0-9_-]{{5}}|{_WD}{{5}})"
_EMAIL_SCAN = _bytewise("[A-Za-z0-9._%+-] ?(?:@|＠) ?[A-Za-z0-9-]")
_MOBILE_SCAN = (
    rf"(?:{_EDGE}|[vtpmlexqVTPMLEXQ])(?:(?:00)?86[- ]?)?(?:1|{_WIDE}\x91) ?(?:[3-9]|{_WIDE}[\x93-\x99])(?:[ .-]?{_WD}){{9}}(?:[^0-9]|$)"
)
_LANDLINE_SCAN = (
    rf"{_EDGE}(?:(?:(?:0|{_WIDE}\x90)(?:[1-9]|{_WIDE}[\x91-\x99]){_WD}{{1,2}}|86[- ]?{_WD}{{2,3}}[- ])(?:\)|{_WIDE}\x89)?"
    rf"(?:[- ]|\xe2\x80\x94){{0,2}}(?:[2-9]|{_WIDE}[\x92-\x99]){_WD}{{2,3}}[- ]?{_WD}{{4}}|[48]00(?:[- ]?{_WD}){{7}})"
)
_ANNOUNCED_SCAN = (
    rf"{_bytewise(_PHONE_WORD)}{_WS}?{_BYTE_COLON}{_WS}?(?:[+(]|{_WIDE}\x88)?{_WD}(?:(?:[-. ()]|{_WIDE}[\x88\x89])?{_WD}){{6}}"
)
_WECHAT_SCAN = (
    rf"(?:{_bytewise(_WECHAT_WORD)}|{_WORD_EDGE}{_WECHAT_LATIN}){_WS}?{_bytewise(_WECHAT_SUFFIX)}(?:{_WS}{{0,2}}{_BYTE_COLON}{_WS}{{0,2}}{_BYTE_ID}"
    rf"|(?:{_WS}|[,-]|{_bytewise('，')}){{0,2}}[A-Za-z][A-Za-z_-]*[0-9]{{2}})"
    rf"|{_WORD_EDGE}[vV]{_WS}?{_bytewise(_WECHAT_SUFFIX)}{_WS}{{0,3}}{_BYTE_COLON}{_WS}{{0,2}}{_BYTE_ID}"
)
_QQ_SCAN = (
    rf"{_WORD_EDGE}(?:(?i:qq)|{_bytewise('扣扣|企鹅')}){_bytewise(_QQ_SUFFIX)}{_WS}{{0,2}}(?::|{_bytewise('：')})?{_WS}{{0,2}}{_WD}{{5}}"
)


def _scan(pattern: str) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    return re2.compile(pattern.encode("latin-1"), options)


def _masked_wechat(found: re.Match[str]) -> str:
    """The marker and what stands between stay; the id goes."""
    return f"{found[1]}{_WECHAT_ID.sub('[WECHAT]', found[2])}"


@dataclass(frozen=True, slots=True)
class _Contact:
    """One way to reach a person: the scan that may hit too often, the exact pattern, what comes in its place."""

    scan: Any
    pattern: re.Pattern[str]
    mask: str | Callable[[re.Match[str]], str]


_CONTACTS = (
    _Contact(_scan(_EMAIL_SCAN), re.compile(_EMAIL), "[EMAIL]"),
    _Contact(_scan(_MOBILE_SCAN), re.compile(_MOBILE), "[PHONE]"),
    _Contact(_scan(_LANDLINE_SCAN), re.compile(_LANDLINE), "[PHONE]"),
    _Contact(_scan(_ANNOUNCED_SCAN), re.compile(_ANNOUNCED), r"\1[PHONE]"),
    _Contact(_scan(_WECHAT_SCAN), re.compile(_WECHAT), _masked_wechat),
    _Contact(_scan(_QQ_SCAN), re.compile(_QQ), r"\1[QQ]"),
)
_ANY = _scan("|".join((_EMAIL_SCAN, _MOBILE_SCAN, _LANDLINE_SCAN, _ANNOUNCED_SCAN, _WECHAT_SCAN, _QQ_SCAN)))


def mask_contacts(text: str) -> str:
    """`text` with every contact as [PHONE], [EMAIL], [WECHAT] or [QQ]; masking twice changes nothing. Never raises."""
    for _ in range(ROUNDS):
        masked = _mask_once(text)
        if masked == text:
            break
        text = masked
    return text


def may_hold_contact(data: bytes) -> bool:
    """Whether UTF-8 text or JSON could hold a contact. False is certain."""
    return _ANY.search(data) is not None


def _mask_once(text: str) -> str:
    data = text.encode("utf-8", "surrogatepass")
    if not may_hold_contact(data):
        return text
    for contact in _CONTACTS:
        if contact.scan.search(data):
            text = contact.pattern.sub(contact.mask, text)
    return text
