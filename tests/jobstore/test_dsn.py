from pathlib import Path

import pytest

from jobstore.dsn import parse_dsn
from jobstore.errors import DsnInvalidError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("chdb:///var/lib/jobs", "chdb:///var/lib/jobs"),
        ("chdb:///var/lib/jobs/", "chdb:///var/lib/jobs"),
        ("clickhouse://db.test", "clickhouse://default@db.test:8123/default"),
        ("clickhouse://me:s3cr%40t@db.test:18123/jobs", "clickhouse://me:***@db.test:18123/jobs"),
        ("http://db.test/jobs", "clickhouse://default@db.test:8123/jobs"),
        ("clickhouse+https://me@db.test/jobs", "clickhouse+https://me@db.test:8443/jobs"),
        ("https://db.test:443", "clickhouse+https://default@db.test:443/default"),
    ],
)
def test_parse_dsn_valid_form_names_the_store(text: str, shown: str) -> None:
    assert str(parse_dsn(text)) == shown


def test_parse_dsn_relative_folder_counts_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_dsn("chdb://data/clickhouse").folder == tmp_path / "data" / "clickhouse"


def test_parse_dsn_password_is_decoded_and_hidden() -> None:
    dsn = parse_dsn("clickhouse://me:pl%61nted@db.test/jobs")
    assert dsn.password == "planted"
    assert "planted" not in f"{dsn} {dsn!r}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "chdb://",
        "chdb:///",
        "chdb://memory",
        "mysql://me:planted@db.test/jobs",
        "me:planted@db.test:8123",
        "clickhouse://",
        "clickhouse://me:planted@db.test:port/jobs",
        "clickhouse://me:planted@db.test:9000/jobs",
        "clickhouse://me:planted?@db.test/jobs",
        "clickhouse://me:planted@db.test/jobs?secure=1",
    ],
)
def test_parse_dsn_invalid_form_raises_without_the_password(text: str) -> None:
    with pytest.raises(DsnInvalidError) as caught:
        parse_dsn(text)
    assert "planted" not in str(caught.value)
    assert caught.value.__cause__ is None
