"""What the three fake platforms have in common: recognising a visit, blocks, pages of results, mutation of items."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar

import orjson

from sandbox.answers import AnswerBook
from sandbox.bans import BANS, ban_outcome
from sandbox.catalogue import Catalogue
from sandbox.gates import Gate
from sandbox.identities import digest
from sandbox.model import Entry, Item
from sandbox.pieces import Pieces
from sandbox.seals import Secrets
from sandbox.shelf import Search, Shelf, make_search
from sandbox.visits import Asked, Outcome, Visit

NOTHING_HERE = b'{"error":"no such path on this platform"}'


@dataclass(frozen=True, slots=True)
class Parcel:
    """What a fake platform is built from."""

    catalogue: Catalogue
    switches: Mapping[str, Any]
    secrets: Secrets
    seed: int


class BlockedError(Exception):
    """A visit that is not let in: the platform's block (`kind`) and why."""

    def __init__(self, kind: str, cause: str = "") -> None:
        super().__init__(kind)
        self.kind, self.cause = kind, cause


@dataclass(slots=True)
class Found:
    """One page of a search: its postings, their ranks (from 0) and how far the results go."""

    entries: Sequence[Entry]
    first_rank: int
    total: int
    is_last: bool
    page: int = 1
    extra: dict[str, Any] = field(default_factory=dict)


class FakePlatform:
    """Base of the three. A subclass names its paths in `paths` (path -> (method name, kind)) and reads its own searches."""

    name: str
    paths: ClassVar[dict[str, tuple[str, str]]]
    area_params: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    default_page_size = 20

    def __init__(self, parcel: Parcel) -> None:
        self.shelf: Shelf = parcel.catalogue.shelves[self.name]
        self.city_codes = parcel.catalogue.city_codes[self.name]
        self.switches = parcel.switches
        self.secrets = parcel.secrets
        self.seed = parcel.seed
        self.gate = Gate(parcel.switches)
        self.book = AnswerBook()
        self.random = Random(f"{parcel.seed}/{self.name}/visits")

    def clear(self) -> None:
        """Forget every visitor; the random numbers start again too."""
        self.gate.clear()
        self.book.clear()
        self.random = Random(f"{self.seed}/{self.name}/visits")

    def ask(self, visit: Visit) -> Asked:
        """What the visit is about: kind, page, text, city and whose token, none of it checked."""
        raise NotImplementedError

    def answer(self, visit: Visit, asked: Asked) -> Outcome:
        """The answer to one visit: the block that is due, else data."""
        if visit.path not in self.paths:
            return Outcome(body=NOTHING_HERE, status=404, verdict="not_found", cause="unknown_path")
        try:
            self.admit(visit, asked)
            outcome: Outcome = getattr(self, self.paths[visit.path][0])(visit, asked)
        except BlockedError as blocked:
            return self.block(blocked, visit)
        return outcome

    def admit(self, visit: Visit, asked: Asked) -> None:
        """Raise Blocked unless the visitor may have data."""
        if kind := self.gate.ip_ban(visit):
            raise BlockedError(kind, "ip_quota")
        self.check(visit, asked)
        if kind := self.gate.switched_ban(asked, visit):
            raise BlockedError(kind)

    def check(self, visit: Visit, asked: Asked) -> None:
        """The platform's own checks of headers, signature and token; raises BlockedError."""
        raise NotImplementedError

    def check_token(self, visit: Visit, asked: Asked) -> None:
        """Quota and wear of the visitor's token."""
        kind, cause = self.gate.token_ban(asked.client, visit)
        if kind:
            raise BlockedError(kind, cause)

    def block(self, blocked: BlockedError, visit: Visit) -> Outcome:
        """The answer to a visitor who was not let in."""
        url = f"http://{visit.headers.get('host', '')}{visit.path}?{visit.query}"
        return ban_outcome(self.name, blocked.kind, visit.now, cause=blocked.cause, url=url)

    # --- searching ---------------------------------------------------------------------------------------------------------

    def search_of(self, text: str, areas: str, filters: Mapping[str, str]) -> Search:
        """The search that these parameters mean. Areas: codes or names of known cities, comma-joined; a whole-country code = everywhere."""
        codes = [self.city_codes.get(word, word) for word in split_codes(areas)]
        everywhere = not codes or any(code in self.country for code in codes)
        kept = {name: split_codes(value) for name, value in filters.items()}
        return make_search(text, () if everywhere else codes, kept)

    def positions(self, search: Search) -> list[Entry]:
        """The postings that paging shows, in order: matches, repeats, cut at the platform's cap."""
        return self.listed(search)

    def listed(self, search: Search) -> list[Entry]:
        """Every posting that matches and was not taken down."""
        found = self.shelf.find(search)
        if not self.switches["gone"] or self.switches["gone_shown"]:
            return found
        return [entry for entry in found if not self.is_gone(entry)]

    def is_gone(self, entry: Entry) -> bool:
        """Whether the posting was taken down."""
        gone = self.switches["gone"]
        return bool(gone) and entry.job_id in map(str, gone)

    def page_of(self, search: Search, page: int, size: int) -> Found:
        """One page of a search."""
        shown = self.positions(search)
        limit = self.switches["max_pages"]
        last = -(-len(shown) // size) if shown else 1
        if limit:
            last = min(last, limit)
        first = (page - 1) * size
        entries = shown[first : first + size] if 1 <= page <= last else []
        return Found(entries, first, len(shown), page >= last, page)

    # --- items -------------------------------------------------------------------------------------------------------------

    def pieces(self, entry: Entry) -> Pieces:
        """The list item's JSON with its holes, made once, or made anew where the mutation switch changes it."""
        if self.switches["mutate"] and self.is_mutated(entry.job_id):
            return Pieces(mutated(self.shown_item(entry), self.switches["mutate"]))
        made: Pieces | None = entry.cache.get("pieces")
        if made is None:
            made = entry.cache["pieces"] = Pieces(self.shown_item(entry))
        return made

    def shown_item(self, entry: Entry) -> Item:
        """The list item as a dict."""
        return entry.item()

    def is_mutated(self, job_id: str) -> bool:
        """Whether the mutation switch changes this posting's item: by its id, so always the same ones."""
        if not self.switches["mutate"]:
            return False
        share: float = self.switches["mutate_share"]
        return int.from_bytes(digest(self.seed, "mutate", job_id)[:4], "big") < share * 2**32


def mutated(item: Item, rule: str) -> Item:
    """The item with one field changed as `KIND:FIELD` says; unchanged when it has no such field."""
    kind, _, name = rule.partition(":")
    if name not in item:
        return item
    item = dict(item)
    value = item.pop(name)
    if kind == "rename":
        item[f"{name}V2"] = value
    elif kind == "retype":
        item[name] = {"text": value} if isinstance(value, str) else str(value)
    elif kind == "nest":
        item["detail"] = {name: value}
    elif kind == "empty":
        item[name] = type(value)() if value is not None else None
    return item


def split_codes(text: str) -> list[str]:
    """Comma-joined codes as a list."""
    return [code for code in text.split(",") if code]


def whole(text: Any, default: int, low: int, high: int) -> int:
    """A parameter as a whole number between low and high; the default when it is none."""
    word = str(text)
    if not re.fullmatch(r"\d{1,9}", word):
        return default
    return min(max(int(word), low), high)


def label_of(token: str, known: Sequence[str], noun: str) -> str:
    """What the record calls a token: noun-1 …, none, unknown-<hash>."""
    if not token:
        return "none"
    if token in known:
        return f"{noun}-{known.index(token) + 1}"
    return f"unknown-{hashlib.sha256(token.encode()).hexdigest()[:6]}"


def as_json(value: Any) -> bytes:
    """Compact UTF-8 JSON."""
    return orjson.dumps(value)


def ban_kinds(platform: str) -> tuple[str, ...]:
    """Every block of a platform by name."""
    return tuple(BANS[platform])
