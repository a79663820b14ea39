"""One request as a value: what a client asks, whichever of the protocol's ways it was said in. Pure."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sandbox.clickhouse.errors import AUTHENTICATION_FAILED, NOT_IMPLEMENTED, EngineRefusedError

# Parameters of the protocol; every other one is a setting of the engine.
_TRANSPORT = frozenset(
    {
        "query", "database", "default_format", "user", "password", "session_id", "session_timeout", "session_check", "query_id",
        "quota_key", "buffer_size", "wait_end_of_query", "compress", "decompress", "client_protocol_version", "role", "close_session",
        # Settings of a server's HTTP door, which this door reads itself.
        "enable_http_compression", "http_zlib_compression_level", "send_progress_in_http_headers", "http_headers_progress_interval_ms",
        "cancel_http_readonly_queries_on_client_close", "http_write_exception_in_output_format",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ask:
    """What a client asks. `raw` is the statement and any data behind it; `parameters` are those of the query ({name:Type})."""

    raw: bytes
    database: str = ""
    format: str = "TabSeparated"
    query_id: str = ""
    session: str = ""
    session_seconds: float = 60.0
    session_must_exist: bool = False
    accepts: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)


def make_ask(query: Mapping[str, str], headers: Mapping[str, str], body: bytes, fields: Mapping[str, str]) -> Ask:
    """Put a request together from its URL, headers, (unpacked) body and the fields of a form. Raises EngineRefusedError."""
    given = {**query, **fields}
    if given.get("compress") == "1" or given.get("decompress") == "1":
        raise EngineRefusedError("compress=1 and decompress=1 (native blocks) are not offered here; use Content-Encoding", NOT_IMPLEMENTED)
    # The statement may stand in the URL, in the body, or begin in the one and go on in the other.
    parts = [given.get("query", "").encode("utf-8", "surrogateescape"), body]
    return Ask(
        raw=b"\n".join(part for part in parts if part),
        database=given.get("database") or headers.get("X-ClickHouse-Database", ""),
        format=given.get("default_format") or headers.get("X-ClickHouse-Format", "") or "TabSeparated",
        query_id=given.get("query_id", ""),
        session=given.get("session_id", ""),
        session_seconds=_read_seconds(given.get("session_timeout", "60")),
        session_must_exist=given.get("session_check") == "1",
        accepts=headers.get("Accept-Encoding", "") if given.get("enable_http_compression") == "1" else "",
        settings={name: value for name, value in given.items() if name not in _TRANSPORT and not name.startswith("param_")},
        parameters={name.removeprefix("param_"): value for name, value in given.items() if name.startswith("param_")},
    )


def _read_seconds(text: str) -> float:
    try:
        return min(float(text), 3600.0)
    except ValueError:
        raise EngineRefusedError(f"Invalid session timeout: {text!r}", 36) from None


@dataclass(frozen=True, slots=True)
class Credentials:
    """The one user that may enter, and the check of what a request carries. `repr()` hides the password."""

    user: str = "default"
    password: str = field(default="", repr=False)

    def check(self, query: Mapping[str, str], headers: Mapping[str, str]) -> None:
        """Raises EngineRefusedError unless the request names the user and the password, in one of three ways and not in two."""
        ways = list(_named_users(query, headers))
        if len(ways) > 1:
            text = "Invalid authentication: it is not allowed to use several ways of authentication at once"
            raise EngineRefusedError(text, AUTHENTICATION_FAILED)
        user, password = ways[0] if ways else ("default", "")
        is_right = hmac.compare_digest(user.encode(), self.user.encode()) & hmac.compare_digest(password.encode(), self.password.encode())
        if not is_right:
            text = f"{user}: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)"
            raise EngineRefusedError(text, AUTHENTICATION_FAILED)


def _named_users(query: Mapping[str, str], headers: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    if "Authorization" in headers:
        yield _read_basic(headers["Authorization"])
    if "X-ClickHouse-User" in headers or "X-ClickHouse-Key" in headers:
        yield headers.get("X-ClickHouse-User", "default"), headers.get("X-ClickHouse-Key", "")
    if "user" in query or "password" in query:
        yield query.get("user", "default"), query.get("password", "")


def _read_basic(header: str) -> tuple[str, str]:
    scheme, _, coded = header.partition(" ")
    try:
        user, _, password = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        scheme = ""
    if scheme.lower() != "basic":
        raise EngineRefusedError("Invalid authentication: only Basic is understood here", AUTHENTICATION_FAILED)
    return user, password
