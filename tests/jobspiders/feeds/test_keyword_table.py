"""The keyword table of the control plane, as a rebuild of Redis reads it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine
from sqlmodel import Session

from control_api.models import Keyword as KeywordRow
from jobschema import Platform
from jobschema.messages import Keyword
from jobspiders.feeds.keyword_table import read_open_keywords


def test_rebuild_reads_what_is_due_or_under_way_and_nothing_else(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    ago, later = now - timedelta(hours=1), now + timedelta(hours=1)
    rows = [
        KeywordRow(platform="boss", text="due", city_code="1", depth=3, rank=-7, available_at=ago),
        KeywordRow(platform="boss", text="under way", city_code="1", available_at=later, last_state="running"),
        KeywordRow(platform="boss", text="due later", city_code="1", available_at=later, last_state="complete"),
        KeywordRow(platform="boss", text="done for good", city_code="1", last_state="complete"),
        KeywordRow(platform="boss", text="switched off", city_code="1", available_at=ago, is_enabled=False),
        KeywordRow(platform="qcwy", text="elsewhere", city_code="1", available_at=ago),
    ]
    url = f"sqlite:///{tmp_path / 'control.db'}"
    engine = create_engine(url)
    KeywordRow.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(rows)
        session.commit()
    engine.dispose()
    assert list(read_open_keywords(url, Platform.BOSS)) == [
        Keyword(Platform.BOSS, "due", "1", 3, keyword_id="1", priority=7),
        Keyword(Platform.BOSS, "under way", "1", None, keyword_id="2"),
    ]
