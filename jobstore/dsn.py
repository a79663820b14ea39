"""The address of a ClickHouse store, read from one line of text: the first thing that happens when a store is opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from jobstore.errors import DsnInvalidError

FORMS = (
    "chdb:///absolute/folder, chdb://relative/folder, clickhouse://user:password@host:8123/database, "
    "clickhouse+https://..., http://... or https://..."
)
_PLAIN = frozenset({"clickhouse", "http"})
_TLS = frozenset({"clickhouse+https", "clickhouses", "https"})
_NATIVE_PORTS = frozenset({9000, 9440})


@dataclass(frozen=True, slots=True)
class StoreDsn:
    """Where a store is. `folder` is set for the in-process engine, the rest for a server. `str()` and `repr()` hide the password."""

    folder: Path | None = None
    host: str = ""
    port: int = 0
    secure: bool = False
    user: str = "default"
    password: str = field(default="", repr=False)
    database: str = "default"

    def __str__(self) -> str:
        if self.folder is not None:
            return f"chdb://{self.folder}"
        scheme = "clickhouse+https" if self.secure else "clickhouse"
        secret = ":***" if self.password else ""
        return f"{scheme}://{self.user}{secret}@{self.host}:{self.port}/{self.database}"


def parse_dsn(text: str) -> StoreDsn:
    """Read a DSN; relative chDB folders count from the working directory. Raises DsnInvalidError.

    No error quotes the text, which may hold a password.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        raise DsnInvalidError(f"The store's address is not a URL ({error.__class__.__name__}). Valid forms: {FORMS}.") from None
    scheme = parts.scheme.lower()
    if scheme == "chdb":
        return StoreDsn(folder=_read_folder(parts))
    if scheme in _PLAIN or scheme in _TLS:
        return _read_server(parts, port, secure=scheme in _TLS)
    raise DsnInvalidError(f"The store's address has the scheme {scheme or '(none)'!r}. Valid forms: {FORMS}.")


def _read_folder(parts: SplitResult) -> Path:
    path = unquote(parts.netloc + parts.path)
    if not path or path == "/" or parts.query or parts.netloc == "memory":
        raise DsnInvalidError(
            "A chdb:// address names a folder on disk and nothing else, for example chdb://data/clickhouse or chdb:///var/lib/jobs."
        )
    return Path(path).expanduser().resolve()


def _read_server(parts: SplitResult, port: int | None, *, secure: bool) -> StoreDsn:
    if not parts.hostname:
        raise DsnInvalidError(f"The store's address names no host. Valid forms: {FORMS}.")
    if parts.query or parts.fragment:
        raise DsnInvalidError(
            "The store's address has a ?query or #fragment, which mean nothing here. Percent-encode such characters in a password."
        )
    if port in _NATIVE_PORTS:
        raise DsnInvalidError(
            f"Port {port} speaks ClickHouse's native protocol; this client speaks HTTP. Use port 8123, or 8443 with clickhouse+https://."
        )
    return StoreDsn(
        host=parts.hostname,
        port=port or (8443 if secure else 8123),
        secure=secure,
        user=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        database=unquote(parts.path.strip("/")) or "default",
    )
