"""The body of an upload, from bytes to JSON, within bounds: what is compressed is unpacked no further than the door allows. Pure."""

from __future__ import annotations

import json
import zlib
from typing import Any, NoReturn

import orjson
from backports import zstd

from control_api.errors import Invalid, TooLarge, UnknownEncoding

ENCODINGS = ("identity", "gzip", "zstd")
LONGEST_INTEGER = 400  # digits
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
    """The JSON of a body. Half characters, which a cut-off page leaves behind, are read too; NaN is refused. Raises Invalid."""
    try:
        return orjson.loads(plain)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(plain, parse_constant=_refuse_constant, parse_int=_read_integer)
    except (ValueError, RecursionError):
        raise Invalid("The body is not valid JSON, or nested too deeply.") from None


def _read_integer(digits: str) -> int | float:
    # Python reads no whole number of thousands of digits. No column holds it either: its row is refused for that, and not the others.
    return int(digits) if len(digits) <= LONGEST_INTEGER else float(digits)


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError("no JSON")
