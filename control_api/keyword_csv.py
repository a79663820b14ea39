"""A CSV of keywords, from a spreadsheet or by hand, read line by line: good lines are kept, others are named."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

from pydantic import ValidationError

from control_api.errors import Invalid
from control_api.schemas.keywords import KeywordCreate
from jobschema import Platform

COLUMNS = ("text", "platforms", "cities", "depth", "priority", "interval", "tags", "enabled")
CSV_EXAMPLE = "text,platforms,cities,depth,priority,interval,tags,enabled\n数据分析,boss,101010100;101020100,5,10,6h,daily;analysis,yes\n"
MANY_LINES = 20_000
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_VALID = {
    "text": "1 to 100 characters, all of which can be seen",
    "platforms": f"1 to 3 of {', '.join(Platform)}",
    "cities": "1 to 100 codes of the platform, like 101010100, not names",
    "depth": "1 to 1000 pages, or nothing",
    "priority": "a whole number from -1000 to 1000",
    "interval": "60 seconds to 366 days, like 6h",
    "tags": "6 words at most, each of 32 letters, digits, _ and - at most",
}
_YES, _NO = frozenset({"", "1", "yes", "true", "on", "y", "是"}), frozenset({"0", "no", "false", "off", "n", "否"})
_ENCODINGS = ("utf-8-sig", "gb18030")  # what spreadsheets on a Chinese desktop save


@dataclass(frozen=True, slots=True)
class LineFault:
    """A line that was not taken, and why."""

    line: int
    message: str


def read_csv(content: bytes) -> tuple[list[KeywordCreate], list[LineFault]]:
    """The keywords of a CSV and the lines that are wrong; `;` or `|` stand between values in a cell. Raises Invalid for what is no CSV."""
    reader = csv.DictReader(io.StringIO(_decode(content)), restkey="(more)")
    try:
        header = [name.strip().lower() for name in reader.fieldnames or ()]
    except csv.Error as error:
        raise Invalid(f"The first line is not CSV: {error}.") from None
    unknown = [name for name in header if name not in COLUMNS]
    if unknown or not {"text", "platforms", "cities"} <= set(header):
        raise Invalid(
            f"The first line must name the columns text, platforms, cities and may name {', '.join(COLUMNS[3:])}; it has {header[:20]}."
        )
    reader.fieldnames = header
    keywords, faults = [], []
    try:
        for row in reader:
            if reader.line_num > MANY_LINES:
                raise Invalid(f"The file has more than {MANY_LINES} lines; import it in parts.")
            taken = _read_row(row)
            if isinstance(taken, KeywordCreate):
                keywords.append(taken)
            else:
                faults.append(LineFault(reader.line_num, taken))
    except csv.Error as error:
        raise Invalid(f"Line {reader.line_num + 1} is not CSV: {error}.") from None
    return keywords, faults


def _decode(content: bytes) -> str:
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Invalid("The file is neither UTF-8 nor GB 18030 text.")


def _read_row(row: dict[str, str | None]) -> KeywordCreate | str:
    if "(more)" in row:
        return "has more cells than the first line"
    cells = {name: (value or "").strip() for name, value in row.items()}
    try:
        return KeywordCreate.model_validate(
            {
                "text": cells["text"],
                "platforms": _split(cells["platforms"]),
                "cities": _split(cells["cities"]),
                "depth": cells.get("depth") or None,
                "priority": cells.get("priority") or 0,
                "interval_seconds": read_interval(cells.get("interval", "")),
                "tags": _split(cells.get("tags", "")),
                "is_enabled": _read_switch(cells.get("enabled", "")),
            }
        )
    except ValidationError as error:
        field = str(error.errors(include_input=False, include_url=False)[0]["loc"][0])
        column = "interval" if field == "interval_seconds" else field
        return f"{column} {cells.get(column, '')[:40]!r}: give {_VALID[column]}"
    except ValueError as error:
        return str(error)


def _split(cell: str) -> list[str]:
    return [part.strip() for part in re.split(r"[;|、；]", cell) if part.strip()]


def read_interval(text: str) -> int | None:
    """Seconds of `6h`, `30m`, `1d`, `3600`; None for an empty text. Raises ValueError."""
    if not text:
        return None
    found = re.fullmatch(r"(\d{1,9})\s*([smhd]?)", text.lower())
    if found is None:
        raise ValueError("interval: give seconds or a number with s, m, h, d, for example 6h")
    return int(found[1]) * _UNITS[found[2]]


def _read_switch(text: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise ValueError("enabled: give yes or no")
