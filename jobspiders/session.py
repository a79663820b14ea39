"""What one crawl of one platform works with: the platform, its tokens and tunnels, the operator's script.

Made once by the spider; the middlewares and the signing handler take it from `crawler.spider.session`, so that none of them
knows a platform's or a spider's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scrapy.exceptions import NotConfigured

from jobspiders.errors import ArgumentsInvalidError
from jobspiders.platforms import build_platform
from jobspiders.platforms.base import SearchPlatform
from jobspiders.pools.resting import RestingPool
from jobspiders.pools.tokens import anonymous, read_tokens
from jobspiders.pools.tunnels import read_tunnels
from jobspiders.secret import reveal
from jobspiders.signers.script import ScriptSigner

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

    from jobschema import Platform


@dataclass(slots=True)
class PlatformSession:
    """One crawl's platform, pools and signer."""

    platform: SearchPlatform
    tokens: RestingPool
    tunnels: RestingPool
    script: ScriptSigner | None = None
    script_secret: str = ""


def open_session(name: Platform, settings: BaseSettings) -> PlatformSession:
    """Build a session from settings. Raises ArgumentsInvalidError or ValueError naming the setting that is missing or wrong."""
    prefix = name.upper()
    platform = build_platform(name, settings)
    limits = {"max_wait": settings.getfloat("VERDICT_MAX_WAIT"), "rest_limit": settings.getfloat("VERDICT_REST_LIMIT")}
    listed = read_tokens(prefix, reveal(settings.get(f"{prefix}_TOKENS")), settings.get(f"{prefix}_TOKENS_FILE") or "")
    tunnels = read_tunnels(
        settings.get("PROXY_TUNNEL") or "",
        scheme=settings.get("PROXY_SCHEME"),
        username=settings.get("PROXY_USERNAME") or "",
        password=reveal(settings.get("PROXY_PASSWORD")),
    )
    script = settings.get(f"{prefix}_SIGN_SCRIPT")
    return PlatformSession(
        platform=platform,
        tokens=RestingPool("token", listed if platform.needs_token else anonymous(), **limits),
        tunnels=RestingPool("tunnel", tunnels, **limits),
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
            f"{prefix}_SIGN_SCRIPT is {path!r}, which cannot be read ({type(error).__name__}). Name a JavaScript file in UTF-8, or leave it empty"
        ) from error


def session_of(crawler: Crawler) -> PlatformSession:
    """The session of the running spider. NotConfigured for a spider that has none: the component then stays out of its way."""
    session = getattr(crawler.spider, "session", None)
    if not isinstance(session, PlatformSession):
        raise NotConfigured("the spider crawls no platform")
    return session
