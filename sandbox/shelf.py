"""One platform's postings and how a search finds them. Built once by a catalogue, asked by the fake platforms and the oracle alike.

A posting matches when its city matches and every whitespace-separated term of the text occurs, letter case aside, in its title, skills,
tags, category or description. The order of the results is the order of the shelf.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.model import Entry, Item

CACHED_TERMS = 2_000
CACHED_SEARCHES = 4_000


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched: the text, area codes (empty = everywhere), and filter name -> codes, any of which must fit."""

    text: str
    areas: tuple[str, ...] = ()
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()


def make_search(text: str, areas: Iterable[str], filters: Mapping[str, Iterable[str]]) -> Search:
    """A search in its one canonical form, so that equal searches share a cached answer."""
    kept = tuple(sorted((name, tuple(codes)) for name, codes in filters.items() if codes))
    return Search(" ".join(text.lower().split()), tuple(areas), kept)


class Shelf:
    """The postings of one platform, with an index from term to postings that fills as it is asked."""

    def __init__(self, entries: list[Entry], brands: dict[str, Callable[[], Item]], area_matcher: Callable[[str, str], bool]) -> None:
        self.entries = entries
        self.brands = brands
        self.by_id = {entry.job_id: entry for entry in entries}
        if len(self.by_id) != len(entries):
            raise ValueError(f"{len(entries) - len(self.by_id)} postings share an id with another: every id on a shelf must differ")
        for index, entry in enumerate(entries):
            entry.index = index
        self._area_matcher = area_matcher
        self._terms: OrderedDict[str, frozenset[int]] = OrderedDict()
        self._areas: dict[str, frozenset[int]] = {}
        self._found: OrderedDict[Search, list[Entry]] = OrderedDict()

    def find(self, search: Search) -> list[Entry]:
        """Every posting that matches, in shelf order. The list is shared: do not change it."""
        found = self._found.get(search)
        if found is None:
            found = self._find(search)
            self._found[search] = found
            _trim(self._found, CACHED_SEARCHES)
        return found

    def _find(self, search: Search) -> list[Entry]:
        chosen: set[int] | frozenset[int] = self._in_areas(search.areas)
        for term in search.text.split():
            chosen = chosen & self._with_term(term)
        entries = [self.entries[index] for index in sorted(chosen)]
        for name, codes in search.filters:
            wanted = frozenset(codes)
            entries = [entry for entry in entries if not wanted.isdisjoint(entry.facets.get(name, ()))]
        return entries

    def _with_term(self, term: str) -> frozenset[int]:
        found = self._terms.get(term)
        if found is None:
            found = frozenset(entry.index for entry in self.entries if term in entry.haystack)
            self._terms[term] = found
            _trim(self._terms, CACHED_TERMS)
        return found

    def _in_areas(self, areas: tuple[str, ...]) -> frozenset[int]:
        if not areas:
            return self._area("")
        return frozenset[int]().union(*(self._area(code) for code in areas))

    def _area(self, code: str) -> frozenset[int]:
        found = self._areas.get(code)
        if found is None:
            fits = self._area_matcher
            found = frozenset(e.index for e in self.entries if not code or any(fits(code, held) for held in e.areas))
            if len(self._areas) < CACHED_TERMS:
                self._areas[code] = found
        return found


def _trim(cache: OrderedDict[Any, Any], size: int) -> None:
    while len(cache) > size:
        cache.popitem(last=False)
