"""Bodies: packed, broken, bombs, deep. Every one is read or refused with a status of its own."""

from __future__ import annotations

import contextlib
import gzip
import json
import tracemalloc
from typing import Any

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from control_api.errors import Invalid, TooLarge, UnknownEncoding
from control_api.ingest_body import DEEPEST, MOST_BRACKETS, pack, read_json, unpack

PLAIN = b'{"data_list": []}' * 50


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (PLAIN, ""),
        (PLAIN, "identity"),
        (gzip.compress(PLAIN, mtime=0), "gzip"),
        (gzip.compress(PLAIN, mtime=0), " GZIP "),
        (pack(PLAIN), "zstd"),
    ],
)
def test_body_in_every_encoding_is_read(body: bytes, encoding: str) -> None:
    assert unpack(body, encoding, len(PLAIN)) == PLAIN


@pytest.mark.parametrize(("make", "encoding"), [(gzip.compress, "gzip"), (zstd.compress, "zstd")])
def test_bomb_is_not_unpacked_beyond_the_limit(make: object, encoding: str) -> None:
    bomb = make(b"0" * 200_000_000)  # type: ignore[operator]
    assert len(bomb) < 300_000
    tracemalloc.start()
    with pytest.raises(TooLarge):
        unpack(bomb, encoding, 1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (PLAIN, "gzip"),
        (PLAIN, "zstd"),
        (b"", "gzip"),
        (b"", "zstd"),
        (gzip.compress(PLAIN, mtime=0)[:-4], "gzip"),
        (gzip.compress(PLAIN, mtime=0) + b"x", "gzip"),
        (pack(PLAIN)[:-1], "zstd"),
        (pack(PLAIN) + pack(PLAIN), "zstd"),
    ],
)
def test_body_broken_is_refused(body: bytes, encoding: str) -> None:
    with pytest.raises(Invalid):
        unpack(body, encoding, 10_000)


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "x" * 1000])
def test_encoding_unknown_is_refused_by_name(encoding: str) -> None:
    with pytest.raises(UnknownEncoding, match="identity, gzip, zstd"):
        unpack(PLAIN, encoding, 10_000)


@given(body=st.binary(max_size=200), encoding=st.sampled_from(["", "gzip", "zstd"]))
def test_body_of_any_bytes_is_read_or_refused(body: bytes, encoding: str) -> None:
    with contextlib.suppress(Invalid, TooLarge):
        read_json(unpack(body, encoding, 100))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1,]",
        "nul",
        "-NaN",
        "\x00",
        "9" * 5000 + "x",
        '"\\ud800',
        "[" * 100_000,
        '{"a":' * 100_000,
        "[" * 100_000 + "}" * 100_000,
        '[{"a":' + "[" * 2_000 + "]" * 1_900 + '}, {}, {"b":' + "]" * 100 + "}]",  # would hide the row in the middle
        "]" * 10 + "[" * 100_000,
        "[" * 2_000 + "]" * 2_000 + ",",
        "[" * 1_000_001 + "]" * 1_000_001,
        # What would be looked at again from each of its places, if the search ever went back.
        "[" * 2_000 + '"\\' * 10_000_000,
        "[" * 2_000 + '"' * 20_000_000,
        "[" * 2_000 + "]" * 20_000_000,
    ],
)
def test_json_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        read_json(text.encode())


def test_json_with_half_a_character_is_read() -> None:
    assert read_json(json.dumps(["\ud800"]).encode()) == ["\ud800"]


def test_json_with_a_number_that_no_column_holds_is_read() -> None:
    digits = "9" * 5000  # more than Python takes for one whole number
    assert read_json(f"[{digits}, -{digits}, 17]".encode()) == [float("inf"), float("-inf"), 17]


def test_json_with_numbers_that_are_none_is_read() -> None:
    assert str(read_json(b"[NaN, Infinity, -Infinity, 17]")) == "[nan, inf, -inf, 17]"


@pytest.mark.parametrize("depth", [1_500, 100_000])
@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"]": "}", "a\\"[": ', "}")])
def test_what_lies_too_deep_is_null_and_its_neighbours_are_read(depth: int, opened: str, closed: str) -> None:
    found = read_json(f'["[", {opened * depth}7{closed * depth}, "]\\\\", {{"a": [1]}}]'.encode())
    assert (found[0], *found[2:]) == ("[", "]\\", {"a": [1]})
    steps, value = 0, found[1]
    while value is not None:
        steps, value = steps + 1, value[0] if type(value) is list else value['a"[']
    assert steps == DEEPEST - 1


@given(
    st.lists(
        st.recursive(
            st.none() | st.text(max_size=5) | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner)
        )
    )
)
def test_json_beside_what_lies_too_deep_is_read_as_it_is(rows: list[Any]) -> None:
    deep = b"[" * 2_000 + b"]" * 2_000
    assert read_json(b"[" + deep + b"," + json.dumps(rows).encode() + b"," + deep + b"]")[1] == rows


def test_brackets_in_texts_do_not_count() -> None:
    texts = json.dumps(["[{" * MOST_BRACKETS, '"[\\"'])
    assert read_json(f"[{texts}, {'[' * 2_000}{']' * 2_000}]".encode())[0] == json.loads(texts)
