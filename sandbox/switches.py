"""The switches of each platform: their names, types, valid values and defaults, and the check of what is set. By CLI and control door."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.bans import BANS, SEARCH_ONLY

ENDPOINTS = ("any", "search", "detail", "batch", "company")
MUTATIONS = ("rename", "retype", "nest", "empty", "drop")
TRIGGER = re.compile(r"^(always|(every|after|page):[1-9]\d*)$")
MUTATE = re.compile(rf"^(|({'|'.join(MUTATIONS)}):[A-Za-z0-9_]+)$")


class SwitchError(ValueError):
    """A switch that does not exist or a value that it cannot take."""


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch: its default, what it takes (in words, for errors and --help) and the check that says so."""

    default: Any
    takes: str
    fits: Callable[[Any], bool]
    about: str


def _choice(default: str, values: Iterable[str], about: str) -> Switch:
    options = tuple(values)
    return Switch(default, "one of " + ", ".join(repr(value) for value in options), lambda value: value in options, about)


def _whole(about: str, default: int = 0) -> Switch:
    return Switch(default, "a whole number >= 0", lambda value: type(value) is int and value >= 0, about)


def _seconds(about: str, default: float = 0.0) -> Switch:
    return Switch(default, "a number >= 0", lambda value: type(value) in (int, float) and value >= 0, about)


def _rate(about: str, default: float = 0.0) -> Switch:
    return Switch(default, "a number from 0 to 1", lambda value: type(value) in (int, float) and 0 <= value <= 1, about)


def _flag(about: str, default: bool = False) -> Switch:
    return Switch(default, "true or false", lambda value: type(value) is bool, about)


def _matching(default: str, pattern: re.Pattern[str], takes: str, about: str) -> Switch:
    return Switch(default, takes, lambda value: isinstance(value, str) and bool(pattern.match(value)), about)


def _ids(about: str) -> Switch:
    def fits(value: Any) -> bool:
        return isinstance(value, list) and all(isinstance(one, str | int) for one in value)

    return Switch([], "a list of job ids", fits, about)


def _numbers(about: str) -> Switch:
    def fits(value: Any) -> bool:
        return isinstance(value, list) and all(type(number) is int and number >= 1 for number in value)

    return Switch([], "a list of whole numbers >= 1", fits, about)


def _common(platform: str) -> dict[str, Switch]:
    kinds = tuple(BANS[platform])
    anywhere = tuple(kind for kind in kinds if kind not in SEARCH_ONLY)
    token_ban, ip_ban = {"boss": ("login_expired", "ip_banned"), "qcwy": ("refused", "slider"), "zhilian": ("login_expired", "captcha")}[
        platform
    ]
    return {
        "ban": _choice("", ("", *kinds), "answer this block instead of data (the empty_ kinds: to searches only)"),
        "ban_trigger": _matching("always", TRIGGER, "'always', 'every:N', 'after:N' or 'page:N' with N >= 1", "when the ban falls"),
        "ban_on": _choice("any", ENDPOINTS, "which endpoints the ban counts and blocks"),
        "ban_scope": _choice("all", ("all", "token", "ip"), "whose requests are counted together and blocked together"),
        "ban_seconds": _seconds("how long a ban lasts once triggered (0 = only the triggering requests)"),
        "ban_times": _whole("ban at most so many requests, then never again (0 = no limit)"),
        "token_quota": _whole("requests allowed per token and window (0 = no limit); qcwy has no tokens"),
        "token_window": _seconds("the window of token_quota in seconds", 60.0),
        "token_quota_ban": _choice(token_ban, anywhere, "the block above token_quota, until the window ends"),
        "ip_quota": _whole("requests allowed per IP and window (0 = no limit)"),
        "ip_window": _seconds("the window of ip_quota in seconds", 60.0),
        "ip_quota_ban": _choice(ip_ban, anywhere, "the block above ip_quota, until the window ends"),
        "token_uses": _whole("a token is dead for good after so many uses (0 = never)"),
        "token_seconds": _seconds("a token is dead for good so many seconds after its first use (0 = never)"),
        "dead_tokens": _numbers("tokens (1 = the first) that are answered as expired"),
        "banned_tokens": _numbers("tokens (1 = the first) that are answered as a banned account"),
        "max_pages": _whole("pages beyond this one are empty (0 = no limit)"),
        "gone": _ids("these postings were taken down: no search shows them, their pages say so"),
        "gone_shown": _flag("searches still show the postings that are gone"),
        **_transport(),
        "mutate": _matching("", MUTATE, f"'' or KIND:FIELD with KIND one of {', '.join(MUTATIONS)}", "change a field of search items"),
        "mutate_share": _rate("the share of items (by job id, always the same ones) that mutate changes", 1.0),
    }


def _transport() -> dict[str, Switch]:
    return {
        "slow_ms": _whole("wait so many milliseconds before answering"),
        "truncate": _rate("share of answers cut off mid-body, the connection closed"),
        "cut_json": _rate("share of answers whose JSON ends early under a correct Content-Length"),
        "bad_gzip": _rate("share of answers that claim gzip and are not"),
        "wrong_type": _rate("share of good answers labelled text/html"),
        "redirect": _rate("share of requests sent (302) to a challenge page"),
        "too_many": _rate("share of requests answered 429 with Retry-After"),
        "retry_after": _whole("the Retry-After of 429 and 503 in seconds", 1),
        "server_error": _rate("share of requests answered server_error_status"),
        "server_error_status": Switch(
            502, "a status from 500 to 599", lambda value: type(value) is int and 500 <= value <= 599, "which 5xx"
        ),
        "reset": _rate("share of requests whose connection is reset"),
    }


SWITCHES: dict[str, dict[str, Switch]] = {
    "boss": {
        **_common("boss"),
        "sign": _flag("demand the x-sign signature on every request"),
        "list_key": _choice("list", ("list", "jobList"), "the name of the array in a search answer"),
        "list_brand_id": _flag("list items carry encryptBrandId"),
        "batch_keys": _choice("path_query", ("path_query", "path"), "how batchRunV3 keys its answers ('path': the last of one path wins)"),
        "inner_error_rate": _rate("share of a batch's parts that fail inside the good envelope"),
        "inner_error": _choice("challenge", [kind for kind, ban in BANS["boss"].items() if ban.code], "what such a part answers"),
    },
    "qcwy": {
        **_common("qcwy"),
        "cap": _whole("a search shows at most so many postings and never counts more", 1000),
        "repeat_share": _rate("share of searches that show one or two postings on two pages", 0.04),
        "waf_after": _whole("requests per IP through the unsigned door before the slider (0 = never)"),
        "waf_seconds": _seconds("how long the slider stays", 70.0),
    },
    "zhilian": {
        **_common("zhilian"),
        "login": _flag("demand at and rt"),
        "ad_share": _rate("share of pages with an ad card", 0.3),
    },
}


def default_switches() -> dict[str, dict[str, Any]]:
    """Every platform's switches at rest."""
    return {platform: {name: copy.copy(switch.default) for name, switch in rows.items()} for platform, rows in SWITCHES.items()}


def check_switch(platform: str, name: str, value: Any) -> None:
    """Raise SwitchError unless `platform` has the switch `name` and it takes `value`."""
    if platform not in SWITCHES:
        raise SwitchError(f"there is no platform {platform!r} in the sandbox; valid: {', '.join(SWITCHES)}")
    switch = SWITCHES[platform].get(name)
    if switch is None:
        raise SwitchError(f"{platform} has no switch {name!r}; valid: {', '.join(SWITCHES[platform])}")
    if not switch.fits(value):
        raise SwitchError(f"switch {platform}.{name} cannot be {value!r}; it takes {switch.takes} ({switch.about})")


def apply_switches(switches: dict[str, dict[str, Any]], changes: Mapping[str, Any]) -> None:
    """Set `changes` = {platform: {name: value}} in place: all of them, or none when one does not fit (SwitchError)."""
    for platform, rows in changes.items():
        if not isinstance(rows, Mapping):
            raise SwitchError(f"switches of {platform!r} must be an object of name and value, not {rows!r}")
        for name, value in rows.items():
            check_switch(platform, name, value)
    for platform, rows in changes.items():
        switches[platform].update(rows)


def parse_switch(text: str) -> tuple[str, str, Any]:
    """`boss.ban=ip_banned` -> ("boss", "ban", "ip_banned"), read by the type of the switch's default. SwitchError when unfit."""
    target, equals, word = text.partition("=")
    platform, dot, name = target.partition(".")
    if not (equals and dot):
        raise SwitchError(f"a switch is written PLATFORM.NAME=VALUE, not {text!r}")
    default = SWITCHES[platform][name].default if name in SWITCHES.get(platform, {}) else ""
    value = _read(default, word)
    check_switch(platform, name, value)
    return platform, name, value


def _read(default: Any, word: str) -> Any:
    if isinstance(default, bool):
        return {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}.get(word.lower(), word)
    try:
        if isinstance(default, int):
            return int(word)
        if isinstance(default, float):
            return float(word)
        if isinstance(default, list):
            return [int(part) if part.isdigit() else part for part in word.split(",") if part]
    except ValueError:
        return word
    return word
