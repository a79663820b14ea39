"""`scrapy deadletters`: shows, puts back into the spool, drops."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

import pytest
from scrapy.exceptions import UsageError
from scrapy.settings import Settings

from jobschema import Job, Platform
from jobspiders.commands.deadletters import Command
from jobstore.deadletters import DeadLetter, DeadLetters
from jobstore.spool import Spool
from jobstore.spool_rows import unpack_rows

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """A folder with two letters: of one posting each, in two sinks."""
    folder = tmp_path / "spool"
    rows = [
        Job(platform=Platform.BOSS, job_id=name, title="half \ud83d", crawled_at=AT, content_hash="0" * 32, raw="{}") for name in ("a", "b")
    ]
    sinks = ("clickhouse", "mysql")
    letters = [
        DeadLetter.of(row, key=f"t:0:0:{sink}", sink=sink, reason="why \ud83d", column="title")
        for row, sink in zip(rows, sinks, strict=True)
    ]
    DeadLetters(folder).add(letters)
    return folder


def run(folder: Path, *args: str) -> None:
    command = Command()
    command.settings = Settings({"DATA_DIR": str(folder.parent)})
    parser = argparse.ArgumentParser()
    command.add_options(parser)
    opts, words = parser.parse_known_args(args)
    command.run(words, opts)


def test_list_shows_reasons_and_a_count(spool: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(spool, "list", "--sink", "mysql")
    shown = capsys.readouterr().out
    assert "why" in shown
    assert shown.endswith("1 dead letters\n")


def test_retry_puts_the_row_into_the_spool_for_its_sink_alone(spool: Path) -> None:
    run(spool, "retry", "--sink", "mysql")
    (found,) = Spool.adopt(spool)
    assert found.count_due() == {"mysql": 1}
    (row,) = unpack_rows(found.next_due("mysql").body)  # type: ignore[union-attr]
    assert (row.job_id, row.title) == ("b", "half \ud83d")  # type: ignore[union-attr]
    found.close()
    assert [letter.sink for letter in DeadLetters(spool).read()] == ["clickhouse"]


def test_drop_needs_a_yes(spool: Path) -> None:
    with pytest.raises(UsageError, match="--yes"):
        run(spool, "drop")
    assert len(DeadLetters(spool).read()) == 2
    run(spool, "drop", "--yes")
    assert DeadLetters(spool).read() == []


@pytest.mark.parametrize("args", [(), ("burn",), ("list", "retry")])
def test_other_words_are_refused(spool: Path, args: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="list, retry, drop"):
        run(spool, *args)
