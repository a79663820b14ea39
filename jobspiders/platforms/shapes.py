"""What an item must look like, as tables: required fields, types, and where each value goes. The platforms' contract-drift check.

A rule names the field of ours, the platform's names for it (first one that says something wins; `a.b` looks inside), how its value is
read, and how much it is needed. An item that breaks a rule is refused with `name:missing` or `name:type`; that holds for optional
fields too when we store them, since a value of another type is not the value we know how to read.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from jobspiders.platforms.base import Reject

MISTYPED: Final = object()
Reader = Callable[[Any], Any]
_ONLY_TEXT = {str}
_LABEL_KEYS = ("value", "name", "chineseTitle", "tag", "labelName", "content", "display")
_BREAKS = re.compile(r"<br\s*/?>|</(?:p|div|li|tr|h[1-6]|ul|ol|section)\s*>", re.IGNORECASE)
_TAGS = re.compile(r"<[^<>]{0,2000}>")
_BLANKS = re.compile(r"[ \t\r\f\v]*\n\s*")
_SHOWN = 60


class Need(Enum):
    """How much an item needs a field."""

    OPTIONAL = 0
    PRESENT = 1  # must be there, may be blank
    FILLED = 2  # must say something


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a shape: `target` is our name, `names` the platform's, joined by `|`."""

    target: str
    names: str
    read: Reader | None = None  # None: a string, as it is
    need: Need = Need.OPTIONAL


class Shape:
    """A table of rules, compiled once."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = [_compiled(rule) for rule in rules]

    def values(self, item: dict[str, Any]) -> dict[str, Any] | Reject:
        """What the rules find in `item`, by target; targets that it does not tell are left out. Or why it is refused."""
        found: dict[str, Any] = {}
        for target, first, others, read, is_required, is_filled in self._rules:
            value = item.get(first)
            if not value and others:
                value = _first_said(item, others, value)
            if value is None or (is_filled and value == ""):
                if is_required:
                    return Reject(f"{first or target}:missing")
                continue
            said = read(value) if read is not None else value if type(value) is str else MISTYPED
            if said is MISTYPED:
                return Reject(f"{first or target}:type", value=shown(value))
            found[target] = said
        return found


_Compiled = tuple[str, str, tuple[tuple[str, ...], ...], Reader | None, bool, bool]


def _compiled(rule: Rule) -> _Compiled:
    names = rule.names.split("|")
    first = "" if "." in names[0] else names[0]
    others = tuple(tuple(name.split(".")) for name in (names[1:] if first else names))
    return rule.target, first, others, rule.read, rule.need is not Need.OPTIONAL, rule.need is Need.FILLED


def _first_said(item: dict[str, Any], paths: tuple[tuple[str, ...], ...], fallback: Any) -> Any:
    for path in paths:
        value: Any = item
        for key in path:
            if type(value) is not dict:
                value = MISTYPED if value else None
                break
            value = value.get(key)
        if value:
            return value
        if fallback is None:
            fallback = value
    return fallback


def shown(value: object) -> str:
    """A refused value for the log: scalars shortened, containers by type only, since anything may be inside."""
    if value is MISTYPED:
        return "<what holds it is no object>"
    return f"<{type(value).__name__}>" if isinstance(value, dict | list) else repr(value)[:_SHOWN]


def as_identifier(value: Any) -> Any:
    """A code or id: text, or a whole number as text."""
    return value if type(value) is str else str(value) if type(value) is int else MISTYPED


def as_count(value: Any) -> Any:
    """A number of openings as text; 0 means that none is told."""
    return str(value) if type(value) is int and value else "" if value == 0 and type(value) is int else as_identifier(value)


def as_label(value: Any) -> Any:
    """A text, or the name of a `{code, name}`."""
    if type(value) is dict:
        value = value.get("name", MISTYPED)
        value = "" if value is None else value
    return value if type(value) is str else MISTYPED


def as_texts(value: Any) -> Any:
    """A list of texts, or of objects that carry one (`{state, value}`, `{id, name}`, `{tag}`); blank ones left out."""
    if type(value) is not list:
        return MISTYPED
    if set(map(type, value)) == _ONLY_TEXT:
        return [text for text in value if text]
    texts = []
    for element in value:
        text = element if type(element) is str else _label_of(element)
        if text is None:
            return MISTYPED
        if text:
            texts.append(text)
    return texts


def _label_of(element: Any) -> str | None:
    if type(element) is not dict:
        return None
    for key in _LABEL_KEYS:
        text = element.get(key)
        if type(text) is str:
            return text
    return None


def as_degrees(value: Any) -> Any:
    """A coordinate; None where the platform writes 0 or nothing."""
    if type(value) is str:
        try:
            value = float(value) if value.strip() else 0.0
        except ValueError:
            return MISTYPED
    elif type(value) is not float and type(value) is not int:
        return MISTYPED
    return float(value) if value and abs(value) <= 180 and math.isfinite(value) else None


def as_whole(value: Any) -> Any:
    """A whole number."""
    return value if type(value) is int else MISTYPED


def as_flag(value: Any) -> Any:
    """True or false."""
    return value if type(value) is bool else MISTYPED


def as_object(value: Any) -> Any:
    """A JSON object."""
    return value if type(value) is dict else MISTYPED


def as_plain_text(value: Any) -> Any:
    """Text from HTML: block ends become line ends, tags go, entities become characters. Plain text stays as it is."""
    if type(value) is not str:
        return MISTYPED
    if "<" not in value and "&" not in value:
        return value
    text = html.unescape(_TAGS.sub("", _BREAKS.sub("\n", value))).replace("\xa0", " ")
    return _BLANKS.sub("\n", text).strip()
