import pytest

from sandbox.clickhouse.errors import EngineRefusedError
from sandbox.clickhouse.statements import Statement, read_statement


@pytest.mark.parametrize(
    ("raw", "text", "form", "data"),
    [
        (b"INSERT INTO t (a) FORMAT Native\n\x00\x01\n", "INSERT INTO t (a) ", "Native", b"\x00\x01\n"),
        (b"INSERT INTO t FORMAT CSV  \r\n\n1", "INSERT INTO t ", "CSV", b"\n1"),
        (b"insert into t format JSONEachRow {}", "insert into t ", "JSONEachRow", b"{}"),
        (b'INSERT INTO t (`format`, "FORMAT") FORMAT CSV\n1;2', 'INSERT INTO t (`format`, "FORMAT") ', "CSV", b"1;2"),
        (b"INSERT INTO t /* FORMAT X */ FORMAT CSV\n", "INSERT INTO t /* FORMAT X */ ", "CSV", b""),
        (b"INSERT INTO t VALUES ('FORMAT CSV'); -- x", "INSERT INTO t VALUES ('FORMAT CSV'); -- x", "", None),
        (b"INSERT INTO t SELECT 1 FORMAT CSV", "INSERT INTO t SELECT 1 FORMAT CSV", "", None),
    ],
)
def test_read_statement_insert_is_cut_where_its_data_begins(raw: bytes, text: str, form: str, data: bytes | None) -> None:
    assert read_statement(raw) == Statement(text, "INSERT", form, data)


@pytest.mark.parametrize(
    ("raw", "form"),
    [
        (b"SELECT 1 FORMAT JSON", "JSON"),
        (b"(SELECT 1)\n FORMAT Native;", "Native"),
        (b"SELECT 1 FORMAT CSV SETTINGS max_threads = 1", "CSV"),
        (b"SELECT format FROM t", ""),
        (b"SELECT 'x FORMAT CSV'", ""),
        (b"-- FORMAT CSV\nSELECT 1", ""),
        (b"SELECT (SELECT format AS x)", ""),
    ],
)
def test_read_statement_query_names_its_format(raw: bytes, form: str) -> None:
    found = read_statement(raw)
    assert (found.format, found.has_result, found.reads_only) == (form, True, True)


@pytest.mark.parametrize(
    ("raw", "has_result", "reads_only", "is_lasting"),
    [
        (b"SHOW TABLES", True, True, False),
        (b"SET max_threads = 1", False, True, True),
        (b"USE x", False, True, True),
        (b"CREATE TEMPORARY TABLE x (a Int8)", False, False, True),
        (b"CREATE TABLE x (a Int8)", False, False, False),
        (b"DROP TABLE x;", False, False, False),
    ],
)
def test_read_statement_command_says_what_it_does(raw: bytes, has_result: bool, reads_only: bool, is_lasting: bool) -> None:
    found = read_statement(raw)
    assert (found.has_result, found.reads_only, found.is_lasting) == (has_result, reads_only, is_lasting)


@pytest.mark.parametrize("raw", [b"", b" -- nothing\n", b"SELECT 1; SELECT 2", b"SELECT 1;; DROP TABLE t", b"SELECT '\xff'"])
def test_read_statement_nothing_several_or_no_text_is_a_syntax_error(raw: bytes) -> None:
    with pytest.raises(EngineRefusedError) as caught:
        read_statement(raw)
    assert (caught.value.code, caught.value.status) == (62, 400)
