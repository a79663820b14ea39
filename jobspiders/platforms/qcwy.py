"""51job (前程无忧): three doors to one search, signed calls, and what its answers mean.

Search only: descriptions and companies are in the list. A search stands at a cap of 1000, so a capped one is split by filter.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from jobschema import Platform, Verdict
from jobspiders.platforms.base import (
    Answer,
    Call,
    CallKind,
    PlatformOptions,
    RawJob,
    Reading,
    SearchQuery,
    SignedCall,
    SigningContext,
)
from jobspiders.platforms.cities import QCWY_PROVINCES, WHOLE_COUNTRY, city_code
from jobspiders.platforms.listing import judge_shape, read_items
from jobspiders.platforms.options import checked_address, checked_choice, checked_filters, checked_range
from jobspiders.platforms.qcwy_items import QcwyItemReader
from jobspiders.platforms.reading import (
    asked_query,
    by_status,
    json_object,
    misplaced_page,
    open_envelope,
    refused,
    shape_changed,
    verdict_from_words,
)
from jobspiders.platforms.urls import (
    joined,
    parameters,
    path_and_query,
    path_below,
    percent_encoded,
    query_string,
    with_pairs,
    with_value,
    without_pairs,
)

SEARCH_PATH = "/open/noauth/search-pc"
WXMINI_PATH = "/open/noauth/recommend/job-tab-dynamic-wx-mini"
WEB_PATH = "/api/job/search-pc"
DOORS = ("search", "wxmini", "web")
CAP = 1000  # `totalCount` never says more

_METHODS = {SEARCH_PATH: "GET", WXMINI_PATH: "POST", WEB_PATH: "GET"}
_SIGNED_PAIRS = frozenset({"api_key", "timestamp"})  # put in by sign(): those of an address copied from a browser are stale
_API_KEY = "51job"  # the name of the client, public; not the signing key
_FILTERS = (
    *("function", "industry", "jobArea2", "landmark", "metro", "salary", "workYear", "degree", "companyType", "companySize"),
    *("jobType", "issueDate", "sortType"),
)
# Filters that a capped search is split by, in this order, with all their codes; the last code is "none" or "not stated".
SPLITS = (
    ("degree", tuple(f"{code:02d}" for code in range(1, 9))),
    ("workYear", tuple(f"{code:02d}" for code in range(1, 8))),
    ("companySize", tuple(f"{code:02d}" for code in range(1, 9))),
)


@dataclass(frozen=True, slots=True)
class QcwyOptions(PlatformOptions):
    """Settings `QCWY_*`."""

    base_url: str = "https://cupid.51job.com"  # of the doors `search` and `wxmini`
    web_base_url: str = "https://we.51job.com"  # of the door `web`
    door: str = "search"
    sign_key: str = field(default="", repr=False)  # HMAC key of the doors `search` and `wxmini`
    page_size: int = 20
    uuid: str = ""  # of the client, 32 hex digits; blank = a new one for every attempt
    account_id: str = field(default="", repr=False)
    user_token: str = field(default="", repr=False)
    user_agent: str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36"

    def __post_init__(self) -> None:
        checked_choice("QCWY_DOOR", self.door, DOORS)
        checked_address("QCWY_BASE_URL", self.base_url)
        checked_address("QCWY_WEB_BASE_URL", self.web_base_url)
        checked_range("QCWY_PAGE_SIZE", self.page_size, 1, 500)
        checked_range("SCHEMA_REJECTED_SHARE", self.rejected_share, 0, 1)

    def check_secrets(self) -> None:
        if self.door != "web" and not self.sign_key:
            raise ValueError(
                f"QCWY_SIGN_KEY is not set, and the door {self.door!r} (QCWY_DOOR) takes only signed calls: "
                "set it to the client's HMAC key, or choose QCWY_DOOR=web, which is not signed"
            )


class QcwyPlatform:
    """`SearchPlatform` of 51job."""

    name: Platform = Platform.QCWY
    needs_token = False
    filter_names = frozenset(_FILTERS)

    def __init__(self, options: QcwyOptions) -> None:
        self.options = options
        self.page_size = options.page_size
        self.max_pages = -(-CAP // options.page_size)
        self._items = QcwyItemReader(options.personal_data)
        self._key = options.sign_key.encode()

    def city_code(self, city: str) -> str:
        """`SearchPlatform.city_code`."""
        return city_code(Platform.QCWY, city)

    def search(self, query: SearchQuery) -> Call:
        """`SearchPlatform.search`: without the client name, the time and the request id, which `sign` puts in."""
        filters = checked_filters(query, self.filter_names)
        options = self.options
        if options.door == "wxmini":
            body = orjson.dumps(self._wxmini_body(query, filters))
            return Call(CallKind.SEARCH, "POST", joined(options.base_url, WXMINI_PATH), {}, body, query=query)
        base = joined(options.web_base_url, WEB_PATH) if options.door == "web" else joined(options.base_url, SEARCH_PATH)
        return Call(CallKind.SEARCH, "GET", f"{base}?{query_string(self._pairs(query, filters))}", query=query)

    def next_queries(self, query: SearchQuery, reading: Reading) -> list[SearchQuery]:
        """Of page 1: all remaining pages, or, when the total stands at the cap, narrower searches while there is a way to narrow."""
        if reading.verdict is not Verdict.OK or query.page != 1 or reading.total is None:
            return []
        narrower = self._narrower(query) if reading.capped else []
        if narrower:
            return narrower
        pages = min(-(-reading.total // self.page_size), self.max_pages)
        return [replace(query, page=page, trail=reading.trail) for page in range(2, pages + 1)]

    def detail_calls(self, jobs: Sequence[RawJob]) -> list[Call]:  # noqa: ARG002
        """None: the list holds everything."""
        return []

    def company_call(self, company_id: str) -> Call | None:  # noqa: ARG002
        """None: company pages are HTML that says nothing more."""
        return None

    def recognise(self, method: str, url: str, body: bytes) -> Call | None:
        """`SearchPlatform.recognise`."""
        path = path_below(url, self.options.base_url) or path_below(url, self.options.web_base_url)
        said = json_object(body) if body else parameters(url)
        if said is None or method != _METHODS.get(path):
            return None
        query = asked_query(said, "keyword", "jobArea", "pageNum")
        return Call(CallKind.SEARCH, method, url, body=body, query=query)

    def sign(self, call: Call, context: SigningContext) -> SignedCall:
        """Client name, time and request id in the query (or body), and the HMAC over path, query and body as they are sent."""
        request_id = dict(call.query.trail).get("requestId", "") if call.query else ""
        url = with_pairs(without_pairs(call.url, _SIGNED_PAIRS), before=[("api_key", _API_KEY), ("timestamp", str(int(context.now)))])
        body = call.body
        if body:
            body = orjson.dumps({**orjson.loads(body), "requestId": request_id})
        else:
            url = with_value(url, "requestId", request_id)
        headers = {**call.headers, **self._headers(context)}
        if self.options.door != "web":
            headers["sign"] = signature(self._key, path_and_query(url), body)
        return SignedCall(call.method, url, headers, body)

    def read(self, call: Call, answer: Answer) -> Reading:
        """`SearchPlatform.read`."""
        envelope = open_envelope(answer)
        if isinstance(envelope, Reading):
            return envelope
        refusal = _refusal(envelope)
        if refusal is None or refusal.verdict is Verdict.SCHEMA_CHANGED:  # the body explains nothing, so the status may
            refusal = by_status(answer) or refusal
        if refusal is not None:
            return refusal
        result = envelope.get("resultbody")
        job = result.get("job") if isinstance(result, dict) else None
        if not isinstance(job, dict):
            return misplaced_page(result) or shape_changed(answer, "resultbody.job", job)
        return self._read_search(call, answer, job)

    def _read_search(self, call: Call, answer: Answer, job: dict[str, Any]) -> Reading:
        items, total = job.get("items"), job.get("totalCount", job.get("totalcount"))
        if not isinstance(items, list):
            return shape_changed(answer, "resultbody.job.items", items)
        if type(total) is not int:
            return shape_changed(answer, "resultbody.job.totalCount", total)
        page = call.query.page if call.query else 1
        before = (page - 1) * self.page_size
        if not items:
            if total > before:
                return refused(Verdict.SOFT_BAN, f"totalCount is {total} and page {page} is empty")
            return Reading(verdict=Verdict.EMPTY, total=total)
        request_id = job.get("requestId")
        trail = (("requestId", request_id),) if isinstance(request_id, str) and request_id else ()
        reading = Reading(verdict=Verdict.OK, total=total, has_more=total > before + len(items), capped=total >= CAP, trail=trail)
        read_items(reading, items, self._items)
        return judge_shape(reading, self.options.rejected_share)

    def _pairs(self, query: SearchQuery, filters: dict[str, str]) -> list[tuple[str, str]]:
        """In the order of the captured requests; the signature depends on it."""
        known = {"sortType": "0", **filters}
        return [
            ("keyword", query.text),
            ("searchType", "2"),
            ("function", known.get("function", "")),
            ("industry", known.get("industry", "")),
            ("jobArea", query.city_code),
            *((name, known.get(name, "")) for name in _FILTERS[2:]),
            ("pageNum", str(query.page)),
            ("requestId", ""),
            ("pageSize", str(self.page_size)),
            ("source", "1"),
            ("accountId", ""),
            ("pageCode", "sou|sou|soulb"),
        ]

    def _wxmini_body(self, query: SearchQuery, filters: dict[str, str]) -> dict[str, object]:
        """The mini-program's own names, which ask a recommendation list, and the search's, which narrow it by keyword."""
        return {
            "pageNo": query.page,
            "pageNum": query.page,
            "pageSize": self.page_size,
            "requestId": "",
            "specialPageCode": True,
            "type": "recommend",
            "jobArea": query.city_code,
            "keyword": query.text,
            **filters,
        }

    def _narrower(self, query: SearchQuery) -> list[SearchQuery]:
        """The searches that `query` falls into: by city first, then by the first filter that it does not pin to one code."""
        cities = QCWY_PROVINCES if query.city_code == WHOLE_COUNTRY[Platform.QCWY] else tuple(query.city_code.split(","))
        if len(cities) > 1:
            return [replace(query, city_code=code, trail=()) for code in cities]
        chosen = dict(query.filters)
        for name, codes in SPLITS:
            parts = tuple(chosen[name].split(",")) if chosen.get(name) else codes
            if len(parts) > 1:
                return [replace(query, filters=_with_filter(query.filters, name, code), trail=()) for code in parts]
        return []

    def _headers(self, context: SigningContext) -> dict[str, str]:
        options = self.options
        headers = {
            "Accept": "application/json, text/plain, */*",
            "Accept-Language": "zh-CN,zh;q=0.9",
            "User-Agent": options.user_agent,
            "account-id": options.account_id,
            "partner": "",
            "uuid": options.uuid or f"{context.random.getrandbits(128):032x}",
            "user-token": options.user_token,
        }
        if options.door == "wxmini":
            return {**headers, "From-Domain": "51job_weixin_wxapp", "Content-Type": "application/json", "xweb_xhr": "1"}
        web = {"From-Domain": "51job_web", "Origin": "https://we.51job.com", "Referer": "https://we.51job.com/"}
        return {**headers, **web, "property": percent_encoded(orjson.dumps(_property(options.account_id)).decode())}


def create(options: QcwyOptions) -> QcwyPlatform:
    """The platform, configured."""
    return QcwyPlatform(options)


def signature(key: bytes, path_query: str, body: bytes = b"") -> str:
    """The header `sign`: HMAC-SHA256 over `/path?query` and the body, exactly as sent; 64 hex digits."""
    return hmac.new(key, path_query.encode("ascii") + body, hashlib.sha256).hexdigest()


def _property(account_id: str) -> dict[str, object]:
    """What the web client tells about itself in every call."""
    return {
        "partner": "",
        "webId": 2,
        "fromdomain": "51job_web",
        "frompageUrl": "https://we.51job.com/",
        "pageUrl": "https://we.51job.com/pc/search",
        "identityType": "",
        "userType": "",
        "isLogin": "是" if account_id else "否",
        "accountid": account_id,
    }


def _with_filter(filters: tuple[tuple[str, str], ...], name: str, code: str) -> tuple[tuple[str, str], ...]:
    return (*(pair for pair in filters if pair[0] != name), (name, code))


def _refusal(envelope: dict[str, Any]) -> Reading | None:
    """The reading of an envelope that refuses; None for status 1."""
    status, message = envelope.get("status"), envelope.get("message")
    if status is None or isinstance(status, dict | list):
        return refused(Verdict.SCHEMA_CHANGED, f"status is {'missing' if status is None else type(status).__name__}")
    if not isinstance(status, bool) and str(status) == "1":
        return None
    words = message if isinstance(message, str) else ""
    return misplaced_page(words) or refused(verdict_from_words(words), f"status {status}: {words}")
