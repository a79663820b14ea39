"""The real client against the front: what goes in comes back, and errors are the server's."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from sandbox.clickhouse.codecs import DECODERS

ROWS = [[n, None if n % 7 == 0 else "中" * (n % 20)] for n in range(20_000)]
CLIENT = """
import sys, clickhouse_connect
port, password, number = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
client = clickhouse_connect.get_client(host="127.0.0.1", port=port, username="default", password=password, autogenerate_session_id=False)
for batch in range(20):
    rows = [[number * 10_000 + batch * 10 + n, "x"] for n in range(10)]
    client.insert("t", rows, column_names=["a", "b"], settings={"insert_deduplication_token": f"{number}:{batch}", "async_insert": 0})
    client.query("SELECT count() FROM t")
"""


def count(client) -> int:
    return client.query("SELECT count() FROM t").result_rows[0][0]


def insert(client, rows, token: str) -> None:
    client.insert("t", rows, column_names=["a", "b"], settings={"insert_deduplication_token": token, "async_insert": 0})


@pytest.mark.parametrize("codec", [False, *sorted({"gzip", "lz4", "zstd", "br"} & set(DECODERS))])
def test_every_codec_carries_every_row_both_ways(client, connect, codec) -> None:
    packed = connect(compress=codec)
    insert(packed, ROWS, f"{codec}")
    assert [list(row) for row in packed.query("SELECT a, b FROM t ORDER BY a").result_rows] == ROWS


def test_token_is_known_again_and_belongs_to_its_insert_alone(client) -> None:
    for _ in range(2):
        insert(client, ROWS[:10], "one")
    insert(client, ROWS[:10], "two")
    client.insert("t", [[1, "a"]], column_names=["a", "b"])
    client.insert("t", [[2, "b"]], column_names=["a", "b"])
    assert count(client) == 22


def test_parameters_of_any_length_and_text(client) -> None:
    for text in ("a\tb\\n'\"`;中😀", "x" * 300_000):
        query = "SELECT {x:String}, {y:Array(String)}, {z:Nullable(UInt8)}"
        found = client.query(query, parameters={"x": text, "y": [text[:50], "'"], "z": None}).result_rows
        assert found == [(text, [text[:50], "'"], None)]


def test_settings_of_a_request_end_with_it(client) -> None:
    query = "SELECT getSetting('max_block_size'), getSetting('insert_deduplication_token')"
    first = client.query(query).result_rows
    assert client.query(query, settings={"max_block_size": 7, "insert_deduplication_token": "a'b\\"}).result_rows == [(7, "a'b\\")]
    assert client.query(query).result_rows == first


def test_set_and_temporary_tables_last_as_long_as_a_session(connect) -> None:
    mine, other = connect(autogenerate_session_id=True), connect()
    mine.command("SET max_block_size = 77")
    mine.command("CREATE TEMPORARY TABLE own (a UInt8)")
    mine.command("INSERT INTO own VALUES (3)")
    assert mine.query("SELECT a, getSetting('max_block_size') FROM own").result_rows == [(3, 77)]
    assert other.query("SELECT getSetting('max_block_size')").result_rows != [(77,)]
    other.command("SET max_block_size = 78")
    assert other.query("SELECT getSetting('max_block_size')").result_rows != [(78,)]


def test_databases_are_apart(client, connect) -> None:
    client.command("CREATE DATABASE IF NOT EXISTS `other db`")
    inside = connect(database="other db")
    inside.command("CREATE TABLE IF NOT EXISTS apart (a UInt8) ENGINE = MergeTree ORDER BY a")
    assert inside.query("SELECT currentDatabase()").result_rows == [("other db",)]
    assert client.query("SELECT currentDatabase()").result_rows == [("default",)]
    assert inside.query("SHOW TABLES").result_rows == [("apart",)]


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT FROM WHERE", 62),
        ("SELECT 1; SELECT 2", 62),
        ("SELECT * FROM nope", 60),
        ("SELECT nope FROM t", 47),
        ("SELECT throwIf(1)", 395),
        ("INSERT INTO nope FORMAT CSV\n1", 60),
        ("INSERT INTO t FORMAT JSONEachRow\n{'a': 'x'}", 26),
    ],
)
def test_refused_statement_carries_the_engines_code_and_the_next_one_works(client, statement: str, code: int) -> None:
    for _ in range(3):
        with pytest.raises(DatabaseError) as caught:
            client.command(statement)
        assert caught.value.code == code
    insert(client, ROWS[:3], "after")
    assert count(client) == 3


def test_unknown_setting_or_database_is_refused(client, connect) -> None:
    with pytest.raises(DatabaseError) as caught:
        client.command("SELECT 1", settings={"insert_deduplication_tokem": "x"})
    assert caught.value.code == 115
    with pytest.raises(DatabaseError) as caught:
        connect(database="nope")
    assert caught.value.code == 81


def test_wrong_password_is_refused_without_repeating_it(connect) -> None:
    with pytest.raises(DatabaseError) as caught:
        connect(password="wrong-secret")
    assert caught.value.code == 516
    assert "wrong-secret" not in str(caught.value)


def test_broken_block_leaves_nothing(client) -> None:
    insert(client, ROWS[:1], "first")
    with pytest.raises(DatabaseError):
        client.raw_insert("t", ["a", "b"], b"\x02\xff\x7f broken", fmt="Native")
    assert count(client) == 1


def test_raw_stream_comes_in_the_format_asked_for(client) -> None:
    insert(client, ROWS[:3], "three")
    assert client.raw_stream("SELECT a FROM t ORDER BY a", fmt="CSVWithNames").read() == b'"a"\n0\n1\n2\n'
    assert client.raw_stream("SELECT a FROM t", fmt="Parquet").read().startswith(b"PAR1")


def test_threads_share_a_client(client) -> None:
    def work(number: int) -> None:
        for batch in range(10):
            insert(client, [[number, "x"]], f"{number}:{batch}")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))  # raises what a thread raised
    assert count(client) == 80


def test_several_processes_share_the_front(client, front) -> None:
    command = [sys.executable, "-c", CLIENT, str(front.port), "front: secret/"]
    writers = [subprocess.Popen([*command, str(number)]) for number in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert client.query("SELECT count(), uniqExact(a) FROM t").result_rows == [(600, 600)]
