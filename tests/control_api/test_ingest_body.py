"""Bodies: packed, broken, bombs, deep. Every one is read or refused with a status of its own."""

from __future__ import annotations

import contextlib
import gzip
import json
import tracemalloc

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from control_api.errors import Invalid, TooLarge, UnknownEncoding
from control_api.ingest_body import pack, read_json, unpack

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
    "text", ["", "{", "[1,]", "nul", "NaN", "[Infinity]", "[" * 100_000, '{"a":' * 100_000, "\x00", "9" * 5000 + "x", '"\\ud800']
)
def test_json_broken_or_deep_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        read_json(text.encode())


def test_json_with_half_a_character_is_read() -> None:
    assert read_json(json.dumps(["\ud800"]).encode()) == ["\ud800"]


def test_json_with_a_number_that_no_column_holds_is_read() -> None:
    digits = "9" * 5000  # more than Python takes for one whole number
    assert read_json(f"[{digits}, -{digits}, 17]".encode()) == [float("inf"), float("-inf"), 17]
