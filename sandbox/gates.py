"""Who is let in: ban triggers, hidden quotas per token and per IP, tokens that wear out. One gate a platform, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.bans import SEARCH_ONLY
from sandbox.visits import SEARCH, Asked, Visit


@dataclass(slots=True)
class _Window:
    started: float
    count: int = 0


@dataclass(slots=True)
class _Life:
    born: float
    uses: int = 0


@dataclass(slots=True)
class _Trigger:
    count: int = 0
    until: float = 0.0


@dataclass(slots=True)
class Gate:
    """The memory of one platform's defences. `switches` is the live dict of the platform."""

    switches: Mapping[str, Any]
    _quotas: dict[tuple[str, str], _Window] = field(default_factory=dict)
    _lives: dict[str, _Life] = field(default_factory=dict)
    _triggers: dict[str, _Trigger] = field(default_factory=dict)
    _banned: int = 0

    def clear(self) -> None:
        """Forget every count, window and dead token."""
        self._quotas.clear()
        self._lives.clear()
        self._triggers.clear()
        self._banned = 0

    def ip_ban(self, visit: Visit) -> str:
        """The block for an address above its quota, else ""."""
        over = self._is_over_quota("ip", visit.ip, visit.now)
        return self.switches["ip_quota_ban"] if over else ""

    def token_ban(self, label: str, visit: Visit) -> tuple[str, str]:
        """(block, cause) for a token that is dead, banned or above its quota, else ("", ""). A good use is counted."""
        on = self.switches
        number = int(label.rpartition("-")[2]) if label.rpartition("-")[2].isdigit() else 0
        if number in on["banned_tokens"]:
            return "account_banned" if label.startswith("token-") else "login_expired", "token_banned"
        if number in on["dead_tokens"]:
            return "login_expired", "token_dead"
        if self._is_worn_out(label, visit.now):
            return "login_expired", "token_expired"
        if self._is_over_quota("token", label, visit.now):
            return on["token_quota_ban"], "token_quota"
        return "", ""

    def switched_ban(self, asked: Asked, visit: Visit) -> str:
        """The block that the ban switch puts before this visit, else ""."""
        on = self.switches
        kind, where = on["ban"], on["ban_on"]
        if not kind or where not in ("any", asked.kind) or (kind in SEARCH_ONLY and asked.kind != SEARCH):
            return ""
        if on["ban_times"] and self._banned >= on["ban_times"]:
            return ""
        key = {"all": "", "token": asked.client, "ip": visit.ip}[on["ban_scope"]]
        trigger = self._triggers.setdefault(key, _Trigger())
        if visit.now >= trigger.until and not self._falls(trigger, asked, visit.now):
            return ""
        self._banned += 1
        return str(kind)

    def _falls(self, trigger: _Trigger, asked: Asked, now: float) -> bool:
        word, _, number = self.switches["ban_trigger"].partition(":")
        trigger.count += 1
        count = int(number or 1)
        falls = {
            "always": True,
            "every": trigger.count % count == 0,
            "after": trigger.count > count,
            "page": asked.page == count,
        }[word]
        if falls and self.switches["ban_seconds"]:
            trigger.until = now + self.switches["ban_seconds"]
            trigger.count = 0
        return bool(falls)

    def _is_over_quota(self, what: str, key: str, now: float) -> bool:
        limit: int = self.switches[f"{what}_quota"]
        if not limit or not key:
            return False
        window = self._quotas.get((what, key))
        if window is None or now - window.started >= self.switches[f"{what}_window"]:
            window = self._quotas[what, key] = _Window(now)
        window.count += 1
        return window.count > limit

    def _is_worn_out(self, label: str, now: float) -> bool:
        uses, seconds = self.switches["token_uses"], self.switches["token_seconds"]
        if not (uses or seconds):
            return False
        life = self._lives.setdefault(label, _Life(now))
        if (uses and life.uses >= uses) or (seconds and now - life.born >= seconds):
            return True
        life.uses += 1
        return False
