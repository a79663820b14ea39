"""The demo's world: a sandbox process, the keywords worth crawling in it, and the settings that point the spiders at it.

Only base URLs, secrets and manners differ from production: the spiders do not know that they talk to a sandbox.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobschema import Platform
from jobspiders.secret import Secret

# Loopback needs no manners, and a rest of half an hour is rehearsed in a third of a second.
REHEARSAL: Mapping[str, Any] = {
    "DOWNLOAD_DELAY": 0,
    "DOWNLOAD_DELAY_JITTER": 0,
    "CONCURRENT_REQUESTS": 16,
    "CONCURRENT_REQUESTS_PER_DOMAIN": 16,
    "DOWNLOAD_TIMEOUT": 10,
    "VERDICT_REST_SCALE": 0.0002,
    "VERDICT_MAX_WAIT": 8,
    "PROGRESS_SECONDS": 2,
}

# What each platform does to the demo's spiders, so that bans are met and survived: sandbox switches.
TROUBLE: Mapping[Platform, Mapping[str, Any]] = {
    Platform.BOSS: {"sign": True, "ban": "ip_banned", "ban_trigger": "every:40"},
    Platform.QCWY: {"ban": "slider", "ban_trigger": "every:25"},
    Platform.ZHILIAN: {"login": True, "ban": "empty_list", "ban_trigger": "every:30"},
}


@dataclass(frozen=True, slots=True)
class Errand:
    """What one spider crawls in the demo: every text in every city."""

    platform: Platform
    texts: tuple[str, ...]
    cities: tuple[str, ...]

    @property
    def arguments(self) -> dict[str, str]:
        """As `scrapy crawl -a` takes them."""
        return {"keywords": ",".join(self.texts), "city": ",".join(self.cities)}

    @property
    def keywords(self) -> list[dict[str, str]]:
        """As the sandbox's oracle takes them."""
        return [{"platform": self.platform.value, "text": text, "city": city} for text in self.texts for city in self.cities]


TEXTS = 4  # searched per platform, each in every city: enough to look at, done in well under a minute


def choose_errands(suggested: Sequence[Mapping[str, Any]]) -> list[Errand]:
    """Group the sandbox's suggestions (platform, text, city; the richest first) into one errand per platform."""
    errands = []
    for platform in Platform:
        ours = [one for one in suggested if one["platform"] == platform]
        texts = tuple(dict.fromkeys(one["text"] for one in ours))[:TEXTS]
        cities = tuple(dict.fromkeys(one["city"] for one in ours))
        errands.append(Errand(platform, texts, cities))
    return errands


def point_settings(base_url: str, secrets: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a crawl against the sandbox at `base_url`, with the secrets that its ready line gave."""
    return {
        **REHEARSAL,
        "BOSS_BASE_URL": base_url,
        "QCWY_BASE_URL": base_url,
        "QCWY_WEB_BASE_URL": base_url,
        "ZHILIAN_BASE_URL": base_url,
        "BOSS_TOKENS": Secret(",".join(secrets["boss_tokens"])),
        "BOSS_SIGN_SCRIPT": secrets["boss_sign_script"],
        "BOSS_SIGN_SECRET": Secret(secrets["boss_sign_secret"]),
        "QCWY_SIGN_KEY": Secret(secrets["qcwy_sign_key"]),
        "ZHILIAN_AT": Secret(secrets["zhilian_at"]),
        "ZHILIAN_RT": Secret(secrets["zhilian_rt"]),
    }
