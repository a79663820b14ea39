from pathlib import Path

import pytest

from jobstore import errors
from jobstore.docs import describe_schema, replace_section

DOCUMENT = Path(__file__).parents[2] / "docs" / "stores.md"


def test_document_tables_agree_with_the_schema() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert replace_section(text, describe_schema()) == text, "run: python -m jobstore.docs docs/stores.md"


def test_document_explains_every_error() -> None:
    headings = {line.lstrip("# ").strip() for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("#### ")}
    slugs = {value.slug for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.StoreError)}
    assert slugs - {"store-error", "store-transient", "store-terminal"} == headings


def test_replace_section_without_a_section_is_refused() -> None:
    with pytest.raises(ValueError, match="no section"):
        replace_section("# nothing here", "x")
