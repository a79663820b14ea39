"""Beside the flow: no secret reaches a log, even inside somebody else's message or traceback.

Scrapy puts a fresh handler on the root logger for every crawler, so a filter on a handler would be lost: the records themselves are
made clean, before any handler, file or test sees them.
"""

from __future__ import annotations

import logging
import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, unquote, urlsplit

from jobspiders.secret import Secret, redact
from jobspiders.session import session_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

SHORTEST = 4  # characters: replacing a shorter one would only mangle messages


class RedactingRecords:
    """A log record factory: every known secret in a record's text, traceback or stack becomes `***`. One per process."""

    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self.make = make
        self.secrets: list[str] = []
        self._formatter = logging.Formatter()

    def add(self, secrets: Iterable[str]) -> None:
        """Know more secrets. The longest is replaced first: a shorter one may be part of it."""
        self.secrets = sorted({*self.secrets, *(form for secret in secrets for form in spellings(secret))}, key=len, reverse=True)

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self.make(*args, **kwargs)
        message = record.getMessage()
        clean = redact(message, self.secrets)
        if clean != message:
            record.msg, record.args = clean, ()
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = redact(self._formatter.formatException(record.exc_info), self.secrets)
        if record.stack_info:
            record.stack_info = redact(record.stack_info, self.secrets)
        return record


class SecretRedaction:
    """Tells the process's record factory the secrets of the settings, of the pools and of the signing script."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        session = session_of(crawler)
        redacting_records().add([*setting_secrets(crawler.settings), *session.tokens.secrets(), session.script_secret])
        redacting_records().add(password for tunnel in session.tunnels.secrets() for password in address_secrets(tunnel))
        return cls()


def setting_secrets(settings: BaseSettings) -> Iterator[str]:
    """What the settings hold that no log may show: secrets whole, and the parts of a list of them; of an address its password."""
    for name, attribute in settings.attributes.items():
        if not isinstance(attribute.value, Secret):
            continue
        text = attribute.value.reveal()
        if name.endswith(("_DSN", "_URL")):
            yield from address_secrets(text)
        else:
            yield from (text, *re.split(r"[\s,]+", text))


def address_secrets(address: str) -> Iterator[str]:
    """The password in an address, as it is, as it is written there, and as an HTTP client sends it."""
    try:
        parts = urlsplit(address)
    except ValueError:  # the store or the proxy says what is wrong with it
        return
    if parts.password:
        user, password = unquote(parts.username or ""), unquote(parts.password)
        yield from (password, parts.password, b64encode(f"{user}:{password}".encode()).decode())


def redacting_records() -> RedactingRecords:
    """The process's record factory, put in place at the first call."""
    make = logging.getLogRecordFactory()
    if isinstance(make, RedactingRecords):
        return make
    records = RedactingRecords(make)
    logging.setLogRecordFactory(records)
    return records


def spellings(secret: str) -> Iterator[str]:
    """How a secret can stand in a message: as it is, and percent-encoded."""
    if len(secret) >= SHORTEST:
        yield from (secret, quote(secret, safe=""))
