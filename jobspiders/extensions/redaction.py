"""Beside the flow: no secret reaches a log, even inside somebody else's message or traceback."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

from jobspiders.secret import Secret, redact
from jobspiders.session import session_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scrapy.crawler import Crawler


class RedactingFilter(logging.Filter):
    """Replaces every known secret in a record's text and traceback by `***`."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        self.secrets = sorted({secret for secret in secrets if len(secret) >= 4}, key=len, reverse=True)
        self._formatter = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        clean = redact(message, self.secrets)
        if clean != message:
            record.msg, record.args = clean, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = self._formatter.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text, self.secrets)
        return True


class SecretRedaction:
    """Installs the filter on every log handler: with the settings' secrets, the pools' and the script's."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.filter = RedactingFilter(secrets)
        for handler in logging.getLogger().handlers:
            handler.addFilter(self.filter)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        session = session_of(crawler)
        values = [attribute.value for attribute in crawler.settings.attributes.values()]
        secrets = [value.reveal() for value in values if isinstance(value, Secret) and value]
        return cls([*secrets, *session.tokens.secrets(), *session.tunnels.secrets(), session.script_secret])
