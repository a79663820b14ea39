"""Dead letters: each once, in order, readable after a torn line, taken away only when they were used."""

from pathlib import Path

import pytest

from jobstore.deadletters import DeadLetter, DeadLetters


def letter(row, key="t:0:0:one", sink="one") -> DeadLetter:
    return DeadLetter.of(row, key=key, sink=sink, reason="why", column="title")


def test_add_same_key_twice_is_one_letter(tmp_path: Path, make_job) -> None:
    letters = DeadLetters(tmp_path)
    letters.add([letter(make_job("a")), letter(make_job("b"), "t:0:1:one")])
    letters.add([letter(make_job("a"))])
    assert [found.row["job_id"] for found in letters.read()] == ["a", "b"]


def test_read_after_a_torn_line_has_the_whole_ones(tmp_path: Path, make_job) -> None:
    letters = DeadLetters(tmp_path)
    letters.add([letter(make_job("a"))])
    with letters.path.open("ab") as file:
        file.write(b'{"key": "torn')
    letters.add([letter(make_job("b"), "t:0:1:one")])
    assert [found.row["job_id"] for found in letters.read()] == ["a", "b"]


def test_to_row_gives_back_the_very_row(tmp_path: Path, make_job) -> None:
    row = make_job(title="cut \ud83d", description="\x00😀")
    letters = DeadLetters(tmp_path)
    letters.add([letter(row)])
    assert letters.read()[0].to_row() == row


def test_take_removes_the_wanted_only_when_they_were_used(tmp_path: Path, make_job) -> None:
    letters = DeadLetters(tmp_path)
    letters.add([letter(make_job("a")), letter(make_job("b"), "t:0:1:two", "two")])

    def fail(_wanted: object) -> None:
        raise RuntimeError("not used")

    with pytest.raises(RuntimeError):
        letters.take(lambda found: True, fail)
    assert len(letters.read()) == 2
    used: list[DeadLetter] = []
    assert letters.take(lambda found: found.sink == "two", used.extend) == used
    assert [found.sink for found in letters.read()] == ["one"]


def test_read_without_a_file_is_empty(tmp_path: Path) -> None:
    assert DeadLetters(tmp_path).read() == []
