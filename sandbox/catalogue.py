"""Where the postings come from: made from a seed, or read from a folder of captured responses. Gives one shelf a platform."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sandbox import boss_items, identities, qcwy_items, zhilian_items
from sandbox.codes import CITY_OF_NAME, ZHILIAN_MORE, area_prefix
from sandbox.model import Item
from sandbox.shelf import Shelf
from sandbox.synthetic import make_firms, make_postings

PLATFORMS = ("boss", "qcwy", "zhilian")


@dataclass(slots=True)
class Catalogue:
    """The three shelves, and what they were made from; `city_codes` = platform -> city name -> code."""

    source: str
    shelves: dict[str, Shelf]
    city_codes: dict[str, dict[str, str]]

    def counts(self) -> dict[str, dict[str, int]]:
        """Per platform: how many jobs, companies and cities."""
        return {
            name: {
                "jobs": len(shelf.entries),
                "companies": len({entry.company_id for entry in shelf.entries}),
                "areas": len({code for entry in shelf.entries for code in entry.areas}),
            }
            for name, shelf in self.shelves.items()
        }


def area_fits(wanted: str, held: str) -> bool:
    """Whether the 51job area `wanted` is `held` or contains it: 030200 holds 030206, 040000 holds 040100."""
    return held.startswith(area_prefix(wanted))


def known_city_codes() -> dict[str, dict[str, str]]:
    """City name -> code on each platform, for the cities that the sandbox knows."""
    cities = CITY_OF_NAME.values()
    return {
        "boss": {city.name: city.boss for city in cities},
        "qcwy": {city.name: city.qcwy for city in cities},
        "zhilian": {**{city.name: city.zhilian for city in cities}, **ZHILIAN_MORE},
    }


def make_synthetic(seed: int, size: int) -> Catalogue:
    """`size` postings a platform from `seed`; a third as many companies, shared by the three."""
    firms = make_firms(seed, max(10, size // 3))
    brands: dict[str, Callable[[], Item]] = {
        identities.boss_brand_id(seed, firm.number): partial(boss_items.brand, firm, seed) for firm in firms
    }
    dressers = {"boss": boss_items.entry_of, "qcwy": qcwy_items.entry_of, "zhilian": zhilian_items.entry_of}
    shelves = {}
    for name, dress in dressers.items():
        entries = [dress(posting, seed) for posting in make_postings(name, seed, firms, size)]
        shelves[name] = Shelf(entries, brands if name == "boss" else {}, area_fits if name == "qcwy" else operator.eq)
    return Catalogue(f"synthetic, seed {seed}", shelves, known_city_codes())


def load_catalogue(folder: Path | None, seed: int, size: int) -> Catalogue:
    """The captured catalogue of `folder`, or the synthetic one when there is none."""
    if folder is None:
        return make_synthetic(seed, size)
    from sandbox.captured import read_captured

    return read_captured(folder, seed)
