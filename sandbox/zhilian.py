"""The fake Zhilian: position search (POST), the 2018 search (GET /c/i/sou) and position details, behind page-request ids and at/rt."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Any, ClassVar
from uuid import UUID

import orjson

from sandbox.codes import ZHILIAN_COUNTRY
from sandbox.fakes import BlockedError, FakePlatform, Parcel, as_json, label_of, whole
from sandbox.identities import digest
from sandbox.model import Entry
from sandbox.pieces import Pieces
from sandbox.shelf import Search
from sandbox.visits import DETAIL, SEARCH, Asked, Outcome, Visit
from sandbox.zhilian_items import ad_card

PAGE_REQUEST_ID = re.compile(r"^[0-9a-f]{32}-(\d{13})-\d{1,6}$")
FRESH_MS = 300_000
ACTIONS_KEPT = 100_000
FILTERS = ("S_SOU_WORK_EXPERIENCE", "S_SOU_EDUCATION", "S_SOU_COMPANY_SIZE", "S_SOU_COMPANY_TYPE", "S_SOU_COMPANY_ID")
OLD_FILTERS = {"workExperience": "S_SOU_WORK_EXPERIENCE", "education": "S_SOU_EDUCATION", "companyType": "S_SOU_COMPANY_TYPE"}
POSITIONS_PATH = "/c/i/search/positions"
OLD_PATH = "/c/i/sou"
WIDEST_PAGE = 100
NO_RESULTS = b'{"code":200,"apiCode":200,"data":{"statusCode":200,"isVerification":0,"count":0,"isEndPage":1,"list":[]}}'


class FakeZhilian(FakePlatform):
    """Zhilian on loopback."""

    name = "zhilian"
    country = ZHILIAN_COUNTRY
    paths: ClassVar = {
        POSITIONS_PATH: ("search", SEARCH),
        OLD_PATH: ("old_search", SEARCH),
        "/c/i/jobs/position-detailv2": ("detail", DETAIL),
    }

    def __init__(self, parcel: Parcel) -> None:
        super().__init__(parcel)
        self._actions: OrderedDict[str, None] = OrderedDict()

    def clear(self) -> None:
        super().clear()
        self._actions.clear()

    def ask(self, visit: Visit) -> Asked:
        kind = self.paths.get(visit.path, ("", ""))[1]
        label = label_of(visit.params.get("at", ""), (self.secrets.zhilian_at,), "at")
        if visit.path == OLD_PATH:
            start, size = whole(visit.params.get("start"), 0, 0, 10**6), whole(visit.params.get("pageSize"), 60, 1, WIDEST_PAGE)
            return Asked(
                kind=kind, text=visit.params.get("kw", ""), city=visit.params.get("cityId", ""), page=start // size + 1, client=label
            )
        body = body_of(visit)
        page = whole(body.get("pageIndex"), 1 if kind == SEARCH else 0, 0, 10**6)
        return Asked(
            kind=kind, text=str(body.get("S_SOU_FULL_INDEX", "")), city=str(body.get("S_SOU_WORK_CITY", "")), page=page, client=label
        )

    def check(self, visit: Visit, asked: Asked) -> None:
        if (visit.method == "POST") != (visit.path == POSITIONS_PATH):
            raise BlockedError("failure", "method")
        if self.switches["login"]:
            self._check_login(visit, body_of(visit))
        if asked.client == "at-1":
            self.check_token(visit, asked)
        if visit.path == POSITIONS_PATH:
            self._check_ids(visit, body_of(visit))

    def _check_login(self, visit: Visit, body: dict[str, Any]) -> None:
        """at and rt in the query; where the body names them too, the same there."""
        for name, right in (("at", self.secrets.zhilian_at), ("rt", self.secrets.zhilian_rt)):
            given = visit.params.get(name, "")
            if not given:
                raise BlockedError("login_expired", f"{name}_missing")
            if given != right or body.get(name, right) not in ("", right):
                raise BlockedError("login_expired", f"{name}_wrong")

    def _check_ids(self, visit: Visit, body: dict[str, Any]) -> None:
        """The ids that stand in for a signature; anything wrong gives the soft block."""
        params, headers = visit.params, visit.headers
        found = PAGE_REQUEST_ID.match(params.get("x-zp-page-request-id", ""))
        action = headers.get("x-zp-action-id", "")
        faults = {
            "page_request_id_form": not found,
            "page_request_id_stale": bool(found) and abs(visit.now * 1000 - int(found[1] if found else 0)) > FRESH_MS,
            "v_form": not re.fullmatch(r"0\.\d{8}", params.get("_v", "")),
            "client_id_form": not is_uuid(params.get("x-zp-client-id", "")),
            "platform_or_version": (params.get("platform"), params.get("version")) != ("13", "0.0.0"),
            "header_platform": headers.get("x-zp-platform") != "13" or headers.get("x-zp-business-system") != "1",
            "action_id_form": not is_uuid(action) or body.get("actionid") != action,
            "action_id_reused": action in self._actions,
        }
        if fault := next((name for name, is_so in faults.items() if is_so), ""):
            raise BlockedError("empty_zero", fault)
        self._actions[action] = None
        if len(self._actions) > ACTIONS_KEPT:
            self._actions.popitem(last=False)

    def search(self, visit: Visit, asked: Asked) -> Outcome:
        """One page of positions, an ad card among them now and then. `count` says 100 whatever there is."""
        body = body_of(visit)
        search = self.search_of(
            asked.text, asked.city, {name: str(body[name]) for name in FILTERS if body.get(name) not in (None, "", "-1", -1)}
        )
        found = self.page_of(search, asked.page, whole(body.get("pageSize"), 20, 1, WIDEST_PAGE))
        if not found.entries:
            return Outcome(body=NO_RESULTS, verdict="empty")
        items = [self.pieces(entry).parts[0] for entry in found.entries]
        jobs = len(items)
        self._mix_ads(items, search, found.page)
        answer = b'{"code":200,"apiCode":200,"data":{"count":100,"isEndPage":%d,"isVerification":0,"statusCode":200,"list":[%b]}}'
        return Outcome(body=answer % (found.is_last, b",".join(items)), jobs=jobs)

    def _mix_ads(self, items: list[bytes], search: Search, page: int) -> None:
        """Put an ad card into its share of the pages, always the same ones."""
        luck = digest(self.seed, "ad", search, page)
        if int.from_bytes(luck[:4], "big") < self.switches["ad_share"] * 2**32:
            items.insert(luck[4] % (len(items) + 1), as_json(ad_card(luck[5])))

    def old_search(self, visit: Visit, asked: Asked) -> Outcome:
        """The answer of the 2018 era: data.results, numFound, numTotal."""
        params = visit.params
        size = whole(params.get("pageSize"), 60, 1, WIDEST_PAGE)
        filters = {new: params[old] for old, new in OLD_FILTERS.items() if params.get(old, "-1") != "-1"}
        found = self.page_of(self.search_of(asked.text, asked.city, filters), asked.page, size)
        items = b",".join(self._old_pieces(entry) for entry in found.entries)
        head = b'{"code":200,"data":{"code":200,"numFound":%d,"numTotal":%d,"results":[%b]}}'
        verdict = "ok" if found.entries else "empty"
        return Outcome(body=head % (found.total, found.total, items), verdict=verdict, jobs=len(found.entries))

    def _old_pieces(self, entry: Entry) -> bytes:
        made: Pieces | None = entry.cache.get("old_pieces")
        if made is None:
            made = entry.cache["old_pieces"] = Pieces(entry.cache["old"]())
        return made.parts[0]

    def detail(self, visit: Visit, _asked: Asked) -> Outcome:
        """detailedPosition and detailedCompany of one position."""
        entry = self.shelf.by_id.get(visit.params.get("number", ""))
        if entry is None or entry.detail is None or self.is_gone(entry):
            return Outcome(
                body=b'{"code":200,"data":{"detailedPosition":null,"detailedCompany":null}}', verdict="not_found", cause="unknown_job"
            )
        return Outcome(body=as_json({"code": 200, "data": entry.detail()}), jobs=1)


def body_of(visit: Visit) -> dict[str, Any]:
    """The JSON object of a POST; {} for anything else."""
    try:
        body = orjson.loads(visit.body) if visit.body else {}
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def is_uuid(text: str) -> bool:
    """Whether the text is a UUID."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
