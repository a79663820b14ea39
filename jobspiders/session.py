"""What one crawl of one platform works with: the platform, its tokens and tunnels, the operator's script.

Made once per crawl, by whoever asks first; the spider, the middlewares and the signing handler take it from `session_of(crawler)`, so
that none of them knows a platform's or a spider's name. `scrapy shell` makes its components before its spider.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scrapy.exceptions import NotConfigured

from jobspiders.control_client import ControlClient, is_control_configured, open_client
from jobspiders.errors import ArgumentsInvalidError
from jobspiders.leases.budget import RequestBudget
from jobspiders.platforms import build_platform
from jobspiders.platforms.base import SearchPlatform
from jobspiders.pools.control_tokens import ControlTokenPool
from jobspiders.pools.resting import RestingPool
from jobspiders.pools.tokens import anonymous, read_tokens
from jobspiders.pools.tunnels import read_tunnels
from jobspiders.secret import reveal
from jobspiders.signers.script import ScriptSigner

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

    from jobschema import Platform


def _ignore(_reason: str) -> None:
    """Nothing runs that could be closed."""


def _ignore_drain(_seconds: float) -> None:
    """Nothing runs that could be drained."""


@dataclass(slots=True)
class PlatformSession:
    """One crawl's platform, pools and signer."""

    platform: SearchPlatform
    tokens: RestingPool
    tunnels: RestingPool
    script: ScriptSigner | None = None
    script_secret: str = field(default="", repr=False)
    stop: Callable[[str], None] = _ignore  # closes the spider with a finish reason; the spider sets it
    drain: Callable[[float], None] = _ignore_drain  # takes no further keyword, ends what it has within these seconds; the spider sets it
    control: ControlClient | None = None  # the control plane, where one is named
    budget: RequestBudget | None = None  # what all nodes together may ask, where a Redis is named


def open_session(name: Platform, settings: BaseSettings) -> PlatformSession:
    """Build a session from settings. Raises ArgumentsInvalidError or ValueError naming the setting that is missing or wrong."""
    prefix = name.upper()
    platform = build_platform(name, settings)
    max_wait, rest_limit = settings.getfloat("VERDICT_MAX_WAIT"), settings.getfloat("VERDICT_REST_LIMIT")
    listed = read_tokens(prefix, reveal(settings.get(f"{prefix}_TOKENS")), settings.get(f"{prefix}_TOKENS_FILE") or "")
    tunnels = read_tunnels(
        settings.get("PROXY_TUNNEL") or "",
        scheme=settings.get("PROXY_SCHEME"),
        username=settings.get("PROXY_USERNAME") or "",
        password=reveal(settings.get("PROXY_PASSWORD")),
    )
    script = settings.get(f"{prefix}_SIGN_SCRIPT")
    control = open_client(settings) if is_control_configured(settings) else None
    if control is not None and platform.needs_token and not listed:
        tokens: RestingPool = ControlTokenPool(control, name, settings.getint("CONTROL_TOKENS"), max_wait=max_wait, rest_limit=rest_limit)
    else:
        tokens = RestingPool("token", listed if platform.needs_token else anonymous(), max_wait=max_wait, rest_limit=rest_limit)
    return PlatformSession(
        platform=platform,
        control=control,
        tokens=tokens,
        tunnels=RestingPool("tunnel", tunnels, max_wait=max_wait, rest_limit=rest_limit),
        script=_open_script(script, prefix, settings) if script else None,
        script_secret=reveal(settings.get(f"{prefix}_SIGN_SECRET")),
    )


def _open_script(path: str, prefix: str, settings: BaseSettings) -> ScriptSigner:
    try:
        return ScriptSigner(
            path,
            function=settings.get(f"{prefix}_SIGN_FUNCTION") or "sign",
            runtime=settings.get("SIGNING_RUNTIME"),
            timeout=settings.getfloat("SIGNING_TIMEOUT"),
        )
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentsInvalidError(
            f"{prefix}_SIGN_SCRIPT is {path!r}, which cannot be read ({type(error).__name__}). Name a JavaScript file, or leave it empty"
        ) from error


def session_of(crawler: Crawler) -> PlatformSession:
    """The session of this crawl, opened at the first call (raises as open_session does). NotConfigured for a spider that crawls no
    platform: the component then stays out of its way, without a word."""
    name = getattr(crawler.spidercls, "platform_name", None)
    if name is None:
        raise NotConfigured
    session: PlatformSession | None = vars(crawler).get("platform_session")
    if session is None:
        session = open_session(name, crawler.settings)
        vars(crawler)["platform_session"] = session
    return session
