"""The durable truth of the keywords, read for a rebuild: rows of the control plane's `keyword` table that are due or under way.

Beside the flow: `scrapy keywords rebuild boss --table` pushes them into a Redis that lost its memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import Boolean, DateTime, create_engine, or_, select
from sqlalchemy.sql import column, table

from jobschema import Platform
from jobschema.messages import Keyword

ROWS_AT_A_TIME = 1000
_KEYWORD = table(
    "keyword",
    column("id"),
    column("platform"),
    column("text"),
    column("city_code"),
    column("depth"),
    column("rank"),  # minus the priority
    column("is_enabled", Boolean),
    column("available_at", DateTime),
    column("last_state"),
)


def read_open_keywords(url: str, platform: Platform) -> Iterator[Keyword]:
    """Enabled keywords that are due, or that a node was running; `url` is SQLAlchemy's. Raises sqlalchemy.exc.SQLAlchemyError."""
    now = datetime.now(UTC).replace(tzinfo=None)  # the table keeps UTC without a zone
    names = _KEYWORD.c
    is_open = or_(names.available_at <= now, names.last_state == "running")
    wanted = select(names.id, names.text, names.city_code, names.depth, names.rank).where(
        names.platform == platform.value, names.is_enabled.is_(True), is_open
    )
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            rows = connection.execution_options(yield_per=ROWS_AT_A_TIME).execute(wanted.order_by(names.rank, names.id))
            for number, text, city_code, depth, rank in rows:
                yield Keyword(platform, text, city_code, depth, keyword_id=str(number), priority=-rank)
    finally:
        engine.dispose()
