"""Zhilian (智联招聘): calls with their request ids, and what its answers mean.

Search by POST -> details only where the list lacks the description. Nothing is signed; every attempt carries fresh ids, and the
login tokens `at` and `rt` when the operator gives them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from uuid import UUID

import orjson

from jobschema import Platform, Verdict
from jobspiders.platforms.base import (
    Answer,
    Call,
    CallKind,
    PlatformOptions,
    RawJob,
    Reading,
    Reject,
    SearchQuery,
    SignedCall,
    SigningContext,
)
from jobspiders.platforms.cities import city_code
from jobspiders.platforms.listing import judge_shape, read_items
from jobspiders.platforms.options import checked_address, checked_filters, checked_range
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
from jobspiders.platforms.urls import joined, path_below, query_string, with_pairs, without_pairs
from jobspiders.platforms.zhilian_items import ZhilianItemReader, job_url

SEARCH_PATH = "/c/i/search/positions"
DETAIL_PATH = "/c/i/jobs/position-detailv2"

CODES = {210: Verdict.TOKEN_INVALID}  # docs/verdicts.md has the evidence; other codes are judged by their message
_FILTERS = (
    *("S_SOU_WORK_EXPERIENCE", "S_SOU_SALARY_MIN", "S_SOU_SALARY_MAX", "S_SOU_JD_JOB_LEVEL", "S_SOU_COMPANY_ID"),
    *("S_SOU_EDUCATION", "S_SOU_COMPANY_SIZE", "S_SOU_COMPANY_TYPE", "order", "sortType"),
)
# Put in by sign(): those of an address copied from a browser are stale.
_SIGNED_PAIRS = frozenset({"at", "rt", "_v", "x-zp-page-request-id", "x-zp-client-id", "cvNumber", "resumeNumber"})
_OPEN_CLIENT = [("platform", "13"), ("version", "0.0.0")]
_HEX_TOKEN = re.compile(r"[0-9A-Za-z_-]*")


@dataclass(frozen=True, slots=True)
class ZhilianOptions(PlatformOptions):
    """Settings `ZHILIAN_*`."""

    base_url: str = "https://fe-api.zhaopin.com"
    at: str = field(default="", repr=False)  # login tokens, from the cookies of the same names
    rt: str = field(default="", repr=False)
    client_id: str = ""  # of the browser, a UUID; blank = a new one for every attempt
    page_size: int = 20
    max_pages: int = 50
    resume_number: str = field(default="", repr=False)
    user_agent: str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36"

    def __post_init__(self) -> None:
        checked_address("ZHILIAN_BASE_URL", self.base_url)
        checked_range("ZHILIAN_PAGE_SIZE", self.page_size, 1, 100)
        checked_range("ZHILIAN_MAX_PAGES", self.max_pages, 1, 1000)
        checked_range("SCHEMA_REJECTED_SHARE", self.rejected_share, 0, 1)
        for name, token in (("ZHILIAN_AT", self.at), ("ZHILIAN_RT", self.rt)):
            if not _HEX_TOKEN.fullmatch(token):
                raise ValueError(f"{name} holds characters that no token has: give the value of the cookie alone, letters and digits")
        if bool(self.at) != bool(self.rt):
            raise ValueError("ZHILIAN_AT and ZHILIAN_RT belong together: set both, or neither")


class ZhilianPlatform:
    """`SearchPlatform` of Zhilian."""

    name: Platform = Platform.ZHILIAN
    needs_token = False
    filter_names = frozenset(_FILTERS)

    def __init__(self, options: ZhilianOptions) -> None:
        self.options = options
        self.page_size = options.page_size
        self.max_pages = options.max_pages
        self._items = ZhilianItemReader(options.personal_data)

    def city_code(self, city: str) -> str:
        """`SearchPlatform.city_code`."""
        return city_code(Platform.ZHILIAN, city)

    def search(self, query: SearchQuery) -> Call:
        """`SearchPlatform.search`: without login tokens and ids, which `sign` puts in."""
        filters = checked_filters(query, self.filter_names)
        order = filters.pop("order", "0")
        if not (order.isascii() and order.isdigit()):
            raise ValueError(f"filter order={order} is not valid: give a number, such as 0 or 4")
        sort = filters.pop("sortType", "DEFAULT")
        body: dict[str, object] = {
            "S_SOU_FULL_INDEX": query.text,
            "S_SOU_WORK_CITY": query.city_code,
            **filters,
            "order": int(order),
            "pageSize": self.page_size,
            "pageIndex": query.page,
            "eventScenario": "pcSearchedSouSearch",
            "clickFilterBlackCompany": False,
            "platform": 13,
            "version": "0.0.0",
            "sortType": sort,
        }
        url = f"{joined(self.options.base_url, SEARCH_PATH)}?{query_string(_OPEN_CLIENT)}"
        return Call(CallKind.SEARCH, "POST", url, {}, orjson.dumps(body), query=query)

    def next_queries(self, query: SearchQuery, reading: Reading) -> list[SearchQuery]:
        """The next page, unless this one was the last; the platform's count is never trusted."""
        if not reading.has_more or not reading.items or query.page >= self.max_pages:
            return []
        return [replace(query, page=query.page + 1, trail=reading.trail)]

    def detail_calls(self, jobs: Sequence[RawJob]) -> list[Call]:
        """One call for every posting whose list item came without `jobDetailData`."""
        return [self._detail(job) for job in jobs if job.description is None]

    def company_call(self, company_id: str) -> Call | None:  # noqa: ARG002
        """None: companies come with the details."""
        return None

    def recognise(self, method: str, url: str, body: bytes) -> Call | None:
        """`SearchPlatform.recognise`."""
        path = path_below(url, self.options.base_url)
        if path == DETAIL_PATH and method == "GET":
            return Call(CallKind.DETAIL, method, url)
        said = json_object(body) if path == SEARCH_PATH and method == "POST" else None
        if said is None:
            return None
        return Call(CallKind.SEARCH, method, url, body=body, query=asked_query(said, "S_SOU_FULL_INDEX", "S_SOU_WORK_CITY", "pageIndex"))

    def sign(self, call: Call, context: SigningContext) -> SignedCall:
        """Fresh ids for one attempt in address, headers and body, and the login tokens."""
        options = self.options
        action_id, client_id = _uuid(context.random), options.client_id or _uuid(context.random)
        tokens = [("at", options.at), ("rt", options.rt)] if options.at else []
        ids = [
            ("_v", f"{context.random.random():.8f}"),
            ("x-zp-page-request-id", page_request_id(context)),
            ("x-zp-client-id", client_id),
        ]
        account = [("cvNumber", options.resume_number), ("resumeNumber", options.resume_number)] if options.resume_number else []
        url = with_pairs(
            without_pairs(call.url, _SIGNED_PAIRS), before=tokens, after=[*ids, *account] if call.kind is CallKind.DETAIL else ids
        )
        body = orjson.dumps({**orjson.loads(call.body), **self._login(action_id)}) if call.body else b""
        return SignedCall(call.method, url, {**call.headers, **self._headers(action_id, bool(body))}, body)

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
        data = envelope.get("data")
        if not isinstance(data, dict):
            return shape_changed(answer, "data", data)
        if data.get("isVerification") in (1, True):
            return refused(Verdict.CHALLENGE, "isVerification 1")
        if call.kind is CallKind.SEARCH:
            return self._read_search(call, answer, data)
        return self._read_detail(call, answer, data)

    def _detail(self, job: RawJob) -> Call:
        url = f"{joined(self.options.base_url, DETAIL_PATH)}?{query_string([('number', job.job_id), *_OPEN_CLIENT])}"
        return Call(CallKind.DETAIL, "GET", url, jobs=(job,))

    def _login(self, action_id: str) -> dict[str, object]:
        """What the body says about the attempt and the account."""
        options = self.options
        said: dict[str, object] = {"actionid": action_id, "anonymous": 0 if options.at else 1}
        if options.at:
            said |= {"at": options.at, "rt": options.rt}
        return {**said, "cvNumber": options.resume_number, "resumeNumber": options.resume_number}

    def _headers(self, action_id: str, has_body: bool) -> dict[str, str]:
        headers = {
            "Accept": "application/json, text/plain, */*",
            "Accept-Language": "zh-CN,zh;q=0.9",
            "Origin": "https://www.zhaopin.com",
            "Referer": "https://www.zhaopin.com/",
            "User-Agent": self.options.user_agent,
            "x-zp-platform": "13",
            "x-zp-business-system": "1",
            "x-zp-page-code": "4089" if self.options.at else "4019",
            "x-zp-action-id": action_id,
        }
        return {**headers, "Content-Type": "application/json;charset=UTF-8"} if has_body else headers

    def _read_search(self, call: Call, answer: Answer, data: dict[str, Any]) -> Reading:
        data, items = _list_in(data)
        if not isinstance(items, list):
            return shape_changed(answer, "data.list", items)
        page = call.query.page if call.query else 1
        end = data.get("isEndPage")
        if not items:
            return _read_empty(data, end)
        is_last = end in (1, True) or (end is None and _is_old_end(data, page, len(items)))
        total = data.get("count", data.get("numFound"))
        reading = Reading(verdict=Verdict.OK, total=total if type(total) is int else None, has_more=not is_last)
        read_items(reading, items, self._items)
        reading.capped = reading.has_more and page >= self.max_pages
        return judge_shape(reading, self.options.rejected_share)

    def _read_detail(self, call: Call, answer: Answer, data: dict[str, Any]) -> Reading:
        position, company = data.get("detailedPosition"), data.get("detailedCompany")
        if "detailedPosition" in data and not position:
            return refused(Verdict.NOT_FOUND, "detailedPosition is blank: the posting is gone")
        if position is None and data.get("list") == []:
            return refused(Verdict.SOFT_BAN, "a search's empty list where a posting was asked for")
        if not isinstance(position, dict):
            return shape_changed(answer, "data.detailedPosition", position)
        reading = Reading(verdict=Verdict.OK, items=1)
        job = self._items.read_job(position)
        made = None
        if isinstance(job, RawJob) and isinstance(company, dict):
            made = self._items.read_detailed_company(company, job.company_id)
        if isinstance(job, Reject) or isinstance(made, Reject):
            reading.rejects.append(job if isinstance(job, Reject) else made)  # type: ignore[arg-type]
            return judge_shape(reading, self.options.rejected_share)
        if call.jobs and job.url == job_url(job.job_id):
            job.url = ""  # made up from the number: the list's own address is better
        reading.jobs.append(job)
        reading.companies.extend([made] if made else [])
        return reading


def create(options: ZhilianOptions) -> ZhilianPlatform:
    """The platform, configured."""
    return ZhilianPlatform(options)


def page_request_id(context: SigningContext) -> str:
    """32 hex digits, unix milliseconds, up to six random digits, joined by `-`."""
    return f"{context.random.getrandbits(128):032x}-{int(context.now * 1000)}-{context.random.randrange(1_000_000)}"


def _uuid(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))


def _list_in(data: dict[str, Any]) -> tuple[dict[str, Any], object]:
    """The object that holds the list, and the list: `data.list`, `data.data.list` (2021, similar positions), `data.results` (2018)."""
    inside = data.get("data")
    if data.get("list") is None and isinstance(inside, dict):
        data = {**data, **inside}
    return data, data.get("list") if data.get("list") is not None else data.get("results")


def _read_empty(data: dict[str, Any], end: object) -> Reading:
    """An empty list: the platform's word for "nothing" names `isEndPage`; a stale login or a soft block leaves it out, or counts items."""
    count = data.get("count", data.get("numFound"))
    counted = count if type(count) is int else 0
    if end in (1, True):
        return Reading(verdict=Verdict.EMPTY, total=counted)
    if counted > 0:
        return refused(Verdict.SOFT_BAN, f"count is {counted} and the list is empty")
    if end is None and "numFound" not in data:
        return refused(Verdict.SOFT_BAN, "the list is empty and isEndPage is missing: stale login or soft block")
    return Reading(verdict=Verdict.EMPTY, total=counted)


def _is_old_end(data: dict[str, Any], page: int, size: int) -> bool:
    """2018: the answer names no last page but how many were found."""
    found = data.get("numFound", data.get("numTotal"))
    return "results" in data and type(found) is int and found <= page * size


def _refusal(envelope: dict[str, Any]) -> Reading | None:
    """The reading of an envelope that refuses; None for code 200 (and apiCode 200, where it is told)."""
    code = envelope.get("code")
    if code == 200 and type(envelope.get("apiCode")) is int:
        code = envelope["apiCode"]
    if type(code) is not int:
        return refused(Verdict.SCHEMA_CHANGED, f"code is {'missing' if code is None else type(code).__name__}")
    if code == 200:
        return None
    said = [envelope.get(key) for key in ("message", "msg", "statusDescription")]
    words = next((text for text in said if isinstance(text, str) and text), "")
    return misplaced_page(words) or refused(CODES.get(code) or verdict_from_words(words), f"code {code}: {words}")
