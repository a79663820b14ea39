"""Content encodings in both directions: the first step of every request and the last of every answer.

Clients send one frame per block, so that a body is several frames: each decoder reads to the end of the body, never to the end of a frame.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from sandbox.clickhouse.errors import CANNOT_DECOMPRESS, NOT_IMPLEMENTED, EngineRefusedError

Codec = Callable[[bytes], bytes]


def _unpack_frames(make: Callable[[], Any], data: bytes) -> bytes:
    """Every frame of `data`; each decompressor of `make` reads one."""
    pieces = []
    while data:
        frame = make()
        pieces.append(frame.decompress(data))
        if not frame.eof:
            raise EOFError("the last frame is cut off")
        data = frame.unused_data or b""
    return b"".join(pieces)


def _unpack_deflate(data: bytes) -> bytes:
    reader = zlib.decompressobj()
    found = reader.decompress(data) + reader.flush()
    if not reader.eof:
        raise EOFError("the stream is cut off")
    return found


def _find(name: str) -> Any:
    """A codec's module, None where it is not installed: then the client of this environment does not use it either."""
    try:
        return import_module(name)
    except ImportError:
        return None


_LZ4, _ZSTD, _BROTLI = _find("lz4.frame"), _find("backports.zstd"), _find("brotli")


def _find_decoders() -> dict[str, Codec]:
    found: dict[str, Codec] = {"gzip": gzip.decompress, "deflate": _unpack_deflate}
    if _LZ4:
        found["lz4"] = lambda data: _unpack_frames(_LZ4.LZ4FrameDecompressor, data)
    if _ZSTD:
        found["zstd"] = lambda data: _unpack_frames(_ZSTD.ZstdDecompressor, data)
    if _BROTLI:
        found["br"] = _BROTLI.decompress
    return found


def _find_encoders() -> dict[str, Codec]:
    found: dict[str, Codec] = {"gzip": lambda data: gzip.compress(data, 1), "deflate": lambda data: zlib.compress(data, 1)}
    if _LZ4:
        found["lz4"] = _LZ4.compress
    if _ZSTD:
        found["zstd"] = lambda data: _ZSTD.compress(data, 1)
    if _BROTLI:
        found["br"] = lambda data: _BROTLI.compress(data, quality=1)
    return found


DECODERS: Mapping[str, Codec] = MappingProxyType(_find_decoders())
ENCODERS: Mapping[str, Codec] = MappingProxyType(_find_encoders())


def unpack(data: bytes, encoding: str) -> bytes:
    """The body as it was before `encoding`. Raises EngineRefusedError for an unknown encoding and for a broken or cut-off body."""
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return data
    decode = DECODERS.get(name)
    if decode is None:
        raise EngineRefusedError(f"Unknown compression method {encoding!r}. Known here: {', '.join(DECODERS)}", NOT_IMPLEMENTED)
    try:
        return decode(data)
    except Exception as error:  # five libraries, each with an error of its own
        raise EngineRefusedError(f"Cannot decompress the {name} body of {len(data)} bytes: {error}", CANNOT_DECOMPRESS) from error


def choose_encoding(accepted: str) -> str:
    """The first encoding of an Accept-Encoding header that is known here, "" for none."""
    names = (part.partition(";")[0].strip().lower() for part in accepted.split(","))
    return next((name for name in names if name in ENCODERS), "")
