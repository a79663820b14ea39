"""A keyword as it lies in Redis: its id, its JSON, and what an operator's message must look like. Pure."""

from __future__ import annotations

import json
from typing import Any

from jobschema import Platform
from jobschema.messages import Keyword

ID_SEPARATOR = "|"
MAX_TEXT = 100  # characters, as for the spider argument
_FIELDS = {"text", "keyword", "city", "city_code", "depth", "pages", "priority", "run", "keyword_id", "platform"}


class MessageUnreadableError(ValueError):
    """A message of the inbox that is no keyword; the text says why and what is valid."""


def entry_id(keyword: Keyword, run: str = "") -> str:
    """`run|city|depth|text`: the same keyword in the same run is the same entry, whoever pushes it. Raises ValueError."""
    if ID_SEPARATOR in run or ID_SEPARATOR in keyword.city_code:
        raise ValueError(f"run {run!r} or city code {keyword.city_code!r} holds {ID_SEPARATOR!r}; use letters, digits, - and .")
    depth = "" if keyword.depth is None else str(keyword.depth)
    return ID_SEPARATOR.join([run, keyword.city_code, depth, keyword.text])


def run_of(identity: str) -> str:
    return identity.split(ID_SEPARATOR, 1)[0]


def text_of(identity: str) -> str:
    return identity.split(ID_SEPARATOR, 3)[3]


def write_entry(keyword: Keyword) -> str:
    values: dict[str, Any] = {"text": keyword.text, "city_code": keyword.city_code}
    if keyword.depth is not None:
        values["depth"] = keyword.depth
    if keyword.keyword_id:
        values["keyword_id"] = keyword.keyword_id
    if keyword.priority:
        values["priority"] = keyword.priority
    return to_json(values)


def to_json(values: Any) -> str:
    """Compact, readable in `redis-cli --raw`."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def read_entry(text: str, platform: Platform) -> Keyword:
    """What `write_entry` wrote."""
    return Keyword(platform=platform, **json.loads(text))


def read_message(data: str, platform: Platform) -> tuple[Keyword, str]:
    """An operator's message as (keyword, run). City codes only: `RedisFeed` translates names before. Raises MessageUnreadableError.

    `{"text": "Python", "city_code": "101010100", "depth": 5, "priority": 10, "run": "2026-11-20"}`; `keyword`, `city` and `pages` are
    other names for the first three; a message that is no JSON object is the text itself, in the whole country.
    """
    try:
        values = json.loads(data) if data.lstrip().startswith("{") else {"text": data}
    except ValueError as error:
        raise MessageUnreadableError(f'is no JSON: {error}. Valid is {{"text": "Python", "city": "北京"}}') from None
    unknown = sorted(set(values) - _FIELDS)
    if unknown:
        raise MessageUnreadableError(f"has unknown fields {', '.join(unknown)}; valid are {', '.join(sorted(_FIELDS))}")
    if values.get("platform", platform) != platform:
        raise MessageUnreadableError(f"is for {values['platform']!r}, but this is the queue of {platform}")
    keyword = Keyword(
        platform=platform,
        text=_text(values.get("text", values.get("keyword"))),
        city_code=str(values.get("city_code") or values.get("city") or ""),
        depth=_number(values, "depth", "pages"),
        keyword_id=str(values.get("keyword_id") or ""),
        priority=_number(values, "priority") or 0,
    )
    return keyword, str(values.get("run") or "")


def _text(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > MAX_TEXT:
        raise MessageUnreadableError(f"searches {value!r:.60}; text must have 1 to {MAX_TEXT} characters")
    if not text.isprintable():
        raise MessageUnreadableError(f"searches {value!r:.60}; text must be printable")
    return text


def _number(values: dict[str, Any], *names: str) -> int | None:
    for name in names:
        value = values.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not str(value).lstrip("-").isdigit():
            raise MessageUnreadableError(f"has {name} {value!r}; it must be a whole number")
        return int(value)
    return None
