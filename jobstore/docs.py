"""Writes the tables of docs/stores.md from the schema: `python -m jobstore.docs docs/stores.md`. A test compares them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from jobstore.tables import SCHEMA, Schema, TableColumn
from jobstore.views import build_views

BEGIN = "<!-- begin: written by python -m jobstore.docs -->"
END = "<!-- end -->"


def describe_schema(schema: Schema = SCHEMA) -> str:
    """The tables, views and columns of the ClickHouse store as Markdown."""
    views = build_views(schema)
    lines = ["| table or view | one row is | sorting key |", "|---|---|---|"]
    lines += [f"| `{table.name}` | {table.doc} | {', '.join(table.order_by)} |" for table in schema.tables]
    lines += [f"| `{view.name}` (view) | {view.doc} | |" for view in views]
    shown = {view.name: view for view in views}
    for title, columns in (
        ("Columns of `job_analytics`", shown["job_analytics"].columns),
        ("Columns of `company_analytics`", shown["company_analytics"].columns),
        ("Columns of `pending_company`", schema.pending.columns),
        ("Columns of `job_sighting` (`company_sighting` has `company_id` and no keyword)", _sighting_columns(schema)),
    ):
        lines += ["", f"### {title}", "", "| column | type | meaning |", "|---|---|---|", *_column_lines(columns)]
    return "\n".join(lines)


def _sighting_columns(schema: Schema) -> tuple[TableColumn, ...]:
    return next(family.sighting.columns for family in schema.versions.values() if family.sighting.name == "job_sighting")


def _column_lines(columns: Iterable[TableColumn]) -> list[str]:
    return [f"| `{column.name}` | {column.type.replace(' = ', '=')} | {column.doc} |" for column in columns]


def replace_section(text: str, section: str) -> str:
    """The document with its generated section replaced. Raises ValueError when the document has no such section."""
    before, _, rest = text.partition(BEGIN)
    old, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"The document has no section between {BEGIN!r} and {END!r}; {len(old)} characters were read after the first.")
    return f"{before}{BEGIN}\n\n{section}\n\n{END}{after}"


def main(path: Path) -> None:
    """Rewrite the generated section of the document at `path`."""
    path.write_text(replace_section(path.read_text(encoding="utf-8"), describe_schema()), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
