"""Personal data in what the platforms send: which keys hold it, and how it leaves an item before anything else sees it.

Keys are told by pattern, not by list, so that a new `hrPhone` or `bossWechat` is dropped on the day it appears. JSON that
hides inside a string (qcwy `property`, zhilian `cardCustomJson`) is searched too. Free text is masked later, when normalising.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import orjson

_SHORTEST = 8  # no JSON text with a personal key is shorter
_DEEPEST = 32  # platforms nest about six levels; what lies deeper is dropped

_PERSONAL_KEY = re.compile(
    r"""
      (?:encrypt)?[bB]oss(?:$|[A-Z].*)          # boss: the recruiter
    | hr(?:$|[A-Z].*) | .*[a-z]Hr[A-Z].*        # qcwy: hrName, smallHrLogoUrl
    | staff(?:$|[A-Z].*) | recruiter.* | publisher.*
    | .*[aA]vatar.* | legalPerson.* | realName | nickName | user(?:Id|Name|Info)
    | (?:contact|link)(?:Name|Person|Man|Info|Phone|Mobile|Tel|Email|Wechat|Weixin|Qq|QQ).* | linkman
    | (?:.*(?i:mobile|phone|e-?mail|wechat|weixin)|tel|.*[a-z]Tel)(?:No|Num|Number|s|List)?
    | (?:encrypt)?[gG]eek.* | (?:encryptE|e)xpectId | cvNumber | resumeNumber   # the account that asked
    """,
    re.VERBOSE,
)
_QUOTED_KEY = re.compile(r'"([A-Za-z_-]{2,40})\\*"\s*:')  # of JSON, and of JSON inside JSON
_ENCODED_KEY = re.compile(r"%22([A-Za-z_-]{2,40})(?:%5[Cc])*%22%3[Aa]")


@lru_cache(maxsize=4096)
def is_personal(key: str) -> bool:
    """Whether a key of a platform's answer holds personal data."""
    return _PERSONAL_KEY.fullmatch(key) is not None


def strip_personal(item: dict[str, Any], *, keep: bool = False) -> dict[str, Any] | None:
    """Remove personal keys from `item`, at any depth, in place. With `keep` they are returned, by key (the outermost wins)."""
    kept: dict[str, Any] | None = {} if keep else None
    _strip_object(item, kept, 0)
    return kept


@lru_cache(maxsize=4096)
def _personal_among(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Items of one list share few sets of keys, so that asking per set is ten times cheaper than per key."""
    return tuple(key for key in keys if is_personal(key))


def _strip_object(item: dict[str, Any], kept: dict[str, Any] | None, depth: int) -> None:
    for key in _personal_among(tuple(item)):
        value = item.pop(key)
        if kept is not None:
            kept.setdefault(key, value)
    for key, value in item.items():  # the hottest loop of reading a page
        kind = type(value)
        if kind is str:
            if len(value) > _SHORTEST and (value[0] in "{[" or "%22" in value):
                item[key] = _stripped_text(value, kept, depth + 1)
        elif (kind is list or kind is dict) and value:
            item[key] = _stripped(value, kept, depth + 1)


def _stripped(value: Any, kept: dict[str, Any] | None, depth: int) -> Any:
    if depth > _DEEPEST:
        return None
    if type(value) is dict:
        _strip_object(value, kept, depth)
    elif type(value) is list:
        for index, element in enumerate(value):
            kind = type(element)
            if kind is dict:
                _strip_object(element, kept, depth + 1)
            elif kind is list:
                value[index] = _stripped(element, kept, depth + 1)
            elif kind is str and len(element) > _SHORTEST and element[0] in "{[":
                value[index] = _stripped_text(element, kept, depth + 1)
    return value


@lru_cache(maxsize=1024)
def _holds_personal_key(text: str) -> bool:
    """Most of such texts say the same in every item of a page."""
    return bool(_personal_among(tuple((_QUOTED_KEY if text[0] in "{[" else _ENCODED_KEY).findall(text))))


def _stripped_text(text: str, kept: dict[str, Any] | None, depth: int) -> str:
    """A string that may hold JSON, as is or percent-encoded; one that holds personal keys and cannot be rewritten becomes blank."""
    if not _holds_personal_key(text):
        return text
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return ""
    return orjson.dumps(_stripped(document, kept, depth + 1)).decode()
