"""The body of an upload, from bytes to JSON, within bounds: what is compressed is unpacked no further than the door allows. Pure."""

from __future__ import annotations

import json
import re
import zlib
from typing import Any

import orjson
from backports import zstd

from control_api.errors import Invalid, TooLarge, UnknownEncoding

ENCODINGS = ("identity", "gzip", "zstd")
LONGEST_INTEGER = 400  # digits
DEEPEST = 64  # brackets within one another: no row of any contract comes near
MOST_BRACKETS = 1_000_000  # of a body that is looked through for what lies too deep
# Up to the next bracket that stands in no string, or to the end: never back, so that it takes as long as the body is.
_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.?)*+(?:"|\Z))*+([\[\]{}]|\Z)', re.DOTALL)
_CLOSERS = {b"[": b"]", b"{": b"}"}
_GZIP = 16 + zlib.MAX_WBITS


def unpack(body: bytes, encoding: str, limit: int) -> bytes:
    """The plain bytes of a body in `encoding` (identity, gzip, zstd), at most `limit`. Raises TooLarge, Invalid, UnknownEncoding."""
    encoding = encoding.strip().lower() or "identity"
    if encoding not in ENCODINGS:
        raise UnknownEncoding(f"This door reads Content-Encoding {', '.join(ENCODINGS)}; this one is another.")
    try:
        plain, is_whole = _UNPACKERS[encoding](body, limit + 1)
    except (zlib.error, zstd.ZstdError, EOFError):
        raise Invalid(f"The body says that it is {encoding} and cannot be unpacked as such.") from None
    if len(plain) > limit:
        raise TooLarge(f"Unpacked, the body is larger than the {limit} bytes that this door takes. Send smaller batches.")
    if not is_whole:
        raise Invalid(f"The {encoding} body ends in the middle, or something follows it.")
    return plain


def _keep(body: bytes, _most: int) -> tuple[bytes, bool]:
    return body, True


def _unpack_gzip(body: bytes, most: int) -> tuple[bytes, bool]:
    unpacker = zlib.decompressobj(_GZIP)
    plain = unpacker.decompress(body, most)
    return plain, unpacker.eof and not unpacker.unused_data


def _unpack_zstd(body: bytes, most: int) -> tuple[bytes, bool]:
    # The window is bounded too: a frame may ask for gigabytes before it gives a byte.
    unpacker = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 25})
    plain = unpacker.decompress(body, most)
    return plain, unpacker.eof and not unpacker.unused_data


_UNPACKERS = {"identity": _keep, "gzip": _unpack_gzip, "zstd": _unpack_zstd}


def pack(plain: bytes) -> bytes:
    """The bytes as they wait in the database: quick to make, a fifth of the size."""
    return zstd.compress(plain, 1)


def read_json(plain: bytes) -> Any:
    """The JSON of a body, read as far as its rows can be told apart. Raises Invalid.

    Half characters, NaN and numbers that no column holds stay what they are, and what lies too deep is null, far below where a row ends:
    rows that hold such things are refused for it, and not the others.
    """
    try:
        return orjson.loads(plain)
    except orjson.JSONDecodeError:
        pass
    level = _level(plain)
    try:
        return json.loads(level, parse_constant=float, parse_int=_read_integer)
    except ValueError:
        raise Invalid("The body is not valid JSON.") from None


def _level(plain: bytes) -> bytes:
    """The body with null for every value deeper than DEEPEST. Raises Invalid.

    A loop of our own: it goes as deep as the body is long, and finds the same in every thread, however deep its stack is already.
    """
    kept, done, count, closers = [], 0, 0, bytearray()
    for found in _BRACKET.finditer(plain):
        bracket = found[1]
        if bracket in _CLOSERS:
            count += 1
            if count > MOST_BRACKETS:
                raise Invalid(f"The body has more than {MOST_BRACKETS} lists and objects.")
            if len(closers) == DEEPEST:
                kept.append(plain[done : found.start(1)])
            closers += _CLOSERS[bracket]
        elif bracket:
            if not closers or closers.pop() != bracket[0]:
                raise Invalid("The body is not valid JSON: its brackets do not match.")
            if len(closers) == DEEPEST:
                kept.append(b"null")
                done = found.end()
    if closers:
        raise Invalid("The body is not valid JSON: its brackets do not match.")
    kept.append(plain[done:])
    return b"".join(kept)


def _read_integer(digits: str) -> int | float:
    # Python reads no whole number of thousands of digits. No column holds it either.
    return int(digits) if len(digits) <= LONGEST_INTEGER else float(digits)
