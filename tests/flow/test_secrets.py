"""Nothing that a crawl prints or writes holds a secret, and no row a recruiter, whatever goes wrong on the way."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

PLANTED = {
    "BOSS_WT2": "planted-wt2-7c41",
    "PROXY_PASSWORD": "planted/proxy@7c41",
    "BOSS_SIGN_SECRET": "planted-sign-7c41",
}
REDACTION = "jobspiders.extensions.redaction.SecretRedaction"
TROUBLE = {"ban_trigger": "every:3", "server_error": 0.1, "reset": 0.1, "too_many": 0.1, "retry_after": 0}
BANS = {"boss": "account_banned", "qcwy": "refused", "zhilian": "login_expired"}
LOUD = ("-s", "LOG_LEVEL=DEBUG", "-s", "LOG_FORMATTER=scrapy.logformatter.LogFormatter")


@pytest.fixture
def secrets(operator: Any) -> list[str]:
    """Every secret of this operator, as it is and as it stands in an address."""
    ours = operator.sandbox.secrets
    found = [
        *ours["boss_tokens"],
        ours["qcwy_sign_key"],
        ours["zhilian_at"],
        ours["zhilian_rt"],
        ours["boss_sign_secret"],
        *PLANTED.values(),
    ]
    return [*found, *(quote(secret, safe="") for secret in found)]


def leaks(text: str, secrets: list[str]) -> list[str]:
    return [secret for secret in secrets if secret in text]


def written(folder: Path) -> str:
    """Every byte of every file below `folder`."""
    return "\n".join(path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("platform", BANS)
def test_crawl_in_trouble_at_debug_level_tells_no_secret(operator: Any, secrets: list[str], tmp_path: Path, platform: str) -> None:
    operator.sandbox.switch(platform, ban=BANS[platform], **TROUBLE)
    operator.extra = {"BOSS_WT2": PLANTED["BOSS_WT2"], "VERDICT_BLOCK_LIMIT": "50"}
    cache = ("-s", "HTTPCACHE_ENABLED=1", "-s", f"HTTPCACHE_DIR={tmp_path / 'cache'}")
    ran = operator.crawl(platform, *LOUD, *cache, "-O", str(tmp_path / "rows.jsonl"), keywords="Python,Java,销售", city="北京,上海")
    assert ran.stats["verdict/retry/count"] > 0, "no trouble was met: the test would prove nothing"
    assert "DEBUG: Scraped from" in ran.err
    assert leaks(ran.out + ran.err + written(tmp_path), secrets) == []


@pytest.mark.parametrize("platform", BANS)
def test_crawl_whose_requests_fail_tells_no_secret(operator: Any, secrets: list[str], platform: str) -> None:
    operator.sandbox.switch(platform, slow_ms=400)
    operator.extra = {"BOSS_WT2": PLANTED["BOSS_WT2"]}
    ran = operator.crawl(platform, *LOUD, "-s", "DOWNLOAD_TIMEOUT=0.1", "-s", "RETRY_TIMES=1", keywords="Python", city="北京")
    assert ran.code == 4
    assert "Timeout" in ran.err
    assert leaks(ran.out + ran.err, secrets) == []


def test_crawl_through_a_tunnel_that_is_not_there_tells_no_password(operator: Any, secrets: list[str]) -> None:
    operator.extra = {"PROXY_TUNNEL": "127.0.0.1:9", "PROXY_USERNAME": "someone", "PROXY_PASSWORD": PLANTED["PROXY_PASSWORD"]}
    ran = operator.crawl("qcwy", *LOUD, "-s", "RETRY_TIMES=1", keywords="Python", city="北京")
    assert ran.code == 4
    assert "refused" in ran.err.lower()
    assert leaks(ran.out + ran.err, secrets) == []


def test_crawl_into_a_store_that_is_not_there_tells_no_password(operator: Any) -> None:
    operator.extra = {"CLICKHOUSE_DSN": "clickhouse://writer:planted-dsn-7c41@127.0.0.1:9/jobs"}
    ran = operator.crawl("qcwy", *LOUD, keywords="Python", city="北京")
    assert ran.code != 0
    assert "127.0.0.1:9" in ran.err
    assert "planted-dsn-7c41" not in ran.out + ran.err


def test_crawl_with_a_script_that_tells_its_secret_is_not_believed(operator: Any, secrets: list[str], tmp_path: Path) -> None:
    script = tmp_path / "sign.js"
    script.write_text(
        "function sign(request) { if (request.headers.mpt) throw new Error(request.secret + request.headers.mpt); return {} }"
    )
    operator.extra = {"BOSS_SIGN_SCRIPT": str(script), "BOSS_SIGN_SECRET": PLANTED["BOSS_SIGN_SECRET"], "BOSS_WT2": PLANTED["BOSS_WT2"]}
    ran = operator.crawl("boss", *LOUD, keywords="Python", city="北京")
    assert (ran.code, ran.stats["finish_reason"]) == (4, "signing_failed")
    assert leaks(ran.out + ran.err, secrets) == []


@pytest.mark.parametrize("is_redacted", [True, False])
def test_crawl_with_somebodys_careless_extension_tells_no_secret_unless_redaction_is_off(
    operator: Any, secrets: list[str], is_redacted: bool
) -> None:
    operator.extra = {**PLANTED, "PROXY_TUNNEL": "127.0.0.1:9", "PROXY_USERNAME": "someone", "PYTHONPATH": str(Path(__file__).parent)}
    extensions = {"leaky.LeakyExtension": 500, **({REDACTION: 0} if is_redacted else {})}
    ran = operator.crawl("boss", *LOUD, "-s", f"EXTENSIONS={json.dumps(extensions)}", "-s", "RETRY_TIMES=0", keywords="Python", city="北京")
    assert ran.err.count("the secrets are") == 2
    assert "these secrets are not valid" in ran.err
    told = leaks(ran.out + ran.err, secrets)
    assert told == [] if is_redacted else set(told) >= {*operator.sandbox.secrets["boss_tokens"], *PLANTED.values()}


def test_shell_repr_of_settings_session_and_pools_shows_no_secret(operator: Any, secrets: list[str]) -> None:
    operator.extra = {**PLANTED, "PROXY_TUNNEL": "127.0.0.1:9", "PROXY_USERNAME": "someone"}
    shown = (
        "[repr(settings.copy_to_dict()), repr(settings.attributes), repr(crawler.platform_session), str(crawler.platform_session),"
        " [repr(vars(pool)) for pool in (crawler.platform_session.tokens, crawler.platform_session.tunnels)],"
        " repr(crawler.platform_session.platform), repr(vars(crawler.platform_session.platform)['options']), vars(crawler)]"
    )
    ran = operator.run("shell", "--spider", "boss", "-c", shown)
    assert ran.code == 0, ran.err[-2000:]
    assert "PoolEntry" in ran.out
    assert leaks(ran.out + ran.err, secrets) == []


PERSONS = {
    "boss": ("bossName", "bossAvatar", "encryptBossId"),
    "qcwy": ("hrUid", "hrName"),
    "zhilian": ("staffName", "id", "avatar"),
}
CONTACTS = re.compile(r"1380013\d{4}|hr\d\d@example\.com|hr_demo\d{4}")  # the sandbox's phones, mails and WeChat ids


def people(rows: list[dict[str, Any]], platform: str) -> set[str]:
    """Names, ids and pictures of the recruiters in a feed."""
    found = json.dumps([json.loads(row["recruiter"]) for row in rows if row.get("recruiter")], ensure_ascii=False)
    return {value.strip('"') for name in PERSONS[platform] for value in re.findall(rf'"{name}": ("[^"]+"|\d+)', found)}


@pytest.mark.parametrize("platform", PERSONS)
def test_crawl_recruiters_and_contacts_are_nowhere_unless_they_are_asked_for(
    operator: Any, load_lines: Any, tmp_path: Path, platform: str
) -> None:
    feed = tmp_path / "rows.jsonl"
    search = {"keywords": "工程师,销售", "city": "全国", "companies": "0"}
    operator.extra = {"PERSONAL_DATA_ENABLED": "1", "CONTACT_MASKING_ENABLED": "0", "CLICKHOUSE_DSN": "none"}
    operator.crawl(platform, "-O", str(feed), **search)
    persons = people(load_lines(feed.read_text("utf-8")), platform)
    assert len(persons) > 20, "the platform shows no recruiters: the test would prove nothing"
    assert CONTACTS.search(feed.read_text("utf-8")), "the platform shows no contacts: the test would prove nothing"
    operator.extra = {}
    ran = operator.crawl(platform, "-O", str(feed), **search)
    tables = (f"{platform}_job", f"{platform}_company", "pending_company")
    stored = [json.dumps(ran.read(f"SELECT * FROM {table}"), ensure_ascii=False, default=str) for table in tables]
    assert ran.ids(platform)
    for text in (feed.read_text("utf-8"), *stored, ran.err):
        assert [person for person in sorted(persons)[:60] if person in text] == []
        assert CONTACTS.findall(text) == []
