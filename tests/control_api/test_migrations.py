"""The schema's history: from nothing to the newest, equal to the models, twice without harm, and with rows in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from control_api import migrations
from control_api.db import Database, open_database
from control_api.errors import DatabaseNotReadyError
from control_api.models import IngestBatch, KeywordRun
from control_api.models.base import METADATA

MOMENT = "'2026-11-24 08:00:00.123456'"
NODE_COLUMNS = "id, name, created_at, is_draining, ip, about, vitals, last_words"
NODE_3 = f"INSERT INTO node ({NODE_COLUMNS}) VALUES (3, 'n', {MOMENT}, 0, '', '{{}}', '{{}}', '')"


@pytest.fixture
def blank(dsn: str) -> Iterator[Database]:
    """The database of `dsn` without any table; brought back afterwards."""
    database = open_database(dsn, 2)
    _drop_everything(database)
    yield database
    _drop_everything(database)
    migrations.upgrade(database.engine)
    database.close()


def _drop_everything(database: Database) -> None:
    METADATA.drop_all(database.engine)
    with database.engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))


def test_upgrade_from_nothing_equals_the_models(blank: Database) -> None:
    with pytest.raises(DatabaseNotReadyError, match=r"\(none\).*db upgrade"):
        migrations.check_revision(blank.engine)
    migrations.upgrade(blank.engine)
    migrations.check_revision(blank.engine)
    assert migrations.find_differences(blank.engine) == []
    migrations.upgrade(blank.engine)


def test_difference_between_tables_and_models_is_found(blank: Database) -> None:
    migrations.upgrade(blank.engine)
    with blank.engine.begin() as connection:
        connection.execute(text("ALTER TABLE keyword ADD COLUMN stray INTEGER"))
    assert any("stray" in difference for difference in migrations.find_differences(blank.engine))


def test_upgrade_from_the_first_revision_keeps_rows(blank: Database) -> None:
    migrations.upgrade(blank.engine, "0001")
    with blank.engine.begin() as connection:
        connection.execute(text("INSERT INTO dept (id, name, position) VALUES (7, '数据', 3)"))
    migrations.upgrade(blank.engine)
    with blank.engine.connect() as connection:
        assert connection.execute(text("SELECT name, position FROM dept WHERE id = 7")).one() == ("数据", 3)


def test_upgrade_keeps_runs_and_what_they_refer_to(blank: Database) -> None:
    migrations.upgrade(blank.engine, "0002")
    with blank.engine.begin() as connection:
        connection.execute(text(NODE_3))
        connection.execute(
            text(
                f"INSERT INTO keyword (id, platform, text, city_code, `rank`, tags, is_enabled, epoch, attempt, last_state, "
                f"created_at) VALUES (5, 'boss', '数据', '1', 0, '|', 1, 2, 0, '', {MOMENT})"
            )
        )
        connection.execute(
            text(
                f"INSERT INTO keyword_run (id, keyword_id, node_id, platform, epoch, attempt, state, started_at, "
                f"lease_until, pages, jobs, companies, causes) "
                f"VALUES (9, 5, 3, 'boss', 2, 1, 'complete', {MOMENT}, {MOMENT}, 4, 60, 2, '{{}}')"
            )
        )
    migrations.upgrade(blank.engine)
    assert migrations.find_differences(blank.engine) == []
    with blank.read() as unit:
        run = unit.get_one(KeywordRun, 9)
        assert (run.node_id, run.keyword_id, run.jobs, run.started_at.microsecond) == (3, 5, 60, 123456)
    with pytest.raises(IntegrityError), blank.write() as unit:
        unit.add(KeywordRun(keyword_id=77, platform="boss", epoch=1, attempt=1, lease_until=run.lease_until))


def test_upgrade_leaves_batches_that_wait_under_the_identity_they_may_be_stored_by(blank: Database) -> None:
    migrations.upgrade(blank.engine, "0003")
    with blank.engine.begin() as connection:
        connection.execute(text(NODE_3))
        for number, state in enumerate(("waiting", "failed", "stored"), start=1):
            connection.execute(
                text(
                    f"INSERT INTO ingest_batch (id, batch_id, node_id, platform, data_type, digest, accepted, rejected, faults, size, "
                    f"state, reason, received_at) "
                    f"VALUES ({number}, 'b-{state}', 3, 'boss', 'job', 'd', 1, 0, '[]', 0, '{state}', '', {MOMENT})"
                )
            )
    migrations.upgrade(blank.engine)
    assert migrations.find_differences(blank.engine) == []
    with blank.read() as unit:
        found = {batch.batch_id: (batch.write_id, batch.plain_size) for batch in unit.exec(select(IngestBatch)).all()}
    assert found == {"b-waiting": ("b-waiting", 0), "b-failed": ("b-failed", 0), "b-stored": (None, 0)}


def test_new_sqlite_file_is_made_for_large_rows_and_loses_no_commit(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/control.db", 2)
    migrations.upgrade(database.engine)
    with database.read() as unit:
        found = {
            name: unit.connection().exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("page_size", "journal_mode", "synchronous")
        }
    database.close()
    assert found == {"page_size": 8192, "journal_mode": "wal", "synchronous": 2}
