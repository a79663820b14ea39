"""Mask the ways to reach a person in free text: phone numbers, e-mail addresses, WeChat ids, QQ numbers.

What is masked and what is left alone is listed in docs/normalising.md. Two steps, because nearly every text holds no contact:
`may_hold_contact` is a few fast scans, and only where one hits do the exact patterns run.
"""

from __future__ import annotations

import re

ROUNDS = 4  # masking one contact may uncover its neighbour; texts are stable after two

_D = "[0-9０-９]"
_MONEY = r"(?!\s?[元kK千万块人])"

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}(?:[@＠]| [@＠] )(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}")
# A letter before the digits makes it an id, unless it is a word that announces a number.
_FREE = rf"(?:(?<![0-9０-９A-Za-z_])(?<!{_D}[.])|(?<=(?<![0-9A-Za-z])(?i:[vtpm]))|(?<=(?i:tel))|(?<=(?i:phone))|(?<=(?i:[vw]x))|(?<=(?i:qq))|(?<=\\[nrt]))"
_MOBILE = re.compile(
    rf"{_FREE}(?:[+＋]?(?:00)?86[- ]?)?"
    rf"(?:[1１][3-9３-９]{_D}(?:{_D}{{8}}|(?P<s>[ .-])(?:{_D}{{4}}(?P=s){_D}{{4}}|{_D}{{3}}(?P=s){_D}{{5}}|{_D}{{8}}){_MONEY})"
    rf"|[1１][3-9３-９]{_D}{{5}}[ -]{_D}{{4}}{_MONEY}|[1１] [3-9３-９](?: {_D}){{9}})(?!{_D})"
)
_LANDLINE = re.compile(
    rf"(?<![0-9０-９A-Za-z_.-])(?:[(（]?[0０][1-9１-９]{_D}{{1,2}}[)）]?|[+＋]86[- ]?[1-9]{_D}{{1,2}}[- ])[-— ]{{0,2}}"
    rf"[2-9２-９]{_D}{{2,3}}[- ]?{_D}{{4}}(?!{_D})(?:(?:转|-|ext\.?){_D}{{1,6}})?{_MONEY}"
    rf"|(?<![0-9０-９A-Za-z_.-])[48]00(?:[- ]?{_D}{{3}}[- ]?{_D}{{4}}|[- ]{_D}{{4}}[- ]?{_D}{{3}})(?!{_D}){_MONEY}"
)
_ANNOUNCED = re.compile(
    r"((?:电话|座机|热线|传真|(?i:tel|phone|fax))(?:号码|号)?\s?[:：是为]\s?)"
    rf"(?!(?:19|20){_D}{{2}}[-./年])[+(（]?{_D}(?:[-. ()（）]?{_D}){{6,14}}(?!{_D}){_MONEY}"
)
_WECHAT = re.compile(
    r"((?:微信|薇信|威信|徽信|[Vv]信|加[Vv]|(?<![0-9A-Za-z])(?i:vx|wx|wechat|weixin|v(?=\s?[:：])))\s?(?:同号|号码|号|账号|帐号|(?i:id))?)"
    rf"(\s{{0,2}}[:：=是为]\s{{0,2}}(?:[A-Za-z][A-Za-z0-9_-]{{5,19}}|{_D}{{5,13}})(?![A-Za-z0-9_./])"
    r"|[\s,，-]{0,2}(?=[A-Za-z_-]{1,19}[0-9])[A-Za-z][A-Za-z0-9_-]{5,19}(?![A-Za-z0-9_./]))"
)
_WECHAT_ID = re.compile(rf"(?:[A-Za-z][A-Za-z0-9_-]{{5,19}}|{_D}{{5,13}})$")
_QQ = re.compile(
    rf"((?<![0-9A-Za-z])(?:(?i:qq)|扣扣|企鹅)(?:交流群|群号|群|号码|号)?\s{{0,2}}[:：]?\s{{0,2}})[1-9１-９]{_D}{{4,10}}(?!{_D})(?!\s?[元人万年])"
)

# Lower case, full-width digits as ASCII (their UTF-8 is EF BC 90..99), and nothing that may stand between digits. The bytes of other
# characters suffer too, which can only make the scans hit more often, never less.
_SQUEEZE = bytes(0x30 + code - 0x90 if 0x90 <= code <= 0x99 else ord(chr(code).lower()) if code < 128 else code for code in range(256))
_BETWEEN_DIGITS = b" -.()\xef\xbc\x88\x89\xe2\x80"
_MOBILE_DIGITS = re.compile(rb"1[3-9][0-9]{9}")
_AREA_DIGITS = re.compile(rb"0[1-9][0-9]{8}")
_COUNTRY_DIGITS = re.compile(rb"86[1-9][0-9]{8}")
_SERVICE_DIGITS = re.compile(rb"00[0-9]{7}")


def mask_contacts(text: str) -> str:
    """`text` with every contact as [PHONE], [EMAIL], [WECHAT] or [QQ]; masking twice changes nothing. Never raises."""
    for _ in range(ROUNDS):
        masked = _mask_once(text)
        if masked == text:
            break
        text = masked
    return text


def may_hold_contact(text: str) -> bool:
    """Whether `text` could hold a contact. False is certain; several texts joined by "\\0" may be asked about at once."""
    squeezed = _squeezed(text)
    return (
        _has_at(text)
        or _has_mobile_digits(squeezed)
        or _has_landline_digits(squeezed)
        or _names_wechat(text, squeezed)
        or _names_qq(text, squeezed)
        or _announces_phone(text, squeezed)
    )


def _mask_once(text: str) -> str:
    squeezed = _squeezed(text)
    if _has_at(text):
        text = _EMAIL.sub("[EMAIL]", text)
    if _has_mobile_digits(squeezed):
        text = _MOBILE.sub("[PHONE]", text)
    if _has_landline_digits(squeezed):
        text = _LANDLINE.sub("[PHONE]", text)
    if _announces_phone(text, squeezed):
        text = _ANNOUNCED.sub(r"\1[PHONE]", text)
    if _names_wechat(text, squeezed):
        text = _WECHAT.sub(_masked_wechat, text)
    if _names_qq(text, squeezed):
        text = _QQ.sub(r"\1[QQ]", text)
    return text


def _masked_wechat(found: re.Match[str]) -> str:
    """The marker and what stands between stay; the id goes."""
    return found[1] + _WECHAT_ID.sub("[WECHAT]", found[2])


def _squeezed(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass").translate(_SQUEEZE, _BETWEEN_DIGITS)


def _has_at(text: str) -> bool:
    return "@" in text or "＠" in text


def _has_mobile_digits(squeezed: bytes) -> bool:
    return _MOBILE_DIGITS.search(squeezed) is not None


def _has_landline_digits(squeezed: bytes) -> bool:
    return bool(_AREA_DIGITS.search(squeezed) or _SERVICE_DIGITS.search(squeezed) or _COUNTRY_DIGITS.search(squeezed))


# One character is looked for before a word that holds it: the first is many times cheaper, and rarely there.


def _announces_phone(text: str, squeezed: bytes) -> bool:
    if b"phone" in squeezed or b"tel" in squeezed or (b"x" in squeezed and b"fax" in squeezed):
        return True
    return ("话" in text and "电话" in text) or "座机" in text or "热线" in text or "传真" in text


def _names_wechat(text: str, squeezed: bytes) -> bool:
    if "微" in text or "薇" in text or "威" in text or "徽" in text:
        return True
    if b"x" in squeezed and (b"vx" in squeezed or b"wx" in squeezed or b"weixin" in squeezed):
        return True
    if b"v" in squeezed and (b"v:" in squeezed or any(word in text for word in ("v信", "V信", "加v", "加V", "v：", "V：", "v ", "V "))):
        return True
    return b"w" in squeezed and b"wechat" in squeezed


def _names_qq(text: str, squeezed: bytes) -> bool:
    return (b"q" in squeezed and b"qq" in squeezed) or "扣" in text or "鹅" in text
