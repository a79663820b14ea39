"""Bans and when they fall, quotas, tokens that wear out: every block of every platform in its documented shape."""

from __future__ import annotations

import pytest

from sandbox.bans import BANS

BOSS_CODES = {
    "login_expired": (7, "当前登录状态已失效", "token_invalid"),
    "rate_limited": (9, None, "rate_limited"),
    "wrong_identity": (24, "请切换身份后再试", "token_invalid"),
    "restricted": (31, None, "challenge"),
    "ip_banned": (35, "您的IP地址存在异常行为.", "ip_banned"),
    "account_banned": (36, "您的账户存在异常行为.", "account_banned"),
    "challenge": (37, "您的访问行为异常.", "challenge"),
    "challenge_env": (37, "您的环境存在异常.", "challenge"),
}


def asking(visitor, platform):
    """The search call of a platform."""
    return {"boss": visitor.boss_search, "qcwy": visitor.qcwy_open, "zhilian": visitor.zhilian_search}[platform]


def verdicts(visitor, platform, times, **asked):
    """The sandbox's verdicts on so many searches in a row."""
    told = []
    for _ in range(times):
        asking(visitor, platform)(**asked)
        told.append(visitor.last.verdict)
    return told


@pytest.mark.parametrize("kind", sorted(BOSS_CODES))
def test_boss_ban_says_code_and_words(visit, kind):
    code, message, verdict = BOSS_CODES[kind]
    visitor = visit(boss={"ban": kind})
    body = visitor.boss_search()
    assert body["code"] == code
    assert message in (None, body["message"])
    assert (visitor.last.status, visitor.last.verdict, visitor.last.cause) == (200, verdict, f"ban:{kind}")
    if kind in ("login_expired", "account_banned"):
        assert body["zpData"] == {}
    if kind == "challenge":
        assert len(body["zpData"]["seed"]) == 44


def test_boss_forbidden_page_is_html_403(visit):
    visitor = visit(boss={"ban": "forbidden_page"})
    assert "您暂时无法继续访问".encode() in visitor.boss_search()
    assert (visitor.last.status, visitor.last.content_type) == (403, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("kind", "markers", "size"),
    [
        ("captcha", ("Security Verification", "TencentEOCaptcha", "EO-Bot-Captcha-Token", "正在验证连接安全性", "EdgeOne"), 2177),
        ("js_challenge", ("solveChallenge(", "EO-Bot-Js-Token"), 29000),
    ],
)
def test_zhilian_html_blocks_have_markers_and_size(visit, kind, markers, size):
    visitor = visit(zhilian={"ban": kind})
    body = visitor.zhilian_search()
    assert len(body) == size
    assert all(marker.encode() in body for marker in markers)
    assert ("Set-Cookie" in visitor.last.headers) == (kind == "js_challenge")


@pytest.mark.parametrize(
    ("platform", "kind", "body"),
    [
        ("qcwy", "refused", {"status": 0, "message": "请完成验证"}),
        ("qcwy", "busy", {"status": 0, "message": "busy"}),
        ("zhilian", "login_expired", {"code": 210, "message": "未登录"}),
        ("zhilian", "freq_limit", {"code": 500, "msg": "freq limit"}),
        ("zhilian", "failure", {"code": 500, "data": {}}),
        ("zhilian", "empty_list", {"code": 200, "apiCode": 200, "data": {"count": 100, "list": []}}),
        ("zhilian", "empty_zero", {"code": 200, "apiCode": 200, "data": {"count": 0, "list": []}}),
    ],
)
def test_json_blocks_are_as_documented(visit, platform, kind, body):
    assert asking(visit(**{platform: {"ban": kind}}), platform)() == body


def test_qcwy_silent_limit_counts_and_shows_nothing(visit):
    job = visit(qcwy={"ban": "empty_items"}).qcwy_open()["resultbody"]["job"]
    assert job["totalCount"] > 0
    assert job["items"] == []


@pytest.mark.parametrize(("platform", "kind"), [(platform, kind) for platform, kinds in BANS.items() for kind in kinds])
def test_every_ban_keeps_data_back(visit, platform, kind):
    visitor = visit(**{platform: {"ban": kind}})
    asking(visitor, platform)()
    assert visitor.last.jobs == 0
    assert visitor.last.verdict not in ("ok", "empty")


@pytest.mark.parametrize(
    ("switches", "told"),
    [
        ({"ban_trigger": "always"}, "xxxxxx"),
        ({"ban_trigger": "every:3"}, "..x..x"),
        ({"ban_trigger": "after:2"}, "..xxxx"),
        ({"ban_trigger": "page:1"}, "xxxxxx"),
        ({"ban_trigger": "page:2"}, "......"),
        ({"ban_trigger": "always", "ban_times": 2}, "xx...."),
        ({"ban_trigger": "every:2", "ban_times": 1}, ".x...."),
        ({"ban_trigger": "every:2", "ban_seconds": 60}, ".xxxxx"),
        ({"ban_on": "detail"}, "......"),
        ({"ban_on": "search"}, "xxxxxx"),
    ],
)
def test_ban_trigger_falls_when_it_says(visit, switches, told):
    visitor = visit(qcwy={"ban": "slider", **switches})
    assert verdicts(visitor, "qcwy", 6) == ["challenge" if mark == "x" else "ok" for mark in told]


def test_ban_seconds_end_and_the_count_starts_again(visit):
    visitor = visit(boss={"ban": "ip_banned", "ban_trigger": "after:1", "ban_seconds": 10})
    assert verdicts(visitor, "boss", 3) == ["ok", "ip_banned", "ip_banned"]
    visitor.now += 11
    assert verdicts(visitor, "boss", 2) == ["ok", "ip_banned"]


@pytest.mark.parametrize(("scope", "told"), [("all", "ok ok ip_banned"), ("token", "ok ok ok"), ("ip", "ok ok ip_banned")])
def test_ban_scope_counts_clients_together_or_apart(visit, scope, told):
    visitor = visit(boss={"ban": "ip_banned", "ban_trigger": "after:2", "ban_scope": scope})
    outcomes = []
    for token in ("a", "b", "a"):
        visitor.token = token * 32
        outcomes += verdicts(visitor, "boss", 1)
    assert " ".join(outcomes) == told


def test_ban_scope_ip_blocks_one_address_only(visit):
    visitor = visit(boss={"ban": "ip_banned", "ban_trigger": "after:1", "ban_scope": "ip"})
    assert verdicts(visitor, "boss", 2) == ["ok", "ip_banned"]
    visitor.ip = "127.0.0.9"
    assert verdicts(visitor, "boss", 1) == ["ok"]


@pytest.mark.parametrize(
    ("platform", "switches", "blocked"),
    [
        ("boss", {"token_quota": 2}, "token_invalid"),
        ("boss", {"token_quota": 2, "token_quota_ban": "rate_limited"}, "rate_limited"),
        ("boss", {"ip_quota": 2}, "ip_banned"),
        ("qcwy", {"ip_quota": 2}, "challenge"),
        ("zhilian", {"ip_quota": 2, "ip_quota_ban": "freq_limit"}, "rate_limited"),
    ],
)
def test_quota_blocks_until_the_window_ends(visit, platform, switches, blocked):
    visitor = visit(**{platform: switches})
    assert verdicts(visitor, platform, 4) == ["ok", "ok", blocked, blocked]
    visitor.now += 61
    assert verdicts(visitor, platform, 1) == ["ok"]


def test_token_quota_is_counted_per_token(visit):
    visitor = visit(boss={"token_quota": 1})
    assert verdicts(visitor, "boss", 2) == ["ok", "token_invalid"]
    visitor.token = "b" * 32
    assert verdicts(visitor, "boss", 1) == ["ok"]


def test_token_uses_wear_a_token_out_for_good(visit):
    visitor = visit(boss={"token_uses": 2})
    assert verdicts(visitor, "boss", 3) == ["ok", "ok", "token_invalid"]
    visitor.now += 10**6
    assert verdicts(visitor, "boss", 1) == ["token_invalid"]
    visitor.world.reset(switches=False)
    assert verdicts(visitor, "boss", 1) == ["ok"]


def test_token_seconds_run_from_the_first_use(visit):
    visitor = visit(zhilian={"token_seconds": 5.0, "login": True})
    right = {"params": {"at": "d" * 32, "rt": "e" * 32}}
    assert verdicts(visitor, "zhilian", 1, **right) == ["ok"]
    visitor.now += 6
    assert verdicts(visitor, "zhilian", 1, **right) == ["token_invalid"]


@pytest.mark.parametrize(("name", "verdict"), [("dead_tokens", "token_invalid"), ("banned_tokens", "account_banned")])
def test_named_tokens_are_refused_and_others_served(visit, name, verdict):
    visitor = visit(boss={name: [1]})
    assert verdicts(visitor, "boss", 1) == [verdict]
    visitor.token = "b" * 32
    assert verdicts(visitor, "boss", 1) == ["ok"]


def test_empty_bans_fall_on_searches_alone(visit):
    visitor = visit(zhilian={"ban": "empty_list"})
    number = visitor.world.platforms["zhilian"].shelf.entries[0].job_id
    assert visitor.zhilian_search()["data"]["list"] == []
    assert visitor.ask("GET", "/c/i/jobs/position-detailv2", f"number={number}", {})["data"]["detailedPosition"]["number"] == number


def test_max_pages_ends_a_search_early(visit):
    visitor = visit(boss={"max_pages": 2}, zhilian={"max_pages": 1})
    assert [visitor.boss_search(page=page)["zpData"]["hasMore"] for page in (1, 2, 3)] == [True, False, False]
    assert visitor.boss_search(page=3)["zpData"]["list"] == []
    assert visitor.zhilian_search()["data"]["isEndPage"] == 1
