"""Firms, postings and shelf entries: what the catalogues make and the fake platforms dress up as their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.codes import City
from sandbox.vocabulary import Family

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Firm:
    """A company, platform-free. `size` is 0 (fewest) to 6; `number` is its place in the catalogue."""

    number: int
    name: str
    full_name: str
    industry: tuple[str, str, str, int]
    size: int
    stage: str
    kind: str
    city: City
    address: str
    founded: str
    capital: str
    status: str
    introduction: str
    scope: str
    welfare: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pay:
    """What a posting pays: the platform's words, and yuan a month where the words are about months (else None)."""

    text: str
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Posting:
    """A job posting in one platform's words but not yet in its item shape. `quirk` (0 to 1) decides rare oddities of shape."""

    number: int
    firm: Firm
    family: Family
    title: str
    city: City
    district: int  # index into city.districts, -1 = the city alone
    area: str
    pay: Pay
    experience: str
    education: str
    employment: str  # full, intern, campus, part
    skills: tuple[str, ...]
    description: str
    published: int  # unix seconds
    recruits: int
    recruiter: str
    recruiter_title: str
    quirk: float
    longitude: float
    latitude: float

    @property
    def district_name(self) -> str:
        """The district's name, "" when the posting names the city alone."""
        return self.city.districts[self.district] if self.district >= 0 else ""


@dataclass(slots=True, kw_only=True)
class Entry:
    """One posting on one platform's shelf: how a search finds it and how it is shown.

    `item` makes the list item (slots marked, see pieces.py); `detail` makes the platform's page about it, None when there is none.
    """

    job_id: str
    company_id: str
    haystack: str  # lower case: title, skills, category, description
    areas: tuple[str, ...]
    facets: dict[str, tuple[str, ...]]
    item: Callable[[], Item]
    detail: Callable[[], Item] | None = None
    tags: tuple[str, ...] = ()  # words worth searching for
    is_ad: bool = False
    index: int = -1
    cache: dict[str, Any] = field(default_factory=dict, repr=False)
