"""The captured catalogue: responses recorded from the real platforms, read from a folder and put on the shelves.

Recruiters' personal keys, which the recordings lack, come back made up; ids that a recording lacks are made up, stable for the same row.
"""

from __future__ import annotations

import csv
import gzip
import json
import operator
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sandbox.captured_boss import BossReader
from sandbox.captured_qcwy import read_qcwy
from sandbox.captured_zhilian import read_zhilian
from sandbox.catalogue import Catalogue, area_fits, known_city_codes
from sandbox.shelf import Shelf

FILES = {
    "boss/miniapp_job_detail_envelopes.jsonl.gz", "boss/web_joblist_envelopes.jsonl.gz",
    "boss/miniapp_list_items_from_relatedJobList.jsonl.gz",
    "boss/miniapp_brandComInfoVO.jsonl.gz", "boss/web_joblist_items_2025_hangzhou.csv.gz", "boss/web_jobs_2026_aipm.csv.gz",
    "boss/city_code_map.json", "qcwy/search_pc_envelopes.jsonl.gz", "zhilian/sou_cards_2026.csv.gz", "zhilian/c_i_sou_results_2018.json",
    "zhilian/c_i_sou_rows_2020_nanjing.jsonl.gz",
}  # fmt: skip


class CapturedFolder:
    """Reads the files of a captured catalogue by their known names."""

    def __init__(self, root: Path) -> None:
        missing = sorted(name for name in FILES if not (root / name).is_file())
        if missing:
            raise FileNotFoundError(
                f"the catalogue folder {root} lacks {', '.join(missing)}; a captured catalogue holds {', '.join(sorted(FILES))}"
            )
        self._root = root

    def lines(self, name: str) -> Iterator[Any]:
        """The JSON values of a .jsonl.gz."""
        with gzip.open(self._root / name, "rt", encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)

    def rows(self, name: str) -> Iterator[dict[str, str]]:
        """The rows of a .csv.gz as dicts."""
        with gzip.open(self._root / name, "rt", encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)

    def value(self, name: str) -> Any:
        """The JSON value of a plain file."""
        return json.loads((self._root / name).read_text(encoding="utf-8"))


def read_captured(root: Path, seed: int) -> Catalogue:
    """The shelves of a captured folder."""
    folder = CapturedFolder(root)
    codes = known_city_codes()
    codes["boss"] = {**{name: str(code) for name, code in folder.value("boss/city_code_map.json").items()}, **codes["boss"]}
    boss = BossReader(seed, codes["boss"])
    boss.read(folder)
    qcwy = read_qcwy(folder, seed)
    zhilian = read_zhilian(folder, seed, codes["zhilian"])
    shelves = {
        "boss": Shelf(boss.entries, boss.brands, operator.eq),
        "qcwy": Shelf(qcwy, {}, area_fits),
        "zhilian": Shelf(zhilian, {}, operator.eq),
    }
    return Catalogue(f"captured, {root.name}", shelves, codes)
