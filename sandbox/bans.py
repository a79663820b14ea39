"""The shapes in which each platform says no, as documented: codes with their verbatim words, sliders, captchas, challenges."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import orjson

from sandbox.visits import Outcome

HTML = "text/html; charset=utf-8"
SLIDER_BYTES = 16_031
CAPTCHA_BYTES = 2_177
CHALLENGE_BYTES = 29_000


@dataclass(frozen=True, slots=True)
class Ban:
    """One way of saying no. `code` is the envelope's code where there is one; `page` names an HTML page; `verdict` what it means.

    `search_only`: an answer to a search that shows nothing; other endpoints know no such shape.
    """

    verdict: str
    body: dict[str, Any] = field(default_factory=dict)
    code: int = 0
    page: str = ""
    status: int = 200
    search_only: bool = False


def _boss(verdict: str, code: int, message: str, **rest: Any) -> Ban:
    return Ban(verdict, {"code": code, "message": message, **rest}, code=code)


def _qcwy_empty() -> dict[str, Any]:
    job = {"items": [], "totalCount": 12, "totalcount": 12, "requestId": "", "policies": ""}
    return {"status": "1", "message": "成功", "resultbody": {"searchType": 2, "engineKeywordType": 0, "requestId": "", "job": job}}


BANS: dict[str, dict[str, Ban]] = {
    "boss": {
        "login_expired": _boss("token_invalid", 7, "当前登录状态已失效", zpData={}),
        "rate_limited": _boss("rate_limited", 9, "您的操作太频繁了，请稍后再试"),
        "wrong_identity": _boss("token_invalid", 24, "请切换身份后再试"),
        "restricted": _boss("challenge", 31, "请完成安全验证后继续访问"),
        "ip_banned": _boss("ip_banned", 35, "您的IP地址存在异常行为."),
        "account_banned": _boss("account_banned", 36, "您的账户存在异常行为.", zpData={}),
        "challenge": _boss("challenge", 37, "您的访问行为异常.", zpData={"name": "2d9713a7", "seed": "", "ts": 0}),
        "challenge_env": _boss("challenge", 37, "您的环境存在异常."),
        "forbidden_page": Ban("ip_banned", page="boss_forbidden", status=403),
    },
    "qcwy": {
        "slider": Ban("challenge", page="qcwy_slider"),
        "refused": Ban("challenge", {"status": 0, "message": "请完成验证"}),
        "busy": Ban("rate_limited", {"status": 0, "message": "busy"}),
        "empty_items": Ban("soft_ban", _qcwy_empty(), search_only=True),
    },
    "zhilian": {
        "login_expired": Ban("token_invalid", {"code": 210, "message": "未登录"}, code=210),
        "freq_limit": Ban("rate_limited", {"code": 500, "msg": "freq limit"}, code=500),
        "failure": Ban("server_error", {"code": 500, "data": {}}, code=500),
        "empty_list": Ban("soft_ban", {"code": 200, "apiCode": 200, "data": {"count": 100, "list": []}}, search_only=True),
        "empty_zero": Ban("soft_ban", {"code": 200, "apiCode": 200, "data": {"count": 0, "list": []}}, search_only=True),
        "captcha": Ban("challenge", page="zhilian_captcha"),
        "js_challenge": Ban("challenge", page="zhilian_challenge"),
    },
}

SEARCH_ONLY = {kind for kinds in BANS.values() for kind, ban in kinds.items() if ban.search_only}


def ban_body(platform: str, kind: str, now: float) -> dict[str, Any]:
    """The JSON envelope of a ban that has one; fresh seed and time where the real one has them."""
    body = dict(BANS[platform][kind].body)
    if kind == "challenge" and platform == "boss":
        seed = hashlib.sha256(str(now).encode()).hexdigest()[:43] + "="
        body["zpData"] = {"name": "2d9713a7", "seed": seed, "ts": int(now * 1000)}
    return body


def ban_outcome(platform: str, kind: str, now: float, *, cause: str = "", url: str = "") -> Outcome:
    """The whole answer of a ban. `url` is echoed by the slider page; `cause` says in the record why it fell."""
    ban = BANS[platform][kind]
    cause = cause or f"ban:{kind}"
    if not ban.page:
        return Outcome(body=orjson.dumps(ban_body(platform, kind, now)), verdict=ban.verdict, cause=cause, status=ban.status)
    headers = {"Set-Cookie": "EO-Bot-Js-Token=made-up; Path=/; Max-Age=3600"} if ban.page == "zhilian_challenge" else {}
    body = PAGES[ban.page](url, now)
    return Outcome(body=body, verdict=ban.verdict, cause=cause, status=ban.status, content_type=HTML, headers=headers)


def _padded(text: str, size: int, closing: str) -> bytes:
    """The page brought to `size` bytes by a comment before its end."""
    room = size - len((text + closing).encode()) - len("<!---->")
    return (text + f"<!--{'x' * max(0, room)}-->" + closing).encode()


def slider_page(url: str, now: float) -> bytes:
    """51job's slider page (Aliyun WAF), 16 kB."""
    trace = hashlib.sha256(f"{url}{now}".encode()).hexdigest()[:30]
    safe = orjson.dumps(url).decode().replace("<", "%3C")
    text = f"""    <!DOCTYPE html>
    <html>
    <head>
        <meta charset="UTF-8">
        <title>滑动验证页面</title>
      <meta name="viewport" content="width=device-width, initial-scale=1.0" />
        <script type="text/javascript">window._waf_is_mobile = false;</script>
        <script type="text/javascript">
        var requestInfo = {{type: "GET", url: {safe}, args: "", data: "", token: "", refer: "", headers: {{}}}};
        function insertScripts() {{ return "//g.alicdn.com/AWSC/AWSC/awsc.js"; }}</script>
    </head>
    <body>
        <div id="PC" style="display: none"><div class="contentbg"><div class="content"><div class="left"></div><div class="right">
        <h1>访问验证</h1>
        <p>别离开，为了更好的访问体验，请滑动滑块进行验证，通过后即可继续访问网页</p>
        <div id="nocaptcha" class="nc-container"></div></div></div></div></div>
        <div style="margin-left:20px" id="traceid">TraceID: {trace}</div>
"""
    return _padded(text, SLIDER_BYTES, "    </body>\n</html>\n")


def captcha_page(_url: str, _now: float) -> bytes:
    """EdgeOne's interactive captcha, 2 kB."""
    text = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>Security Verification</title>
<script>var config = {"cookie": "EO-Bot-Captcha-Token", "maxAge": 3600};</script></head>
<body><div class="box"><h1>正在验证连接安全性</h1><div id="TencentEOCaptcha"></div>
<p>Protected by Tencent Cloud EdgeOne</p></div>"""
    return _padded(text, CAPTCHA_BYTES, "</body></html>")


def challenge_page(_url: str, _now: float) -> bytes:
    """EdgeOne's JavaScript challenge shell, 29 kB."""
    text = """<!DOCTYPE html><html><head><meta charset="utf-8"><script>
function solveChallenge(seed) { document.cookie = "EO-Bot-Js-Token=" + seed + "; path=/; max-age=3600"; location.reload(); }
solveChallenge("made-up");
</script></head><body>"""
    return _padded(text, CHALLENGE_BYTES, "</body></html>")


def forbidden_page(_url: str, _now: float) -> bytes:
    """Boss's 403 page of a banned browser."""
    return "<!DOCTYPE html><html><head><title>BOSS直聘</title></head><body><h1>您暂时无法继续访问</h1></body></html>".encode()


PAGES = {"qcwy_slider": slider_page, "zhilian_captcha": captcha_page, "zhilian_challenge": challenge_page, "boss_forbidden": forbidden_page}
CHALLENGE_TARGETS = {"boss": "/web/common/security-check.html", "qcwy": "/_waf/slider.html", "zhilian": "/captcha/verify.html"}


def target_page(platform: str, now: float) -> bytes:
    """The page that a 302 to a challenge ends on."""
    return {"boss": forbidden_page, "qcwy": slider_page, "zhilian": captcha_page}[platform](CHALLENGE_TARGETS[platform], now)
