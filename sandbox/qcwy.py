"""The fake 51job: one search through three doors (unsigned behind a WAF, signed GET, signed POST), capped at 1000, with repeats and ads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any, ClassVar
from urllib.parse import quote

import orjson

from sandbox.codes import QCWY_COUNTRY
from sandbox.fakes import BlockedError, FakePlatform, Parcel, whole
from sandbox.identities import digest
from sandbox.model import Entry
from sandbox.seals import qcwy_sign_fault
from sandbox.shelf import Search
from sandbox.visits import SEARCH, Asked, Outcome, Visit

OPEN_DOOR = "/api/job/search-pc"
POST_DOOR = "/open/noauth/recommend/job-tab-dynamic-wx-mini"
FILTERS = ("function", "industry", "salary", "workYear", "degree", "companySize", "companyType", "jobType")
WIDEST_PAGE = 100
KEPT_TRAILS = 5_000


class FakeQcwy(FakePlatform):
    """51job on loopback."""

    name = "qcwy"
    country = (QCWY_COUNTRY,)
    paths: ClassVar = {
        OPEN_DOOR: ("search", SEARCH),
        "/open/noauth/search-pc": ("search", SEARCH),
        POST_DOOR: ("search", SEARCH),
    }

    def __init__(self, parcel: Parcel) -> None:
        super().__init__(parcel)
        self._door_visits: dict[str, int] = {}
        self._walled_until: dict[str, float] = {}
        self._repeated: dict[tuple[Search, float, int], list[Entry]] = {}

    def clear(self) -> None:
        super().clear()
        self._door_visits.clear()
        self._walled_until.clear()

    def ask(self, visit: Visit) -> Asked:
        given = self._given(visit)
        page = whole(given.get("pageNum"), 0, 0, 10**6)
        return Asked(
            kind=self.paths.get(visit.path, ("", ""))[1],
            text=str(given.get("keyword", "")),
            city=str(given.get("jobArea", "")),
            page=page,
            client="none",
        )

    def _given(self, visit: Visit) -> Mapping[str, Any]:
        """The search parameters: the query's, or for the POST door the body's over them."""
        if visit.path != POST_DOOR:
            return visit.params
        try:
            body = orjson.loads(visit.body)
        except orjson.JSONDecodeError:
            return visit.params
        return {**visit.params, **body} if isinstance(body, dict) else visit.params

    def check(self, visit: Visit, _asked: Asked) -> None:
        if (visit.method == "POST") != (visit.path == POST_DOOR):
            raise BlockedError("refused", "method")
        if visit.path == OPEN_DOOR:
            self._check_wall(visit)
            return
        if visit.path == POST_DOOR and visit.headers.get("from-domain") != "51job_weixin_wxapp":
            raise BlockedError("refused", "header_from_domain")
        if fault := qcwy_sign_fault(self.secrets.qcwy_sign_key, visit):
            raise BlockedError("refused", fault)
        if visit.path == POST_DOOR and not is_compact_json(visit.body):
            raise BlockedError("refused", "body_not_compact_json")

    def _check_wall(self, visit: Visit) -> None:
        """The slider before the unsigned door, after waf_after requests from one address."""
        if visit.now < self._walled_until.get(visit.ip, 0.0):
            raise BlockedError("slider", "waf")
        if not self.switches["waf_after"]:
            return
        count = self._door_visits.get(visit.ip, 0) + 1
        if count > self.switches["waf_after"]:
            self._door_visits[visit.ip] = 0
            self._walled_until[visit.ip] = visit.now + self.switches["waf_seconds"]
            raise BlockedError("slider", "waf")
        self._door_visits[visit.ip] = count

    def search(self, visit: Visit, asked: Asked) -> Outcome:
        """One page of a search, every item with its trail."""
        given = self._given(visit)
        size = whole(given.get("pageSize"), 20, 1, WIDEST_PAGE)
        filters = {name: str(given[name]) for name in FILTERS if given.get(name)}
        found = self.page_of(self.search_of(asked.text, asked.city, filters), asked.page or 1, size)
        request_id = self._trail(str(given.get("requestId", "")), asked.page)
        values = {b"R": request_id, b"P": b"%d" % (asked.page or 1), **keyword_holes(asked.text)}
        items = []
        for rank, entry in enumerate(found.entries, found.first_rank):
            values[b"K"] = b"%d" % rank
            items.append(self.pieces(entry).fill(values))
        body = (
            b'{"status":"1","message":"\xe6\x88\x90\xe5\x8a\x9f","resultbody":{"searchType":2,"engineKeywordType":0,"requestId":"%b",'
            b'"job":{"items":[%b],"totalCount":%d,"requestId":"%b","policies":"{\\"layer_rank_v23\\":\\"2099_2\\"}","totalcount":%d}}}'
        ) % (request_id, b",".join(items), found.total, request_id, found.total)
        return Outcome(body=body, verdict="ok" if items else "empty", jobs=len(items))

    def _trail(self, sent: str, page: int) -> bytes:
        """The request id of the answer: the one sent on later pages, a fresh one on the first."""
        if page > 1 and len(sent) == 32 and sent.isalnum() and sent.isascii():
            return sent.encode()
        return self.random.randbytes(16).hex().encode()

    def positions(self, search: Search) -> list[Entry]:
        matches = self.listed(search)
        shown = self._with_repeats(search, matches)
        return shown[: self.switches["cap"]]

    def _with_repeats(self, search: Search, matches: list[Entry]) -> list[Entry]:
        """In a few searches one or two postings come again some places later; they are counted twice, as on the real site."""
        share = self.switches["repeat_share"]
        if not share or len(matches) <= self.default_page_size:
            return matches
        cached = self._repeated.get((search, share, len(matches)))
        if cached is not None:
            return cached
        rng = Random(digest(self.seed, "repeat", search))
        shown = matches
        if rng.random() < share:
            shown = list(matches)
            for _ in range(rng.choice((1, 2))):
                place = rng.randrange(len(matches) - self.default_page_size)
                shown.insert(place + self.default_page_size, matches[place])
        if len(self._repeated) > KEPT_TRAILS:
            self._repeated.clear()
        self._repeated[search, share, len(matches)] = shown
        return shown


def keyword_holes(text: str) -> dict[bytes, bytes]:
    """The keyword as it stands in `property` (JSON in JSON) and in the app link (url-encoded JSON)."""
    if not text:
        return {b"k": b"", b"q": b""}
    once = json.dumps(text, ensure_ascii=False)[1:-1]
    twice = json.dumps(once, ensure_ascii=False)[1:-1]
    return {b"k": twice.encode("utf-8", "replace"), b"q": quote(once).encode()}


def is_compact_json(body: bytes) -> bool:
    """Whether the body is a JSON object without white space between its parts, as the WeChat client sends it."""
    try:
        value = json.loads(body)
    except ValueError:
        return False
    if not isinstance(value, dict):
        return False
    return body in (
        json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"),
        json.dumps(value, separators=(",", ":")).encode(),
    )
