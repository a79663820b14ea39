"""What each logical column of the contract is in ClickHouse: the one map from `Kind` to a column type."""

from __future__ import annotations

from jobschema.columns import Column, Kind

TIME = "DateTime64(6, 'UTC')"

_TYPES = {
    Kind.TEXT: "String",
    Kind.LONG_TEXT: "String",
    Kind.INTEGER: "Int64",
    Kind.NUMBER: "Float64",
    Kind.BOOLEAN: "Bool",
    Kind.DATE: "Date32",
    Kind.DATETIME: TIME,
    Kind.TEXTS: "Array(LowCardinality(String))",
    Kind.JSON: "String",
}

# Short texts that take few distinct values over all postings: stored as a dictionary, which makes them smaller and quicker to group by.
FEW_VALUES = frozenset(
    {
        "capital_currency",
        "city",
        "city_code",
        "district",
        "education_text",
        "employment_text",
        "experience_text",
        "industry",
        "keyword",
        "kind",
        "salary_text",
        "size_text",
        "stage",
        "status",
    }
)


def clickhouse_type(column: Column) -> str:
    """The ClickHouse type of a column, spelled as `system.columns` spells it."""
    plain = _enum_type(column.choices) if column.kind is Kind.ENUM else _TYPES[column.kind]
    if column.kind is Kind.TEXT and column.name in FEW_VALUES and not column.nullable:
        return f"LowCardinality({plain})"
    return f"Nullable({plain})" if column.nullable and column.kind is not Kind.TEXTS else plain


def clickhouse_codec(column: Column) -> str:
    """The compression of a column: long texts pay for a stronger one."""
    return "ZSTD(1)" if column.kind in {Kind.LONG_TEXT, Kind.JSON} else ""


def _enum_type(choices: tuple[str, ...]) -> str:
    # Numbered in declaration order, because ClickHouse compares enums by number: education >= 'bachelor' means what it says.
    return f"Enum8({', '.join(f'{quote(choice)} = {number}' for number, choice in enumerate(choices, start=1))})"


def quote(text: str) -> str:
    """A SQL string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
