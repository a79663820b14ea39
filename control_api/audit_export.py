"""The audit log as text to take away: CSV for spreadsheets, JSON lines for programs. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator

from control_api.models import AuditLog
from control_api.schemas.access import AuditAnswer

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_jsonl(lines: Iterable[AuditLog]) -> Iterator[str]:
    """An object a line."""
    for line in map(_show, lines):
        yield json.dumps(line, ensure_ascii=False) + "\n"


def write_csv(lines: Iterable[AuditLog]) -> Iterator[str]:
    """A header and a row a line; `before` and `after` are JSON in their cells."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(AuditAnswer.model_fields))
    writer.writeheader()
    for line in map(_show, lines):
        writer.writerow({key: _plain_cell(value) for key, value in line.items()})
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


WRITERS: dict[str, tuple[Callable[[Iterable[AuditLog]], Iterator[str]], str]] = {
    "csv": (write_csv, "text/csv; charset=utf-8"),
    "jsonl": (write_jsonl, "application/x-ndjson"),
}


def _show(line: AuditLog) -> dict[str, object]:
    return AuditAnswer.model_validate(line).model_dump(mode="json")


def _plain_cell(value: object) -> object:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    # A spreadsheet would run a cell that begins like a formula.
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
