"""Every setting of the crawler, in the order of the flow, with its default and why. The only reader of the environment.

`-s NAME=value` overrides an environment variable, which overrides the default here. docs/settings.md explains each one;
`.env.example` lists what an operator must give. Secrets come by the environment alone: `-s` shows in `ps`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from scrapy.settings import default_settings

from jobspiders.secret import env_secret


def _env(name: str, default: Any) -> Any:
    return os.environ.get(name, default)


def _env_float(name: str, default: float) -> float:
    text = os.environ.get(name, "").strip()
    try:
        return float(text or default)
    except ValueError:
        raise ValueError(f"the environment variable {name} is {text!r}; valid is a number, as in {default}") from None


def _env_int(name: str, default: int) -> int:
    number = _env_float(name, default)
    if not number.is_integer():
        raise ValueError(f"the environment variable {name} is {number}; valid is a whole number, as in {default}")
    return int(number)


def _env_switch(name: str, default: bool) -> bool:
    text = os.environ.get(name, "").strip().lower()
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    if text:
        raise ValueError(f"the environment variable {name} is {text!r}; valid are 1, true, yes, on and 0, false, no, off")
    return default


# --- The project ------------------------------------------------------------------------------------------------------
BOT_NAME = "jobspiders"
SPIDER_MODULES = ["jobspiders.spiders"]
NEWSPIDER_MODULE = "jobspiders.spiders"
COMMANDS_MODULE = "jobspiders.commands"
DATA_DIR = _env("JOBSPIDERS_DATA_DIR", str(Path.cwd() / "data"))

# --- Platforms: where they are and what the operator holds of them ----------------------------------------------------
# An option of jobspiders/platforms/<platform>.py is the setting <PLATFORM>_<OPTION>; what is not set here keeps its default there.
BOSS_BASE_URL = _env("BOSS_BASE_URL", "https://www.zhipin.com")
BOSS_WT2 = env_secret("BOSS_WT2")
BOSS_BATCH_SIZE = _env_int("BOSS_BATCH_SIZE", 5)  # details asked for in one batchRunV3 call
QCWY_BASE_URL = _env("QCWY_BASE_URL", "https://cupid.51job.com")
QCWY_WEB_BASE_URL = _env("QCWY_WEB_BASE_URL", "https://we.51job.com")
QCWY_DOOR = _env("QCWY_DOOR", "search")  # search (signed GET) | wxmini (signed POST) | web (unsigned GET)
QCWY_SIGN_KEY = env_secret("QCWY_SIGN_KEY")
ZHILIAN_BASE_URL = _env("ZHILIAN_BASE_URL", "https://fe-api.zhaopin.com")
ZHILIAN_AT = env_secret("ZHILIAN_AT")
ZHILIAN_RT = env_secret("ZHILIAN_RT")
ZHILIAN_CLIENT_ID = _env("ZHILIAN_CLIENT_ID", "")

# --- Tokens -----------------------------------------------------------------------------------------------------------
BOSS_TOKENS = env_secret("BOSS_TOKENS")  # MPT tokens, separated by commas or spaces
BOSS_TOKENS_FILE = _env("BOSS_TOKENS_FILE", "")  # or a file with one token a line

# --- Signing ----------------------------------------------------------------------------------------------------------
# The operator's JavaScript, run through PyExecJS for every attempt; docs/signing.md has the contract. Off when empty.
BOSS_SIGN_SCRIPT = _env("BOSS_SIGN_SCRIPT", "")
BOSS_SIGN_FUNCTION = _env("BOSS_SIGN_FUNCTION", "sign")
BOSS_SIGN_SECRET = env_secret("BOSS_SIGN_SECRET")
SIGNING_RUNTIME = _env("SIGNING_RUNTIME", "auto")  # auto | quickjs | node | node-per-call
SIGNING_TIMEOUT = _env_float("SIGNING_TIMEOUT", 2)  # seconds a script may run
SIGNING_HANDLER = "scrapy.core.downloader.handlers.http11.HTTP11DownloadHandler"  # the handler that the signed request goes to
DOWNLOAD_HANDLERS = {
    "http": "jobspiders.handlers.SigningDownloadHandler",
    "https": "jobspiders.handlers.SigningDownloadHandler",
}

# --- Tunnels: a proxy exit is chosen for every attempt; none configured = the machine's own address ------------------
PROXY_SCHEME = _env("PROXY_SCHEME", "http")
PROXY_TUNNEL = _env("PROXY_TUNNEL", "")  # host:port, several separated by commas
PROXY_USERNAME = _env("PROXY_USERNAME", "")
PROXY_PASSWORD = env_secret("PROXY_PASSWORD")

# --- Manners: what one node asks of one platform ----------------------------------------------------------------------
# The predecessor's names: a wait between two requests drawn from this interval. Polite by default; raise with care.
SLEEP_MIN_SECONDS = _env_float("SLEEP_MIN_SECONDS", 2)
SLEEP_MAX_SECONDS = _env_float("SLEEP_MAX_SECONDS", 6)
DOWNLOAD_DELAY = (SLEEP_MIN_SECONDS + SLEEP_MAX_SECONDS) / 2
DOWNLOAD_DELAY_JITTER = (SLEEP_MAX_SECONDS - SLEEP_MIN_SECONDS) / 2 / DOWNLOAD_DELAY if DOWNLOAD_DELAY else 0.0
CONCURRENT_REQUESTS = _env_int("CONCURRENT_REQUESTS", 4)
CONCURRENT_REQUESTS_PER_DOMAIN = CONCURRENT_REQUESTS  # Scrapy's own default of 8 would cap a crawl of one host silently
DOWNLOAD_TIMEOUT = 30
ROBOTSTXT_OBEY = False  # app endpoints: robots.txt speaks of pages; the limits above and the platform's own word are the manners
COOKIES_ENABLED = False  # no platform needs them, and Scrapy's cookie code fetches a public list over the network
USER_AGENT = None  # each platform's signing sets the agent of its own client

# --- Keywords across nodes: leases in Redis, where one is named; docs/leases.md ---------------------------------------
# With REDIS_URL and without `-a keywords=`, `scrapy crawl boss` waits for keywords in Redis. scrapy-redis's own settings work as ever.
REDIS_URL = env_secret("REDIS_URL")  # redis://user:password@host:6379/0, rediss:// for TLS
REDIS_START_URLS_KEY = _env("REDIS_START_URLS_KEY", "%(name)s:keywords")  # the list that operators push to
MAX_IDLE_TIME_BEFORE_CLOSE = _env_int("MAX_IDLE_TIME_BEFORE_CLOSE", 0)  # seconds without a keyword anywhere; 0 = wait for ever
NODE_NAME = _env("NODE_NAME", "")  # how this machine appears in `scrapy keywords`; the host's name when empty
LEASE_BEAT_SECONDS = _env_float("LEASE_BEAT_SECONDS", 3)  # one heartbeat a node, for all of its leases
LEASE_SECONDS = _env_float("LEASE_SECONDS", 9)  # of silence, then a node's keywords go to others
LEASE_MAX_ATTEMPTS = _env_int("LEASE_MAX_ATTEMPTS", 5)  # failed runs of a keyword, then it is a dead letter
LEASE_MAX_HELD = _env_int("LEASE_MAX_HELD", 200)  # keywords a node holds at most, those that only wait for the stores included
LEASE_GRACE = _env_float("LEASE_GRACE", 30)  # seconds from SIGTERM to the end of the process, whatever is still open
CONTROL_DATABASE_URL = env_secret("CONTROL_DATABASE_URL")  # the control plane's own; only `scrapy keywords rebuild --table` reads it here
# What all nodes together may ask of one platform, and through one exit: requests per second, 0 = no limit.
BUDGET_PLATFORM_RATE = _env_float("BUDGET_PLATFORM_RATE", 0)
BUDGET_EGRESS_RATE = _env_float("BUDGET_EGRESS_RATE", 0)
BUDGET_BURST_SECONDS = _env_float("BUDGET_BURST_SECONDS", 1)  # so much of an unused budget may be caught up at once

# --- The control plane: keywords, tokens and the door for rows, for a node that holds nothing but its own credential ----
# With CONTROL_API_URL and without `-a keywords=`, `scrapy crawl boss` waits for keywords of the control plane; docs/operations.md.
CONTROL_API_URL = _env("CONTROL_API_URL", "")  # https://control.example:8443
CONTROL_API_TOKEN = env_secret("CONTROL_API_TOKEN")  # this node's credential: `python -m control_api nodes add NAME` prints it once
CONTROL_KEYWORDS = _env_int("CONTROL_KEYWORDS", 8)  # keywords open at once
CONTROL_TOKENS = _env_int("CONTROL_TOKENS", 2)  # tokens borrowed at once, where a platform needs them and none is set
CONTROL_POLL_SECONDS = _env_float("CONTROL_POLL_SECONDS", 5)  # between two questions when no keyword is due

# --- Verdicts: what a response really was, and what follows ----------------------------------------------------------
SCHEMA_REJECTED_SHARE = _env_float("SCHEMA_REJECTED_SHARE", 0.2)  # more than this share of a page refused = schema_changed
VERDICT_RETRY_TIMES = _env_int("VERDICT_RETRY_TIMES", 4)  # further attempts of one request after a bad verdict
VERDICT_BLOCK_LIMIT = _env_int("VERDICT_BLOCK_LIMIT", 12)  # blocked answers in a row, none good between: the spider closes
VERDICT_MAX_WAIT = _env_float("VERDICT_MAX_WAIT", 1800)  # seconds that a request waits for a rested token or tunnel
# Seconds that the token and the tunnel rest after each verdict, doubled while it repeats, up to VERDICT_REST_LIMIT.
VERDICT_RESTS = {
    "rate_limited": {"token": 30, "tunnel": 30},
    "account_banned": {"token": 7200},
    "ip_banned": {"tunnel": 1800},
    "challenge": {"token": 300, "tunnel": 300},
    "soft_ban": {"token": 120, "tunnel": 120},
    "server_error": {"tunnel": 5},
}
VERDICT_REST_LIMIT = _env_float("VERDICT_REST_LIMIT", 14400)
VERDICT_REST_SCALE = _env_float("VERDICT_REST_SCALE", 1)  # multiplies every rest; a rehearsal against the sandbox wants 0.001

DOWNLOADER_MIDDLEWARES = {
    "jobspiders.middlewares.token.TokenMiddleware": 690,
    "jobspiders.middlewares.tunnel.TunnelMiddleware": 745,  # before HttpProxyMiddleware (750), which hides the credentials
    "jobspiders.middlewares.budget.BudgetMiddleware": 747,  # the exit is chosen; nearest to the network that can wait
    "jobspiders.middlewares.verdict.VerdictMiddleware": 585,  # decompressed body (590), before RetryMiddleware (550) sees it
    "jobspiders.middlewares.decompression.DecompressionMiddleware": 590,
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,  # the one above is it
    "scrapy.downloadermiddlewares.httpcache.HttpCacheMiddleware": 580,  # behind the verdict: a block is never kept and served again
    "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": None,
    "scrapy.downloadermiddlewares.defaultheaders.DefaultHeadersMiddleware": None,
    "scrapy.downloadermiddlewares.cookies.CookiesMiddleware": None,
    "scrapy.downloadermiddlewares.redirect.MetaRefreshMiddleware": None,
}
RETRY_TIMES = 3  # connection faults and signing scripts that ran out of time; verdicts have their own count
RETRY_EXCEPTIONS = [*default_settings.RETRY_EXCEPTIONS, "jobspiders.signers.errors.SigningTimeout"]
RETRY_PRIORITY_ADJUST = 1  # before new requests: a keyword that met a ban is done before the next one begins
RETRY_HTTP_CODES: list[int] = []  # a status is one part of a verdict: VerdictMiddleware decides, no one else
REDIRECT_ENABLED = False  # a redirect is where platforms send a blocked client: the verdict must see it

# --- Personal data ----------------------------------------------------------------------------------------------------
PERSONAL_DATA_ENABLED = _env_switch("PERSONAL_DATA_ENABLED", False)  # recruiters' names, avatars, ids
CONTACT_MASKING_ENABLED = _env_switch("CONTACT_MASKING_ENABLED", True)  # phones, mails, WeChat ids in free text

# --- Pipelines and stores --------------------------------------------------------------------------------------------
CLICKHOUSE_DSN = env_secret("CLICKHOUSE_DSN")  # empty = a chDB folder under DATA_DIR; "none" = no store, feeds only
MYSQL_DSN = env_secret("MYSQL_DSN")  # current rows, lifecycle, cleaning rules; empty or "none" = off; docs/stores.md has the forms
DELIST_AFTER_PASSES = _env_int("DELIST_AFTER_PASSES", 2)  # complete passes of every keyword that showed a posting, all without it
BATCH_MAX_ROWS = _env_int("BATCH_MAX_ROWS", 3_000)
BATCH_MAX_BYTES = _env_int("BATCH_MAX_BYTES", 32 * 1024 * 1024)
BATCH_MAX_SECONDS = _env_float("BATCH_MAX_SECONDS", 5)
SPOOL_MAX_BYTES = _env_int("SPOOL_MAX_BYTES", 2 * 1024**3)  # packed batches that may wait on the disk; then the crawl waits
STORE_GRACE = _env_float("STORE_GRACE", 10)  # seconds without progress at the end; then what is left waits for the next start
INGEST_ENABLED = _env_switch("INGEST_ENABLED", False)  # rows to the control plane's door, for a node without passwords
ENRICHMENT_URL = _env("ENRICHMENT_URL", "")  # where companies are pushed to; empty = nowhere
ENRICHMENT_SALT = env_secret("ENRICHMENT_SALT")
ITEM_PIPELINES = {
    "jobspiders.pipelines.normalise.NormalisePipeline": 100,
    "jobspiders.pipelines.clickhouse.ClickHousePipeline": 300,
    "jobspiders.pipelines.mysql.MySqlPipeline": 310,  # where MYSQL_DSN is set
    "jobspiders.pipelines.ingest.IngestPipeline": 320,  # where INGEST_ENABLED
    "jobspiders.pipelines.enrichment.EnrichmentPipeline": 330,  # where ENRICHMENT_URL is set
}

# --- Extensions and logs ---------------------------------------------------------------------------------------------
EXTENSIONS = {
    "jobspiders.extensions.redaction.SecretRedaction": 0,
    "jobspiders.extensions.gc_tuning.GcTuning": 0,
    "jobspiders.extensions.signing.SigningWatch": 100,
    "jobspiders.extensions.drain.DrainOnSignal": 200,
    "jobspiders.extensions.heartbeat.NodeHeartbeat": 300,  # where CONTROL_API_URL is set
    "jobspiders.extensions.progress.ProgressLine": 400,
    "jobspiders.extensions.outcome.OutcomeReport": 900,
}
PROGRESS_SECONDS = _env_float("PROGRESS_SECONDS", 10)  # one line per interval; a bar where standard error is a terminal
LOGSTATS_INTERVAL = 0  # the progress line says more
LOG_LEVEL = _env("LOG_LEVEL", "INFO")
LOG_FORMATTER = "jobspiders.logformatter.QuietLogFormatter"  # no record per page and per row
SPIDER_CONTRACTS = {"jobspiders.contracts.SearchContract": 5}
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False  # Scrapy's own, on by default: an HTTP server that executes posted Python

# --- Speed: measured one by one in docs/performance.md ---------------------------------------------------------------
ASYNCIO_EVENT_LOOP = "uvloop.Loop"
CONCURRENT_ITEMS = 4  # tasks made per response; Scrapy's 100 are mostly idle
SCRAPER_SLOT_MAX_ACTIVE_SIZE = 2_000_000  # response bytes waiting for the pipelines before downloads slow down
ITEM_PROCESSOR = "jobspiders.pipelines.processor.RowItemProcessor"
REFERER_ENABLED = False
WARN_ON_GENERATOR_RETURN_VALUE = False  # reads the source of every callback; ours return nothing
SPIDER_MIDDLEWARES = {
    "jobspiders.middlewares.rows.RowsMiddleware": 100,  # nearest to the engine: after everybody else's
    "scrapy.spidermiddlewares.urllength.UrlLengthMiddleware": None,
    "scrapy.spidermiddlewares.depth.DepthMiddleware": None,
    "scrapy.spidermiddlewares.metacopy.MetaCopyDetectionMiddleware": None,
    "scrapy.spidermiddlewares.httperror.HttpErrorMiddleware": None,  # a verdict, not a status, decides what a callback sees
}
FEED_EXPORT_ENCODING = "utf-8"
