"""What every platform answers, as pure functions of plain values: build a call, sign it, read the answer.

No Scrapy, no I/O; the clock and randomness are passed in. A platform is one module here with one class that satisfies
`SearchPlatform`; the spiders and middlewares ask it and never know its name.

    SearchQuery -> search() -> Call -> sign() -> (network) -> Answer -> read() -> Reading -> next_queries(), detail_calls(), ...
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from random import Random
from typing import Any, Protocol

from jobschema import Employment, Platform, Verdict


class CallKind(StrEnum):
    """What a call asks for; also what `scrapy replay` takes as KIND."""

    SEARCH = "search"
    DETAIL = "detail"
    BATCH = "batch"
    COMPANY = "company"


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """One page of one search. `filters` are the platform's own parameter names and codes; `trail` is what a platform must
    remember from page to page (a request id, say)."""

    text: str
    city_code: str
    page: int = 1
    filters: tuple[tuple[str, str], ...] = ()
    trail: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """An unsigned request: what the duplicate filter, the HTTP cache and the logs see. It carries no secret."""

    kind: CallKind
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    query: SearchQuery | None = None  # of a search
    jobs: tuple[RawJob, ...] = ()  # of a detail or batch: the postings that it is about
    company_id: str = ""  # of a company call


@dataclass(frozen=True, slots=True)
class SignedCall:
    """What really goes over the wire for one attempt."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class SigningContext:
    """What a signature may depend on beside the call: the token lent for this attempt, the clock, randomness."""

    now: float  # unix seconds
    random: Random
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as plain values: header names in lower case, body already decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True, kw_only=True)
class RawJob:
    """A posting in the platform's own words, field names made common. None = this page does not tell."""

    job_id: str
    title: str
    url: str = ""
    company_id: str = ""
    company_name: str = ""
    place_text: str = ""
    city: str = ""
    city_code: str = ""
    district: str = ""
    area: str = ""
    address: str = ""
    longitude: float | None = None
    latitude: float | None = None
    salary_text: str = ""
    experience_text: str = ""
    education_text: str = ""
    employment_text: str = ""
    employment: Employment | None = None
    skills: list[str] = field(default_factory=list)
    welfare: list[str] = field(default_factory=list)
    industry: str = ""
    description: str | None = None
    recruits_text: str = ""
    published_text: str = ""
    updated_text: str = ""
    recruiter: dict[str, Any] | None = None  # only when personal data is switched on
    keyword: str = ""  # the keyword that found it
    handle: dict[str, str] = field(default_factory=dict)  # what a detail call needs (securityId, lid); never stored
    raw: dict[str, Any] = field(default_factory=dict)  # the platform's item, personal data removed


@dataclass(slots=True, kw_only=True)
class RawCompany:
    """A company in the platform's own words, field names made common."""

    company_id: str
    name: str
    url: str = ""
    full_name: str = ""
    industry: str = ""
    size_text: str = ""
    kind: str = ""
    stage: str = ""
    city: str = ""
    address: str = ""
    longitude: float | None = None
    latitude: float | None = None
    introduction: str | None = None
    capital_text: str = ""
    founded_text: str = ""
    status: str = ""
    business_scope: str = ""
    complete: bool = True  # false: a page of its own says more, so it stays pending until that is fetched
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reject:
    """An item that was refused, and why: `field:missing`, `field:type`, `item:type`."""

    reason: str
    item_id: str = ""
    value: str = ""  # shortened text of the offending value, never personal data


@dataclass(slots=True, kw_only=True)
class Reading:
    """What an answer really was, and everything in it."""

    verdict: Verdict
    reason: str = ""  # why the verdict is not ok: the platform's code and words
    retry_after: float | None = None  # seconds, when the platform says
    jobs: list[RawJob] = field(default_factory=list)
    companies: list[RawCompany] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    items: int = 0  # list elements, ads and rejected ones too
    ads: int = 0  # list elements that are no postings
    total: int | None = None  # what the platform says the search holds
    has_more: bool = False  # whether the platform's own stop rule allows a next page
    capped: bool = (
        False  # whether more may exist than can be paged to: `total` stands at the cap, or `max_pages` is reached with more behind
    )
    trail: tuple[tuple[str, str], ...] = ()  # for the next page's SearchQuery
    missing: list[RawJob] = field(default_factory=list)  # of a batch: asked for and not answered
    inner: list[tuple[Verdict, str]] = field(default_factory=list)  # of a batch: verdicts inside the envelope that are not ok


class SearchPlatform(Protocol):
    """What the spiders and middlewares ask of a platform."""

    name: Platform
    needs_token: bool  # whether every call is made with a token from the pool
    page_size: int
    max_pages: int  # the deepest page worth asking for
    filter_names: frozenset[str]  # search parameters that `-a filters=` may set

    def city_code(self, city: str) -> str:
        """The platform's code for a city name or code; ValueError lists what is valid."""

    def search(self, query: SearchQuery) -> Call:
        """The call for one page of a search."""

    def next_queries(self, query: SearchQuery, reading: Reading) -> list[SearchQuery]:
        """The pages or narrower searches that `reading` (page `query.page`) opens. Empty: the search is exhausted."""

    def detail_calls(self, jobs: Sequence[RawJob]) -> list[Call]:
        """The calls that fetch what the list lacks of these postings; none for postings that are whole."""

    def company_call(self, company_id: str) -> Call | None:
        """The call that fetches a company's own page; None where the platform has none."""

    def recognise(self, method: str, url: str, body: bytes) -> Call | None:
        """The call that somebody's own request (`scrapy shell`, `scrapy fetch`) amounts to; None when it is none of this platform's."""

    def sign(self, call: Call, context: SigningContext) -> SignedCall:
        """Every header, parameter and signature of one attempt, over the bytes really sent."""

    def read(self, call: Call, answer: Answer) -> Reading:
        """Classify and parse an answer. Never raises, whatever the bytes are."""


def merged(base: RawJob, extra: RawJob) -> RawJob:
    """The posting as its detail page tells it, with what only the list told: `extra` wins wherever it says something."""
    values = {f.name: getattr(base, f.name) for f in fields(RawJob)}
    for f in fields(RawJob):
        said = getattr(extra, f.name)
        if said not in (None, "", [], {}):
            values[f.name] = said
    values["raw"] = {**base.raw, **extra.raw}
    if values["description"] is None:
        values["description"] = extra.description
    return RawJob(**values)


@dataclass(frozen=True, slots=True)
class PlatformOptions:
    """What every platform is told by settings `<PLATFORM>_<NAME>`; each module extends it. Secrets have `repr=False`."""

    base_url: str = ""
    personal_data: bool = False  # PERSONAL_DATA_ENABLED
    rejected_share: float = 0.2  # SCHEMA_REJECTED_SHARE: more than this share of a page rejected = schema_changed

    def check_secrets(self) -> None:
        """Raise ValueError, naming the setting, when a secret is missing without which no call can be signed."""
