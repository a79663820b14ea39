"""What we know of each site, as pure functions of plain values. `build_platform` turns a name and the settings into one of them,
`build_reader` into one that only reads saved answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jobschema import Platform
from jobspiders.platforms import boss, qcwy, zhilian
from jobspiders.platforms.base import PlatformOptions, SearchPlatform
from jobspiders.platforms.options import read_options
from jobspiders.platforms.reading import replay_call

__all__ = ["build_platform", "build_reader", "replay_call"]

_PLATFORMS: dict[Platform, tuple[type[PlatformOptions], Callable[[Any], SearchPlatform]]] = {
    Platform.BOSS: (boss.BossOptions, boss.create),
    Platform.QCWY: (qcwy.QcwyOptions, qcwy.create),
    Platform.ZHILIAN: (zhilian.ZhilianOptions, zhilian.create),
}


def build_platform(name: str, settings: Mapping[str, object]) -> SearchPlatform:
    """The platform `name`, told by the settings `<NAME>_<OPTION>`, `PERSONAL_DATA_ENABLED` and `SCHEMA_REJECTED_SHARE`.

    ValueError for an unknown name, a bad value or a missing secret, naming the setting and what is valid.
    """
    options, create = _described(name, settings)
    options.check_secrets()
    return create(options)


def build_reader(name: str, settings: Mapping[str, object]) -> SearchPlatform:
    """The same for reading saved answers: it needs no secret, and what it would sign no platform accepts. ValueError as above."""
    options, create = _described(name, settings)
    return create(options)


def _described(name: str, settings: Mapping[str, object]) -> tuple[PlatformOptions, Callable[[Any], SearchPlatform]]:
    if name not in _PLATFORMS:
        raise ValueError(f"platform {name!r} is not known: give one of {', '.join(_PLATFORMS)}")
    options, create = _PLATFORMS[Platform(name)]
    return read_options(options, name.upper(), settings), create
