"""A keyword as it lies in Redis: its id, its JSON, and what an operator's message must look like. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from jobschema import Platform, keys
from jobschema.keys import ID_SEPARATOR
from jobschema.messages import Keyword

MAX_TEXT = 100  # characters, as for the spider argument
MAX_DEPTH = 1000  # pages, as for the spider argument
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,9}")
_FIELDS = {"text", "keyword", "city", "city_code", "depth", "pages", "priority", "run", "keyword_id", "platform"}


class MessageUnreadableError(ValueError):
    """A message of the inbox that is no keyword; the text says why and what is valid."""


def entry_id(keyword: Keyword, run: str = "") -> str:
    """The keyword's name in Redis. Raises ValueError."""
    return keys.entry_id(run, keyword.city_code, keyword.depth, keyword.text)


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
    except (ValueError, RecursionError) as error:
        raise MessageUnreadableError(f'is no JSON: {error}. Valid is {{"text": "Python", "city": "北京"}}') from None
    unknown = sorted(set(values) - _FIELDS)
    if unknown:
        raise MessageUnreadableError(f"has unknown fields {_list_names(unknown)}; valid are {', '.join(sorted(_FIELDS))}")
    if values.get("platform", platform) != platform:
        raise MessageUnreadableError(f"is for {values['platform']!r:.60}, but this is the queue of {platform}")
    keyword = Keyword(
        platform=platform,
        text=_text(values.get("text", values.get("keyword"))),
        city_code=_name(values, "city_code", "city"),
        depth=_depth(values),
        keyword_id=_name(values, "keyword_id"),
        priority=_number(values, "priority") or 0,
    )
    return keyword, _name(values, "run")


def _list_names(names: list[str]) -> str:
    """Names that anybody may have sent, short and printable."""
    return ", ".join(name if name.isidentifier() else repr(name) for name in names)[:200]


def _text(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > MAX_TEXT:
        raise MessageUnreadableError(f"searches {value!r:.60}; text must have 1 to {MAX_TEXT} characters")
    if not text.isprintable():
        raise MessageUnreadableError(f"searches {value!r:.60}; text must be printable")
    return text


def _name(values: dict[str, Any], *names: str) -> str:
    """The first of these fields that is filled: a short text, or a number written without quotes; empty where none is."""
    for name in names:
        value = values.get(name)
        if not value:
            continue
        text = str(value) if isinstance(value, (str, int)) else ""
        if not text.isprintable() or not 1 <= len(text) <= MAX_TEXT:
            raise MessageUnreadableError(f"has {name} {value!r:.60}; it must be a text of at most {MAX_TEXT} printable characters")
        return text
    return ""


def _depth(values: dict[str, Any]) -> int | None:
    depth = _number(values, "depth", "pages")
    if depth is not None and not 1 <= depth <= MAX_DEPTH:
        raise MessageUnreadableError(f"has depth {depth}; valid are 1 to {MAX_DEPTH} search pages")
    return depth


def _number(values: dict[str, Any], *names: str) -> int | None:
    for name in names:
        value = values.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (str, int)) or not _WHOLE_NUMBER.fullmatch(str(value)):
            raise MessageUnreadableError(f"has {name} {value!r:.60}; it must be a whole number of at most nine digits")
        return int(value)
    return None
