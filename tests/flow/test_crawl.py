"""`scrapy crawl`: what is stored is exactly what the platforms hold for the keywords, whatever the platforms do."""

from __future__ import annotations

import json
from typing import Any

import pytest

PLATFORMS = ("boss", "qcwy", "zhilian")
TEXTS = ["Python", "销售", "Java"]
CITIES = ["北京", "上海", "深圳"]


def crawl(operator: Any, platform: str, *options: str, **more: str) -> Any:
    return operator.crawl(platform, *options, keywords=",".join(TEXTS), city=",".join(CITIES), **more)


def crawl_to_feed(operator: Any, platform: str, *options: str) -> tuple[Any, set[str]]:
    """The same without a store, which takes half of the time: the run, and the job ids of its feed."""
    feed = operator.folder.with_name("rows.jsonl")
    operator.extra = {"CLICKHOUSE_DSN": "none", "VERDICT_RETRY_TIMES": "10"}
    ran = crawl(operator, platform, *options, "-O", str(feed))
    rows = [json.loads(line) for line in feed.read_text("utf-8").splitlines()]
    return ran, {row["job_id"] for row in rows if "job_id" in row}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_crawl_every_keyword_yields_exactly_the_oracles_jobs_and_a_second_crawl_adds_nothing(
    operator: Any, union: Any, platform: str
) -> None:
    ran = crawl(operator, platform)
    assert ran.code == 0, ran.err[-3000:]
    truth = operator.truth(platform, TEXTS, CITIES)
    assert union(truth), "the catalogue has nothing for these keywords: the test would prove nothing"
    assert ran.ids(platform) == union(truth)
    assert ran.ids(platform, "company") == union(truth, "companies")
    seen = ran.read(f"SELECT keyword, groupUniqArray(job_id) AS ids FROM job_sighting WHERE platform = '{platform}' GROUP BY keyword")
    for row in seen:
        assert set(row["ids"]) == union([one for one in truth if one["text"] == row["keyword"]])
    assert {row["keyword"] for row in seen} == set(TEXTS)
    [row] = ran.read(f"SELECT countIf(description IS NULL) AS without FROM job_analytics WHERE platform = '{platform}'")
    assert row["without"] == 0
    before = {table: ran.count(table) for table in (f"{platform}_job", f"{platform}_company", "job_analytics")}
    again = crawl(operator, platform)
    assert again.code == 0
    assert {table: again.count(table) for table in before} == before
    assert again.stats["sink/clickhouse/versions"] == 0
    [row] = again.read(f"SELECT min(times_seen) AS least FROM {platform}_job_latest")
    assert row["least"] >= 2


FAULTS = {
    "slow": {"slow_ms": 30},
    "truncated": {"truncate": 0.1},
    "cut_json": {"cut_json": 0.1},
    "bad_gzip": {"bad_gzip": 0.1},
    "wrong_type": {"wrong_type": 0.5},
    "redirect": {"redirect": 0.1},
    "too_many": {"too_many": 0.1, "retry_after": 0},
    "server_error": {"server_error": 0.1},
    "reset": {"reset": 0.1},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_crawl_through_a_fault_loses_nothing(operator: Any, union: Any, fault: str) -> None:
    platform = PLATFORMS[list(FAULTS).index(fault) % len(PLATFORMS)]
    operator.sandbox.switch(platform, **FAULTS[fault])
    ran, ids = crawl_to_feed(operator, platform, "-s", "RETRY_TIMES=10")
    assert ran.code == 0, ran.err[-3000:]
    assert ids == union(operator.truth(platform, TEXTS, CITIES))


BANS = {
    "boss": ["ip_banned", "account_banned", "challenge", "rate_limited", "restricted", "forbidden_page"],
    "qcwy": ["slider", "refused", "busy", "empty_items"],
    "zhilian": ["freq_limit", "failure", "empty_list", "captcha", "js_challenge"],
}


@pytest.mark.parametrize(("platform", "ban"), [(platform, ban) for platform, bans in BANS.items() for ban in bans])
def test_crawl_every_fifth_answer_a_ban_survives_them_all(operator: Any, union: Any, platform: str, ban: str) -> None:
    operator.sandbox.switch(platform, ban=ban, ban_trigger="every:5")
    ran, ids = crawl_to_feed(operator, platform)
    assert ran.code == 0, ran.err[-3000:]
    assert ids == union(operator.truth(platform, TEXTS, CITIES))
    bad = {
        key: count for key, count in ran.stats.items() if key.startswith("verdict/count/") and key.rsplit("/", 1)[1] not in ("ok", "empty")
    }
    assert sum(bad.values()) > 0


@pytest.mark.parametrize(("platform", "ban"), [("boss", "challenge"), ("qcwy", "slider"), ("zhilian", "captcha")])
def test_crawl_always_banned_says_blocked_and_exits_3(operator: Any, platform: str, ban: str) -> None:
    operator.sandbox.switch(platform, ban=ban)
    ran = crawl(operator, platform)
    assert ran.code == 3
    assert f"{platform} blocked: challenge" in ran.err
    assert ran.stats["finish_reason"] == "banned"
    assert ran.count("job_analytics") == 0


def test_crawl_nothing_found_is_complete_and_not_blocked(operator: Any) -> None:
    ran = operator.crawl("qcwy", keywords="没有这样的职位", city="北京")
    assert ran.code == 0
    assert "qcwy complete, no jobs" in ran.err


def test_crawl_schema_changed_stores_nothing_and_exits_4(operator: Any) -> None:
    operator.sandbox.switch("qcwy", mutate="rename:jobName")
    ran = crawl(operator, "qcwy")
    assert ran.code == 4
    assert "schema_changed" in ran.err
    assert ran.stats["rows/rejected/jobName:missing"] > 0
    assert ran.count("qcwy_job") == 0


def test_crawl_few_items_changed_rejects_only_those(operator: Any, union: Any) -> None:
    operator.sandbox.switch("qcwy", mutate="drop:jobName", mutate_share=0.05)
    ran = crawl(operator, "qcwy")
    stored = ran.ids("qcwy")
    rejected = ran.stats.get("rows/rejected/jobName:missing", 0)
    truth = union(operator.truth("qcwy", TEXTS, CITIES))
    assert rejected > 0
    assert stored < truth
    assert len(truth - stored) <= rejected


def test_crawl_tokens_dying_uses_the_next_and_ends_with_a_reason_when_none_is_left(operator: Any, union: Any) -> None:
    operator.sandbox.switch("boss", dead_tokens=[1, 2])
    ran = crawl(operator, "boss")
    assert ran.code == 0, ran.err[-3000:]
    assert ran.stats["token/burnt_count/token_invalid"] == 2
    assert ran.ids("boss") == union(operator.truth("boss", TEXTS, CITIES))
    operator.sandbox.switch("boss", dead_tokens=[1, 2, 3, 4, 5])
    ran = crawl(operator, "boss")
    assert (ran.code, ran.stats["finish_reason"]) == (3, "tokens_exhausted")
    assert "token-1: token_invalid" in ran.err


def test_crawl_token_quota_rotates_and_loses_nothing(operator: Any, union: Any) -> None:
    operator.sandbox.switch("boss", token_quota=10, token_window=1.0, token_quota_ban="rate_limited")
    operator.extra = {"VERDICT_RETRY_TIMES": "15", "VERDICT_REST_SCALE": "0.01", "VERDICT_BLOCK_LIMIT": "50"}
    ran = crawl(operator, "boss")
    assert ran.code == 0, ran.err[-3000:]
    assert ran.ids("boss") == union(operator.truth("boss", TEXTS, CITIES))


def test_crawl_boss_with_the_operators_script_signs_every_request(operator: Any, union: Any) -> None:
    operator.sandbox.switch("boss", sign=True)
    unsigned = crawl(operator, "boss")
    assert unsigned.code == 3
    assert "blocked: challenge" in unsigned.err
    operator.extra = {
        "BOSS_SIGN_SCRIPT": operator.sandbox.secrets["boss_sign_script"],
        "BOSS_SIGN_SECRET": operator.sandbox.secrets["boss_sign_secret"],
    }
    signed = crawl(operator, "boss")
    assert signed.code == 0, signed.err[-3000:]
    assert signed.stats["signing/calls"] == signed.stats["downloader/request_count"]
    assert signed.ids("boss") == union(operator.truth("boss", TEXTS, CITIES))


@pytest.mark.parametrize("batch_size", ["1", "4"])
@pytest.mark.parametrize("keys", ["path_query", "path"])
def test_crawl_boss_batches_however_keyed_bring_every_detail(operator: Any, keys: str, batch_size: str) -> None:
    operator.sandbox.switch("boss", batch_keys=keys, inner_error_rate=0.1)
    operator.extra = {"BOSS_BATCH_SIZE": batch_size, "VERDICT_RETRY_TIMES": "10", "VERDICT_BLOCK_LIMIT": "50"}
    ran = crawl(operator, "boss")
    [row] = ran.read("SELECT countIf(description IS NULL) AS without, count() AS n FROM job_analytics")
    assert row["n"] > 0
    assert row["without"] <= row["n"] * 0.05  # an inner error may hit one posting at all its attempts
    assert (ran.code == 0) == (row["without"] == 0)


@pytest.mark.parametrize("door", ["search", "wxmini", "web"])
def test_crawl_qcwy_every_door_gives_the_same_jobs(operator: Any, union: Any, door: str) -> None:
    operator.extra = {"QCWY_DOOR": door}
    ran = crawl(operator, "qcwy")
    assert ran.code == 0, ran.err[-3000:]
    assert ran.ids("qcwy") == union(operator.truth("qcwy", TEXTS, CITIES))


def test_crawl_wrong_sign_key_is_blocked_not_empty(operator: Any) -> None:
    operator.extra = {"QCWY_SIGN_KEY": "0" * 64}
    ran = crawl(operator, "qcwy")
    assert ran.code == 3
    assert "qcwy blocked" in ran.err


def test_crawl_pages_and_switched_off_parts_are_kept_to(operator: Any, union: Any) -> None:
    ran = operator.crawl("boss", keywords="Python", city="北京", pages="1", details="0", companies="0")
    assert ran.code == 0
    assert ran.ids("boss") == union(operator.truth("boss", ["Python"], ["北京"], pages=1))
    assert ran.stats["search/pages"] == 1
    assert ran.count("boss_company") == 0
    assert ran.read("SELECT count() AS n FROM boss_job WHERE description IS NOT NULL")[0]["n"] == 0
