"""What `scrapy replay` prints of a reading: the verdict first, then every row and every reject."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scrapy.settings import Settings

from jobschema import Platform, Verdict
from jobspiders.commands.replay import describe
from jobspiders.platforms import build_reader, replay_call
from jobspiders.platforms.base import Answer, CallKind

ITEM = {
    "encryptJobId": "j1",
    "jobName": "Python",
    "salaryDesc": "10-15K·13薪",
    "cityName": "北京",
    "jobExperience": "1-3年",
    "jobDegree": "本科",
    "brandName": "某公司",
    "securityId": "s",
    "lid": "l",
}


def replay(platform: str, kind: CallKind, body: Any, *, status: int = 200, mask: bool = True) -> list[dict[str, Any]]:
    """Lines as printed, without any setting: no key, no token."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    reading = build_reader(platform, Settings()).read(replay_call(kind), Answer(status, {"content-type": "application/json"}, raw))
    return [json.loads(json.dumps(line, ensure_ascii=False, default=str)) for line in describe(Platform(platform), reading, mask)]


def test_replay_rows_are_normalised_and_rejects_listed() -> None:
    items = [dict(ITEM, encryptJobId=f"j{number}") for number in range(9)] + [{**ITEM, "jobName": None, "encryptJobId": "j9"}]
    head, *lines = replay("boss", CallKind.SEARCH, {"code": 0, "zpData": {"hasMore": True, "list": items}})
    assert (head["verdict"], head["items"], head["jobs"], head["rejected"], head["has_more"]) == ("ok", 10, 9, 1, True)
    jobs = [line["job"] for line in lines if "job" in line]
    assert {(job["salary_low"], job["salary_high"], job["salary_months"], job["city"]) for job in jobs} == {(10000, 15000, 13, "北京")}
    assert [line["rejected"] for line in lines if "rejected" in line] == [{"reason": "jobName:missing", "item_id": "j9", "value": ""}]


@pytest.mark.parametrize(
    ("platform", "body", "status", "verdict"),
    [
        ("boss", {"code": 35, "message": "您的IP地址存在异常行为."}, 200, Verdict.IP_BANNED),
        ("boss", {"code": 0, "zpData": {"hasMore": False, "list": []}}, 200, Verdict.EMPTY),
        ("qcwy", b"<html>acw_sc__v2</html>", 200, Verdict.CHALLENGE),
        ("qcwy", b"", 502, Verdict.SERVER_ERROR),
        ("zhilian", {"code": 210}, 200, Verdict.TOKEN_INVALID),
    ],
)
def test_replay_without_rows_prints_the_verdict_alone(platform: str, body: Any, status: int, verdict: Verdict) -> None:
    lines = replay(platform, CallKind.SEARCH, body, status=status)
    assert [line["verdict"] for line in lines] == [verdict.value]
