"""Boss Zhipin (Boss直聘) through its WeChat mini-program: calls, their headers, and what its answers mean.

Search -> details, several in one batch -> brand pages. The session token (`mpt`) comes from the token pool for every attempt.
Whatever an operator's signing script adds is put on after `sign()`.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import orjson

from jobschema import Platform, Verdict
from jobspiders.platforms.base import (
    Answer,
    Call,
    CallKind,
    PlatformOptions,
    RawCompany,
    RawJob,
    Reading,
    Reject,
    SearchQuery,
    SignedCall,
    SigningContext,
)
from jobspiders.platforms.boss_items import BossItemReader, read_brand
from jobspiders.platforms.cities import city_code
from jobspiders.platforms.listing import judge_shape, read_items
from jobspiders.platforms.options import checked_address, checked_choice, checked_filters, checked_range
from jobspiders.platforms.reading import asked_query, by_status, open_envelope, refused, shape_changed, verdict_from_words
from jobspiders.platforms.urls import joined, parameters, path_below, query_string

SEARCH_PATH = "/wapi/zpgeek/miniapp/search/joblist.json"
DETAIL_PATH = "/wapi/zpgeek/miniapp/job/detail.json"
BATCH_PATH = "/wapi/batch/batchRunV3"
BRAND_PATH = "/wapi/zpgeek/miniapp/brand/detail.json"
_KINDS = {SEARCH_PATH: CallKind.SEARCH, DETAIL_PATH: CallKind.DETAIL, BATCH_PATH: CallKind.BATCH, BRAND_PATH: CallKind.COMPANY}

# Codes of the envelope; docs/verdicts.md has the evidence. An unknown code is judged by its message.
CODES = {
    7: Verdict.TOKEN_INVALID,
    9: Verdict.RATE_LIMITED,
    24: Verdict.TOKEN_INVALID,  # the token belongs to somebody who acts as a recruiter
    31: Verdict.CHALLENGE,
    35: Verdict.IP_BANNED,
    36: Verdict.ACCOUNT_BANNED,
    37: Verdict.CHALLENGE,  # seen while logged in, so it is no expired login
}
# Of several bad answers in one batch, the one that asks for the strongest reaction speaks for all.
_GRAVITY = (
    Verdict.ACCOUNT_BANNED,
    Verdict.IP_BANNED,
    Verdict.TOKEN_INVALID,
    Verdict.CHALLENGE,
    Verdict.RATE_LIMITED,
    Verdict.SOFT_BAN,
    Verdict.SCHEMA_CHANGED,
    Verdict.SERVER_ERROR,
    Verdict.NOT_FOUND,
)
_BLANK_SALARIES = 5  # a list this long in which no posting shows a salary is what unregistered visitors get

_EMPTY_FILTERS = (
    *("stage", "scale", "degree", "industry", "salary", "experience", "subwayLineId", "subwayStationId"),
    *("districtCode", "businessCode", "longitude", "latitude", "position", "expectId", "expectPosition", "encryptExpectId"),
)
_PRIVATE_FILTERS = frozenset({"expectId", "expectPosition", "encryptExpectId"})  # they belong to the account
_UA_OF_PLATFORM = {
    "zhipin/windows": {"model": "microsoft", "platform": "windows"},
    "zhipin/mac": {"model": "MacBook Pro", "platform": "mac"},
    "zhipin/ios": {"model": "iPhone", "platform": "ios"},
}


@dataclass(frozen=True, slots=True)
class BossOptions(PlatformOptions):
    """Settings `BOSS_*`."""

    base_url: str = "https://www.zhipin.com"
    wt2: str = field(default="", repr=False)  # login token; search works without
    version: str = "13.2200"
    app_id: str = "10002"
    page_size: int = 15
    max_pages: int = 99  # no hard limit is known; `hasMore` ends a search before
    batch_size: int = 5  # details per batch call; 1 = no batches
    platform: str = "zhipin/windows"
    scene: str = "1256"
    build: int = 587  # of the mini-program, in the referer
    user_agent: str = (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36 "
        "MicroMessenger/7.0.20.1781(0x6700143B) NetType/WIFI MiniProgramEnv/Windows WindowsWechat/WMPF WindowsWechat(0x63090a13) XWEB/14315"
    )

    def __post_init__(self) -> None:
        checked_address("BOSS_BASE_URL", self.base_url)
        checked_choice("BOSS_PAGE_SIZE", self.page_size, (10, 15, 30))
        checked_choice("BOSS_PLATFORM", self.platform, _UA_OF_PLATFORM)
        checked_range("BOSS_BATCH_SIZE", self.batch_size, 1, 20)
        checked_range("BOSS_MAX_PAGES", self.max_pages, 1, 1000)
        checked_range("SCHEMA_REJECTED_SHARE", self.rejected_share, 0, 1)


class BossPlatform:
    """`SearchPlatform` of Boss Zhipin."""

    name: Platform = Platform.BOSS
    needs_token = True
    filter_names = frozenset(_EMPTY_FILTERS) - _PRIVATE_FILTERS | {"source", "sortType", "jobType"}

    def __init__(self, options: BossOptions) -> None:
        self.options = options
        self.page_size = options.page_size
        self.max_pages = options.max_pages
        self._items = BossItemReader(options.personal_data)

    def city_code(self, city: str) -> str:
        """`SearchPlatform.city_code`."""
        return city_code(Platform.BOSS, city)

    def search(self, query: SearchQuery) -> Call:
        """`SearchPlatform.search`. ValueError for a filter that the platform does not have."""
        filters = checked_filters(query, self.filter_names)
        known = {"source": "1", "sortType": "0", **filters}
        pairs = [
            ("query", query.text),
            ("city", query.city_code),
            ("page", str(query.page)),
            ("pageSize", str(self.page_size)),
            ("source", known["source"]),
            ("sortType", known["sortType"]),
            ("appId", self.options.app_id),
            *((name, filters.get(name, "")) for name in _EMPTY_FILTERS),
            *(pair for pair in query.filters if pair[0] == "jobType"),  # only sent when it is chosen
        ]
        return self._get(CallKind.SEARCH, SEARCH_PATH, pairs, query=query)

    def next_queries(self, query: SearchQuery, reading: Reading) -> list[SearchQuery]:
        """The next page while the platform says that there is one."""
        if not (reading.has_more and reading.jobs) or query.page >= self.max_pages:
            return []
        return [replace(query, page=query.page + 1, trail=reading.trail)]

    def detail_calls(self, jobs: Sequence[RawJob]) -> list[Call]:
        """Batches of `batch_size` details; a detail that is alone goes by itself. A posting without securityId has no detail."""
        lacking = [job for job in jobs if job.description is None and job.handle.get("securityId")]
        size = self.options.batch_size
        return [self._details(tuple(lacking[start : start + size])) for start in range(0, len(lacking), size)]

    def company_call(self, company_id: str) -> Call | None:
        """The brand's own page."""
        pairs = [("brandId", company_id), ("appId", self.options.app_id)]
        return self._get(CallKind.COMPANY, BRAND_PATH, pairs, company_id=company_id)

    def recognise(self, method: str, url: str, body: bytes) -> Call | None:
        """`SearchPlatform.recognise`."""
        kind = _KINDS.get(path_below(url, self.options.base_url))
        if kind is None:
            return None
        asked = parameters(url)
        query = asked_query(asked, "query", "city", "page") if kind is CallKind.SEARCH else None
        return Call(kind, method, url, body=body, query=query, company_id=asked.get("brandId", ""))

    def sign(self, call: Call, context: SigningContext) -> SignedCall:
        """The mini-program's headers, with the token lent for this attempt. The address is sent as it is."""
        options = self.options
        headers = {
            **call.headers,
            "mpt": context.token,
            "wt2": options.wt2,
            "zp_app_id": options.app_id,
            "zp_product_id": options.app_id,
            "mini_ver": options.version,
            "ver": options.version,
            "platform": options.platform,
            "ua": orjson.dumps(_UA_OF_PLATFORM[options.platform]).decode(),
            "traceid": trace_id(context.random),
            "scene": options.scene,
            "x-requested-with": "XMLHttpRequest",
            "xweb_xhr": "1",
            "content-type": "application/x-www-form-urlencoded",
            "referer": f"https://servicewechat.com/wxa8da525af05281f3/{options.build}/page-frame.html",
            "User-Agent": options.user_agent,
            "Accept": "*/*",
            "Accept-Language": "zh-CN,zh;q=0.9",
        }
        return SignedCall(call.method, call.url, headers, call.body)

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
        data = envelope.get("zpData")
        if call.kind is CallKind.BATCH:
            return self._read_batch(call, answer, data)
        if not isinstance(data, dict):
            return shape_changed(answer, "zpData", data)
        if call.kind is CallKind.DETAIL:
            return self._read_detail(data)
        return self._read_company(call, data) if call.kind is CallKind.COMPANY else self._read_search(call, answer, data)

    def _get(self, kind: CallKind, path: str, pairs: list[tuple[str, str]], **about: Any) -> Call:
        return Call(kind, "GET", f"{joined(self.options.base_url, path)}?{query_string(pairs)}", **about)

    def _details(self, jobs: tuple[RawJob, ...]) -> Call:
        if len(jobs) == 1:
            return self._get(CallKind.DETAIL, DETAIL_PATH, [*_detail_pairs(jobs[0]), ("appId", self.options.app_id)], jobs=jobs)
        feed = [f"method={DETAIL_PATH}&{query_string(_detail_pairs(job))}" for job in jobs]
        pairs = [("appId", self.options.app_id), ("batch_method_feed", orjson.dumps(feed).decode())]
        return self._get(CallKind.BATCH, BATCH_PATH, pairs, jobs=jobs)

    def _read_search(self, call: Call, answer: Answer, data: dict[str, Any]) -> Reading:
        items = data.get("list") if data.get("list") is not None else data.get("jobList")
        if not isinstance(items, list):
            return shape_changed(answer, "zpData.list", items)
        has_more = data.get("hasMore")
        if not isinstance(has_more, bool):
            return shape_changed(answer, "zpData.hasMore", has_more)
        page = call.query.page if call.query else 1
        if not items:
            if has_more and page == 1:
                return refused(Verdict.SOFT_BAN, "hasMore on page 1, and no item")
            return Reading(verdict=Verdict.EMPTY)
        total = data.get("totalCount")
        reading = Reading(verdict=Verdict.OK, total=total if type(total) is int else None, has_more=has_more)
        read_items(reading, items, self._items)
        reading.capped = has_more and page >= self.max_pages
        if len(reading.jobs) >= _BLANK_SALARIES and not any(job.salary_text for job in reading.jobs):
            return refused(Verdict.SOFT_BAN, "no posting of the page shows its salary: answered as to a visitor")
        return judge_shape(reading, self.options.rejected_share)

    def _read_detail(self, data: dict[str, Any]) -> Reading:
        reading = Reading(verdict=Verdict.OK, items=1)
        found = self._detail_in(data)
        if isinstance(found, Reading):
            return found
        if isinstance(found, Reject):
            reading.rejects.append(found)
            return judge_shape(reading, self.options.rejected_share)
        reading.jobs.append(found[0])
        reading.companies.extend([found[1]] if found[1] else [])
        return reading

    def _detail_in(self, data: dict[str, Any]) -> tuple[RawJob, RawCompany | None] | Reject | Reading:
        posting = data.get("jobBaseInfoVO") or data.get("jobInfo")
        if not isinstance(posting, dict):
            return refused(Verdict.SCHEMA_CHANGED, f"zpData.jobBaseInfoVO is {'missing' if posting is None else type(posting).__name__}")
        if posting.get("deleted"):
            return refused(Verdict.NOT_FOUND, "the posting is deleted")
        brand = data.get("brandComInfoVO") or data.get("brandComInfo")
        recruiter = data.get("bossBaseInfoVO") or data.get("bossInfo")
        return self._items.read_detail(posting, brand if isinstance(brand, dict) else None, recruiter)

    def _read_company(self, call: Call, data: dict[str, Any]) -> Reading:
        if not data:
            return refused(Verdict.NOT_FOUND, "zpData is blank: no such brand")
        inside = data.get("brandComInfoVO") or data.get("brandComInfo")
        company = read_brand(inside if isinstance(inside, dict) else data, call.company_id)
        if company is None:
            return refused(Verdict.SCHEMA_CHANGED, "zpData names no encryptBrandId")
        reading = Reading(verdict=Verdict.OK, items=1)
        if isinstance(company, Reject):
            reading.rejects.append(company)
            return judge_shape(reading, self.options.rejected_share)
        company.complete = True
        reading.companies.append(company)
        return reading

    def _read_batch(self, call: Call, answer: Answer, data: object) -> Reading:
        if not isinstance(data, dict | list):
            return shape_changed(answer, "zpData", data)
        reading = Reading(verdict=Verdict.OK)
        settled: set[str] = set()
        for key, inner in _inner_envelopes(data):
            reading.items += 1
            self._read_inner(reading, settled, inner, _asked_for(key, call.jobs))
        reading.missing = [job for job in call.jobs if job.job_id not in settled]
        judge_shape(reading, self.options.rejected_share)
        if reading.verdict is Verdict.OK and not reading.jobs:
            reading.verdict, reading.reason = min(
                reading.inner, key=_gravity, default=(Verdict.SCHEMA_CHANGED, "the batch holds no answer")
            )
        return reading

    def _read_inner(self, reading: Reading, settled: set[str], inner: object, asked: RawJob | None) -> None:
        bad = _refusal(inner) if isinstance(inner, dict) else refused(Verdict.SERVER_ERROR, "inner answer is no envelope")
        data = inner.get("zpData") if isinstance(inner, dict) else None
        if bad is None and not isinstance(data, dict):
            bad = refused(Verdict.SCHEMA_CHANGED, "inner zpData is no object")
        found = bad or self._detail_in(data if isinstance(data, dict) else {})
        if isinstance(found, Reading):
            reading.inner.append((found.verdict, found.reason))
            if found.verdict is Verdict.NOT_FOUND and asked is not None:
                settled.add(asked.job_id)  # that it is gone is an answer too
        elif isinstance(found, Reject):
            reading.rejects.append(found)
            reading.inner.append((Verdict.SCHEMA_CHANGED, found.reason))
        elif found[0].job_id not in settled:
            settled.add(found[0].job_id)
            reading.jobs.append(found[0])
            known = {company.company_id for company in reading.companies}
            reading.companies.extend([found[1]] if found[1] and found[1].company_id not in known else [])


def create(options: BossOptions) -> BossPlatform:
    """The platform, configured."""
    return BossPlatform(options)


def trace_id(random: Random) -> str:
    """A `traceid` header: `F-`, six hexadecimal digits, ten letters or digits."""
    letters = string.ascii_letters + string.digits
    return f"F-{random.getrandbits(24):06x}{''.join(random.choices(letters, k=10))}"


def _detail_pairs(job: RawJob) -> list[tuple[str, str]]:
    handle = job.handle
    return [
        ("securityId", handle.get("securityId", "")),
        ("jobId", job.job_id),
        ("lid", handle.get("lid", "")),
        ("source", "11"),
        ("scene", ""),
    ]


def _refusal(envelope: dict[str, Any]) -> Reading | None:
    """The reading of an envelope that refuses; None for code 0."""
    code, message = envelope.get("code"), envelope.get("message")
    words = message if isinstance(message, str) else ""
    if isinstance(code, str) and code.removeprefix("-").isascii() and code.removeprefix("-").isdigit() and len(code) < 12:
        code = int(code)
    if type(code) is not int:
        return refused(Verdict.SCHEMA_CHANGED, f"code is {'missing' if code is None else type(code).__name__}")
    if code == 0:
        return None
    return refused(CODES.get(code) or verdict_from_words(words), f"code {code}: {words}")


def _inner_envelopes(data: dict[str, Any] | list[Any]) -> Iterator[tuple[str, object]]:
    """The answers of a batch with their keys. How two sub-requests of one path are keyed is unknown: lists and texts are opened too."""
    pairs = data.items() if isinstance(data, dict) else (("", value) for value in data)
    for key, value in pairs:
        for inner in value if isinstance(value, list) else (value,):
            yield key, _opened(inner)


def _opened(inner: object) -> object:
    if not isinstance(inner, str):
        return inner
    try:
        return orjson.loads(inner)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return None


def _asked_for(key: str, jobs: tuple[RawJob, ...]) -> RawJob | None:
    """The posting that a sub-request's key speaks of, by its ids; the only one asked for when the key names none."""
    for job in jobs:
        if job.job_id in key or (job.handle.get("securityId") or key + " ") in key:
            return job
    return jobs[0] if len(jobs) == 1 else None


def _gravity(inner: tuple[Verdict, str]) -> int:
    return _GRAVITY.index(inner[0])
