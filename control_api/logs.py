"""Log lines: one JSON object each, to stdout, with the request's id and without secrets."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable
from contextvars import ContextVar
from datetime import UTC, datetime

request_id_var: ContextVar[str] = ContextVar("request_id", default="")

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}
_SHAPES = (
    re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"),  # JWT
    re.compile(r"\bjn_[0-9a-f]{12}_[0-9a-f]{16,}"),  # node secret
    re.compile(r"\bgAAAA[\w=-]{20,}"),  # Fernet
    re.compile(r"\$argon2\w*\$[^\s\"']+"),
    re.compile(r"(?<=://)[^\s/:@]+:[^\s@]+(?=@)"),  # user:password in an address
    re.compile(r"(?i)(?<=password[=:])\s*[^\s&,}\"']+"),
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` with known secrets, and everything that has the shape of one, as `***`."""
    for secret in secrets:
        text = text.replace(secret, "***")
    for shape in _SHAPES:
        text = shape.sub("***", text)
    return text


class JsonFormatter(logging.Formatter):
    """One line of JSON per record; `extra` fields are keys of their own."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := request_id_var.get():
            line["request_id"] = request_id
        line |= {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return redact(json.dumps(line, ensure_ascii=False, default=str), self._secrets)


def set_up_logs(level: str, secrets: Iterable[str] = ()) -> None:
    """Send every log line of this process to stdout as JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("uvicorn.access").disabled = True  # our own access line has no query string
