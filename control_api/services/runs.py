"""Runs, newest first, part by part: every filter has an index that ends in the id, so a part costs the same at any depth."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, select, union_all

from control_api.errors import Invalid, NotFound
from control_api.models import Keyword, KeywordRun

MANY_KEYWORDS = 200


@dataclass(frozen=True, slots=True)
class RunFilter:
    """What to look for; empty fields do not filter. `text` is a part of the keyword's text."""

    keyword_id: int | None = None
    node_id: int | None = None
    platform: str = ""
    state: str = ""
    text: str = ""


def find(unit: Session, run_id: int) -> tuple[KeywordRun, str]:
    """A run and its keyword's text. Raises NotFound."""
    found = unit.exec(
        select(KeywordRun, Keyword.text).join(Keyword, col(Keyword.id) == col(KeywordRun.keyword_id)).where(KeywordRun.id == run_id)
    ).first()
    if found is None:
        raise NotFound(f"There is no run {run_id}.")
    return found[0], found[1]


def search(unit: Session, wanted: RunFilter, *, before_id: int | None, limit: int) -> list[tuple[KeywordRun, str]]:
    """Runs that match, with their keyword's text. Raises Invalid when `text` matches too many keywords."""
    ids = _find_ids(unit, wanted, before_id, limit)
    statement = (
        select(KeywordRun, Keyword.text)
        .join(Keyword, col(Keyword.id) == col(KeywordRun.keyword_id))
        .where(col(KeywordRun.id).in_(ids))
        .order_by(col(KeywordRun.id).desc())
    )
    return [(run, text) for run, text in unit.exec(statement).all()]


def _find_ids(unit: Session, wanted: RunFilter, before_id: int | None, limit: int) -> list[int]:
    if not wanted.text:
        return [found for found in unit.exec(_select_ids(wanted, wanted.keyword_id, before_id, limit)).all() if found is not None]
    keywords = _find_keywords(unit, wanted)
    if not keywords:
        return []
    # The newest of each keyword, then the newest of those: each part is read from an index, however many runs there are.
    parts = [_select_ids(wanted, keyword_id, before_id, limit).subquery() for keyword_id in keywords]
    together = union_all(*(select(part.c.id) for part in parts)).subquery()
    return list(unit.exec(select(together.c.id).order_by(together.c.id.desc()).limit(limit)).all())


def _select_ids(wanted: RunFilter, keyword_id: int | None, before_id: int | None, limit: int):  # type: ignore[no-untyped-def]  # SQLModel's own
    statement = select(KeywordRun.id).order_by(col(KeywordRun.id).desc()).limit(limit)
    equal = (
        (KeywordRun.keyword_id, keyword_id),
        (KeywordRun.node_id, wanted.node_id),
        (KeywordRun.platform, wanted.platform),
        (KeywordRun.state, wanted.state),
    )
    for column, value in equal:
        if value:
            statement = statement.where(col(column) == value)
    return statement if before_id is None else statement.where(col(KeywordRun.id) < before_id)


def _find_keywords(unit: Session, wanted: RunFilter) -> list[int]:
    statement = select(Keyword.id).where(col(Keyword.text).contains(wanted.text, autoescape=True)).limit(MANY_KEYWORDS + 1)
    if wanted.keyword_id is not None:
        statement = statement.where(Keyword.id == wanted.keyword_id)
    if wanted.platform:
        statement = statement.where(Keyword.platform == wanted.platform)
    found = [keyword_id for keyword_id in unit.exec(statement).all() if keyword_id is not None]
    if len(found) > MANY_KEYWORDS:
        raise Invalid(f"More than {MANY_KEYWORDS} keywords contain {wanted.text!r}; give more of the text, or a platform or keyword.")
    return found
