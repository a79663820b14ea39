"""From settings to a platform's options: `<PLATFORM>_<OPTION>` keys, typed, with errors that name the setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any, TypeVar, get_type_hints

from jobspiders.platforms.base import PlatformOptions, SearchQuery

Options = TypeVar("Options", bound=PlatformOptions)

_SHARED = {"personal_data": "PERSONAL_DATA_ENABLED", "rejected_share": "SCHEMA_REJECTED_SHARE"}
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


def setting_name(prefix: str, option: str) -> str:
    """The setting that tells `option`: `BOSS_BASE_URL`, or a name that all platforms share."""
    return _SHARED.get(option, f"{prefix}_{option.upper()}")


def read_options(options: type[Options], prefix: str, settings: Mapping[str, object]) -> Options:
    """Build `options` from `settings`; a key that is absent or None (for numbers: or blank) leaves the default.

    ValueError names the setting, its value (never a secret's) and what is valid. A value with a `reveal()` method is a wrapped secret.
    """
    hints = get_type_hints(options)
    values: dict[str, Any] = {}
    for option in fields(options):
        name = setting_name(prefix, option.name)
        value = revealed(settings.get(name))
        if value is not None and not (value == "" and hints[option.name] in (int, float)):
            values[option.name] = _coerced(name, value, hints[option.name], option)
    return options(**values)


def revealed(value: object) -> object:
    """The text inside a secret wrapper; any other value as it is."""
    reveal = getattr(value, "reveal", None)
    return reveal() if callable(reveal) else value


def _coerced(name: str, value: object, kind: type, option: Field[Any]) -> object:
    try:
        return _as_kind(value, kind)
    except (ValueError, TypeError):
        shown = repr(value) if option.repr else "a secret that is not shown"
        valid = "true or false" if kind is bool else f"a value of type {kind.__name__}"
        raise ValueError(f"{name} is {shown}, which is not valid: give {valid}, or leave it unset for {option.default!r}") from None


def _as_kind(value: object, kind: type) -> object:
    if kind is bool:
        return _as_bool(value)
    if kind is str and not isinstance(value, str | int | float):
        raise TypeError
    return kind(str(value).strip()) if kind is not str else str(value).strip()


def _as_bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError
    return word in _TRUE


def checked_choice(name: str, value: object, valid: Mapping[Any, Any] | frozenset[Any] | tuple[Any, ...]) -> None:
    """Raise ValueError naming the setting `name` unless `value` is one of `valid`."""
    if value not in valid:
        listed = ", ".join(str(choice) for choice in sorted(valid))
        raise ValueError(f"{name} is {value!r}, which is not valid: give one of {listed}")


def checked_range(name: str, value: float, low: float, high: float) -> None:
    """Raise ValueError naming the setting `name` unless low <= value <= high."""
    if not low <= value <= high:
        raise ValueError(f"{name} is {value!r}, which is not valid: give a number from {low:g} to {high:g}")


def checked_address(name: str, value: str) -> None:
    """Raise ValueError naming the setting `name` unless `value` is an http(s) address without a query."""
    if not value.startswith(("http://", "https://")) or any(mark in value for mark in "?# "):
        raise ValueError(f"{name} is {value!r}, which is not valid: give an address such as https://host or http://127.0.0.1:8000")


def checked_filters(query: SearchQuery, valid: frozenset[str]) -> dict[str, str]:
    """The filters of a query by name; ValueError names the first one that the platform does not have."""
    for name, value in query.filters:
        if name not in valid:
            raise ValueError(f"filter {name}={value} is not known: give one of {', '.join(sorted(valid))}")
    return dict(query.filters)
