"""The fake Boss Zhipin mini-program: search, detail, batch and brand, behind mpt tokens, headers, security ids and the optional x-sign."""

from __future__ import annotations

import re
from typing import ClassVar
from urllib.parse import parse_qsl

import orjson

from sandbox.bans import BANS, ban_body
from sandbox.codes import BOSS_COUNTRY
from sandbox.fakes import BlockedError, FakePlatform, Parcel, as_json, label_of, whole
from sandbox.model import Entry, Item
from sandbox.pieces import Pieces
from sandbox.seals import SecurityIds, SignatureChecker
from sandbox.visits import BATCH, COMPANY, DETAIL, SEARCH, Asked, Outcome, Visit

TRACE_ID = re.compile(r"^(F-[0-9a-f]{6}[0-9A-Za-z]{10}|M-W[0-9A-Za-z]{8,20})$")
APP_ID = "10002"
FILTERS = ("experience", "degree", "salary", "scale", "stage", "jobType")
WIDEST_PAGE = 30
MOST_PARTS = 100
DETAIL_PATH = "/wapi/zpgeek/miniapp/job/detail.json"
BRAND_PATH = "/wapi/zpgeek/miniapp/brand/detail.json"
IMPROVEMENT_PATH = "/wapi/zpgeek/miniapp/jobdetail/improvement/query.json"


class FakeBoss(FakePlatform):
    """Boss Zhipin on loopback."""

    name = "boss"
    country = (BOSS_COUNTRY,)
    default_page_size = 15
    paths: ClassVar = {
        "/wapi/zpgeek/miniapp/search/joblist.json": ("search", SEARCH),
        DETAIL_PATH: ("detail", DETAIL),
        "/wapi/batch/batchRunV3": ("batch", BATCH),
        BRAND_PATH: ("brand", COMPANY),
    }

    def __init__(self, parcel: Parcel) -> None:
        super().__init__(parcel)
        self._ids = SecurityIds(parcel.seed)
        self._signatures = SignatureChecker(parcel.secrets.boss_sign_secret)

    def clear(self) -> None:
        super().clear()
        self._signatures.clear()

    def ask(self, visit: Visit) -> Asked:
        kind = self.paths.get(visit.path, ("", ""))[1]
        label = label_of(visit.headers.get("mpt", ""), self.secrets.boss_tokens, "token")
        params = visit.params
        return Asked(
            kind=kind, text=params.get("query", ""), city=params.get("city", ""), page=whole(params.get("page"), 0, 0, 10**6), client=label
        )

    def check(self, visit: Visit, asked: Asked) -> None:
        headers = visit.headers
        if (headers.get("zp_app_id") or headers.get("zpAppId")) != APP_ID:
            raise BlockedError("challenge_env", "header_app_id")
        if not TRACE_ID.match(headers.get("traceid", "")):
            raise BlockedError("challenge_env", "header_traceid")
        if self.switches["sign"] and (fault := self._signatures.fault(visit)):
            raise BlockedError("challenge", fault)
        if not asked.client.startswith("token-"):
            raise BlockedError("login_expired", "token_missing" if asked.client == "none" else "token_unknown")
        self.check_token(visit, asked)

    def search(self, visit: Visit, asked: Asked) -> Outcome:
        """One page: `list` (or `jobList`) and `hasMore`."""
        params = visit.params
        size = whole(params.get("pageSize"), 15, 1, WIDEST_PAGE)
        found = self.page_of(self.search_of(asked.text, asked.city, pick(params)), asked.page or 1, size)
        nonce = self.random.randbytes(12)
        lid = nonce[:6].hex()[:11].encode()
        issue = self._ids.issue
        items = [
            self.pieces(entry).fill({b"L": lid, b"K": b"%d" % rank, b"S": issue(nonce, entry.index)})
            for rank, entry in enumerate(found.entries, found.first_rank + 1)
        ]
        more = b"false" if found.is_last else b"true"
        body = b'{"code":0,"message":"Success","zpData":{"hasMore":%b,"%b":[%b]}}' % (
            more,
            self.switches["list_key"].encode(),
            b",".join(items),
        )
        return Outcome(body=body, verdict="ok" if items else "empty", jobs=len(items))

    def detail(self, visit: Visit, _asked: Asked) -> Outcome:
        """One posting with its company, for the security id of that very posting."""
        entry = self._sealed_entry(visit.params)
        return Outcome(body=self._detail_body(entry), jobs=1, verdict="not_found" if self.is_gone(entry) else "ok")

    def brand(self, visit: Visit, _asked: Asked) -> Outcome:
        """The company's facts, flat under zpData; an empty zpData for an unknown brand."""
        facts = self._brand_facts(visit.params.get("brandId", ""))
        body = as_json({"code": 0, "message": "Success", "zpData": facts})
        return Outcome(body=body, verdict="ok" if facts else "not_found", cause="" if facts else "unknown_brand")

    def batch(self, visit: Visit, _asked: Asked) -> Outcome:
        """Every part's whole envelope inside one good envelope, keyed as the batch_keys switch says."""
        parts = self._parts_of(visit)
        if parts is None:
            return Outcome(body=as_json({"code": 1, "message": "参数错误"}), verdict="schema_changed", cause="batch_malformed")
        answers: dict[bytes, bytes] = {}
        for path, query in parts:
            key = path if self.switches["batch_keys"] == "path" else f"{path}?{query}"
            answers[orjson.dumps(key)] = self._part(path, dict(parse_qsl(query, keep_blank_values=True)), visit)
        inside = b",".join(b"%b:%b" % pair for pair in answers.items())
        return Outcome(
            body=b'{"code":0,"message":"Success","zpData":{%b}}' % inside, jobs=len(answers), verdict="ok" if answers else "empty"
        )

    def _parts_of(self, visit: Visit) -> list[tuple[str, str]] | None:
        """The sub-requests of batch_method_feed as (path, query as sent); None when it is not what it should be."""
        form = dict(parse_qsl(visit.body.decode("utf-8", "replace"), keep_blank_values=True)) if visit.method == "POST" else {}
        try:
            feed = orjson.loads(form.get("batch_method_feed") or visit.params.get("batch_method_feed", ""))
        except orjson.JSONDecodeError:
            return None
        if not isinstance(feed, list) or len(feed) > MOST_PARTS:
            return None
        parts = []
        for line in feed:
            if not isinstance(line, str) or not line.startswith("method="):
                return None
            path, _, query = line.removeprefix("method=").partition("&")
            parts.append((path, query))
        return parts

    def _part(self, path: str, params: dict[str, str], visit: Visit) -> bytes:
        """The envelope of one sub-request."""
        try:
            if self.switches["inner_error_rate"] and self.random.random() < self.switches["inner_error_rate"]:
                raise BlockedError(self.switches["inner_error"], "inner_error")
            body, verdict, cause = self._part_body(path, params)
        except BlockedError as blocked:
            body, verdict, cause = (
                as_json(ban_body(self.name, blocked.kind, visit.now)),
                BANS[self.name][blocked.kind].verdict,
                blocked.cause,
            )
        self.book.note_inner(verdict, cause)
        return body

    def _part_body(self, path: str, params: dict[str, str]) -> tuple[bytes, str, str]:
        if path == DETAIL_PATH:
            entry = self._sealed_entry(params)
            return self._detail_body(entry), "not_found" if self.is_gone(entry) else "ok", ""
        if path == BRAND_PATH:
            facts = self._brand_facts(params.get("brandId", ""))
            return as_json({"code": 0, "message": "Success", "zpData": facts}), "ok" if facts else "not_found", ""
        if path == IMPROVEMENT_PATH:
            return b'{"code":0,"message":"Success","zpData":{}}', "ok", ""
        return as_json({"code": 1, "message": "参数错误"}), "not_found", "batch_unknown_path"

    def _sealed_entry(self, params: dict[str, str]) -> Entry:
        """The posting whose security id is shown; BlockedError when it was never issued, or for another posting."""
        index = self._ids.read(params.get("securityId", ""))
        if index is None or index >= len(self.shelf.entries):
            raise BlockedError("challenge", "security_id_unknown")
        entry = self.shelf.entries[index]
        if params.get("jobId", entry.job_id) not in ("", entry.job_id):
            raise BlockedError("challenge", "security_id_of_other_job")
        return entry

    def _detail_body(self, entry: Entry) -> bytes:
        if self.is_gone(entry):
            return as_json({"code": 0, "message": "Success", "zpData": {"jobBaseInfoVO": {"encryptId": entry.job_id, "deleted": 1}}})
        made: Pieces | None = entry.cache.get("detail")
        if made is None:
            page = entry.detail() if entry.detail else None
            made = entry.cache["detail"] = Pieces({"code": 0, "message": "Success", "zpData": page})
        nonce = self.random.randbytes(12)
        return made.fill({b"S": self._ids.issue(nonce, entry.index), b"L": nonce[:6].hex()[:11].encode(), b"K": b"1"})

    def _brand_facts(self, brand_id: str) -> Item:
        make = self.shelf.brands.get(brand_id)
        return make() if make else {}

    def pieces(self, entry: Entry) -> Pieces:
        if not self.switches["list_brand_id"] or self.is_mutated(entry.job_id):
            return super().pieces(entry)
        made: Pieces | None = entry.cache.get("pieces_with_brand")
        if made is None:
            made = entry.cache["pieces_with_brand"] = Pieces(self.shown_item(entry))
        return made

    def shown_item(self, entry: Entry) -> Item:
        item = entry.item()
        return {**item, "encryptBrandId": entry.company_id} if self.switches["list_brand_id"] else item


def pick(params: dict[str, str]) -> dict[str, str]:
    """The filters among the parameters of a search."""
    return {name: params[name] for name in FILTERS if params.get(name)}
