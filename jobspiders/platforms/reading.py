"""What every answer is before a platform looks into it: HTTP status, block pages, JSON. First step of `SearchPlatform.read`.

    Answer -> open_envelope() -> the JSON object | a Reading that is already final (redirect, 429, block page, broken body)

The order is deliberate: a block page is recognised at any status, and a readable JSON body speaks before an error status does,
because the platforms explain their refusals in the body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from jobschema import Verdict
from jobspiders.platforms.base import Answer, Call, CallKind, Reading, SearchQuery

REASON_LENGTH = 160
_PAGE_BYTES = 65_536  # block pages are 2 to 30 KB; no need to look further
_UNREADABLE = object()

# What block pages say about themselves: (name in the reason, pattern).
_CHALLENGES = (
    ("Aliyun slider", re.compile(r"滑动验证页面|访问验证|nocaptcha|_waf_is_mobile|awsc\.js")),
    ("Aliyun script challenge", re.compile(r"acw_sc__v2|aliyun_waf")),
    (
        "EdgeOne captcha",
        re.compile(r"TencentEOCaptcha|EO-Bot-Captcha-Token|正在验证连接安全性|Security Verification|Protected by Tencent Cloud EdgeOne"),
    ),
    ("EdgeOne script challenge", re.compile(r"solveChallenge\(|EO-Bot-Js-Token")),
    ("captcha page", re.compile(r"安全验证|请完成验证|滑块|__zp_stoken__|geetest|captcha", re.IGNORECASE)),
)
_BAN_PAGE = re.compile(r"暂时无法继续访问|暂时被禁止|访问被禁止|封禁")
_OFFLINE = re.compile(r"(?:职位|岗位)(?:信息)?(?:已经?|已?被)?(?:下线|删除|关闭|停止招聘|失效|不存在|过期)|页面不存在|停止招聘")
_TITLE = re.compile(r"<title[^>]*>([^<]{0,80})", re.IGNORECASE)

# What a refusal in words means when its code is not known, first match wins.
_WORDS = (
    (Verdict.NOT_FOUND, _OFFLINE),
    (Verdict.RATE_LIMITED, re.compile(r"频繁|频率|稍后|繁忙|busy|freq|too many|rate.?limit", re.IGNORECASE)),
    (Verdict.IP_BANNED, re.compile(r"\bIP\b|IP地址", re.IGNORECASE)),
    (Verdict.CHALLENGE, re.compile(r"验证|captcha|verif|环境存在异常|访问行为异常", re.IGNORECASE)),
    (Verdict.ACCOUNT_BANNED, re.compile(r"(?:账户|账号|帐号|用户).{0,6}(?:异常|封|禁|限制)")),
    (Verdict.TOKEN_INVALID, re.compile(r"登录|登陆|签名|\blogin|\btoken|\bsign(?:ature)?\b|unauthori[sz]ed", re.IGNORECASE)),
)


def replay_call(kind: CallKind) -> Call:
    """A call that asks for nothing in particular: what `read` gets when a saved body is read again."""
    return Call(kind=kind, method="GET", url="")


def asked_query(asked: Mapping[str, object], text: str, city: str, page: str) -> SearchQuery:
    """The search that a request's own parameters ask for, by the platform's names for them. A page that is no number is page 1."""
    number = str(asked.get(page, ""))
    return SearchQuery(str(asked.get(text, "")), str(asked.get(city, "")), int(number[:6]) if number.isascii() and number.isdigit() else 1)


def json_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object that a request's body holds; None when it holds none."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return said if isinstance(said, dict) else None


def refused(verdict: Verdict, reason: str, retry_after: float | None = None) -> Reading:
    """A reading that holds nothing but its verdict; `reason` is shortened to one line."""
    return Reading(verdict=verdict, reason=" ".join(reason.split())[:REASON_LENGTH], retry_after=retry_after)


def verdict_from_words(text: str) -> Verdict:
    """What a refusal with an unknown code means by its message; server_error when its words are unknown too."""
    for verdict, pattern in _WORDS:
        if pattern.search(text):
            return verdict
    return Verdict.SERVER_ERROR


def open_envelope(answer: Answer) -> dict[str, Any] | Reading:
    """The JSON object in an answer, or the final reading of an answer that holds none."""
    if 300 <= answer.status < 400:
        where = answer.headers.get("location", "").partition("?")[0] or "nowhere"
        return refused(Verdict.CHALLENGE, f"HTTP {answer.status}: sent on to {where}")
    if answer.status == 429:
        return refused(Verdict.RATE_LIMITED, "HTTP 429", retry_after(answer))
    document = _decoded(answer.body)
    if document is _UNREADABLE:
        return _read_text(answer, answer.body[:_PAGE_BYTES].decode("utf-8", "replace"))
    if isinstance(document, dict):
        return document
    if isinstance(document, str):
        return _read_text(answer, document)
    return by_status(answer) or refused(Verdict.SCHEMA_CHANGED, f"the answer is no JSON object but {type(document).__name__}")


def by_status(answer: Answer) -> Reading | None:
    """What an error status alone means; None below 400. For answers whose body explains nothing."""
    status = answer.status
    if status < 400:
        return None
    if status in (404, 410):
        return refused(Verdict.NOT_FOUND, f"HTTP {status}")
    if status == 401:
        return refused(Verdict.TOKEN_INVALID, "HTTP 401")
    if status in (403, 405):  # 405 is how Aliyun's firewall blocks
        return refused(Verdict.CHALLENGE, f"HTTP {status}")
    return refused(Verdict.SERVER_ERROR, f"HTTP {status}", retry_after(answer))


def misplaced_page(value: object) -> Reading | None:
    """The reading of a block page that sits inside the JSON, where data should be; None when `value` is no such text."""
    if not isinstance(value, str) or value.lstrip()[:1] != "<":
        return None
    return _read_block_page(value) or refused(Verdict.CHALLENGE, "HTML inside the JSON")


def shape_changed(answer: Answer, what: str, value: object) -> Reading:
    """The reading of an envelope whose part `what` is not what it should be."""
    page = misplaced_page(value) or by_status(answer)
    return page or refused(Verdict.SCHEMA_CHANGED, f"{what} is {'missing' if value is None else type(value).__name__}")


def retry_after(answer: Answer) -> float | None:
    """Seconds the server asks to wait. A date counts from the answer's own Date header, so that no clock is needed."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        until = parsedate_to_datetime(said)
        since = parsedate_to_datetime(answer.headers.get("date", ""))
        return max(0.0, (until - since).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _decoded(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _decoded_leniently(body)


def _decoded_leniently(body: bytes) -> object:
    """JSON with a byte-order mark, broken UTF-8 or half an emoji (`\\ud83d`): what cannot be text becomes `?`."""
    text = body.decode("utf-8-sig", "replace").strip()
    if not text.startswith("{") or not text.endswith("}"):
        return _UNREADABLE
    try:
        repaired = json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8", "replace")
        return orjson.loads(repaired)
    except (ValueError, RecursionError):
        return _UNREADABLE


def _read_text(answer: Answer, text: str) -> Reading:
    """The reading of a body that is no JSON."""
    start = text.lstrip("\ufeff \t\r\n")
    if start[:1] in ("{", "["):  # a posting's text may hold any word, so broken JSON is not searched for block pages
        reason = "invalid JSON" if text.rstrip()[-1:] in ("}", "]") else "truncated body"
        return by_status(answer) or refused(Verdict.SERVER_ERROR, reason)
    page = _read_block_page(text)
    if page is not None:
        return page
    if start[:1] != "<":
        return by_status(answer) or refused(Verdict.SERVER_ERROR, "empty body" if not start else "body is not JSON")
    if _OFFLINE.search(text):
        return refused(Verdict.NOT_FOUND, "page says that the posting is offline")
    title = _TITLE.search(text)
    return by_status(answer) or refused(Verdict.CHALLENGE, f"HTML instead of JSON: {title[1].strip() if title else 'no title'}")


def _read_block_page(text: str) -> Reading | None:
    if _BAN_PAGE.search(text):
        return refused(Verdict.IP_BANNED, "ban page")
    for name, pattern in _CHALLENGES:
        if pattern.search(text):
            return refused(Verdict.CHALLENGE, name)
    return None
