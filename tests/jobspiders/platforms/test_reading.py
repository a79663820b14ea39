"""What is decided before a platform looks into an answer: status, block pages, broken bodies. The same for all three."""

from __future__ import annotations

import orjson
import pytest

from jobschema import Verdict
from jobspiders.platforms import replay_call
from jobspiders.platforms.base import Answer, CallKind
from jobspiders.platforms.reading import retry_after

PLATFORMS = ("boss", "qcwy", "zhilian")


def page(title="", inside=""):
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{inside}</body></html>".encode()


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize(
    ("status", "body", "verdict", "reason"),
    [
        (200, page("滑动验证页面", "<h1>访问验证</h1>"), Verdict.CHALLENGE, "Aliyun slider"),
        (200, page("", "TencentEOCaptcha"), Verdict.CHALLENGE, "EdgeOne captcha"),
        (200, page("", "<script>solveChallenge(1)</script>"), Verdict.CHALLENGE, "EdgeOne script challenge"),
        (200, page("", "<script>var arg1='A';document.cookie='acw_sc__v2='</script>"), Verdict.CHALLENGE, "Aliyun script challenge"),
        (503, page("", "geetest"), Verdict.CHALLENGE, "captcha page"),
        (200, page("Welcome"), Verdict.CHALLENGE, "HTML instead of JSON: Welcome"),
        (403, page("", "您暂时无法继续访问"), Verdict.IP_BANNED, "ban page"),
        (403, page("403 Forbidden"), Verdict.CHALLENGE, "HTTP 403"),
        (405, page("405"), Verdict.CHALLENGE, "HTTP 405"),
        (401, b"", Verdict.TOKEN_INVALID, "HTTP 401"),
        (200, page("", "该职位已删除"), Verdict.NOT_FOUND, "offline"),
        (200, page("", "职位已下线"), Verdict.NOT_FOUND, "offline"),
        (404, page("", "页面不存在"), Verdict.NOT_FOUND, "offline"),
        (404, b'{"error":"x"}', Verdict.NOT_FOUND, "HTTP 404"),
        (410, b"gone", Verdict.NOT_FOUND, "HTTP 410"),
        (400, b"bad", Verdict.SERVER_ERROR, "HTTP 400"),
        (502, page("502 Bad Gateway"), Verdict.SERVER_ERROR, "HTTP 502"),
        (500, b"", Verdict.SERVER_ERROR, "HTTP 500"),
        (200, b"", Verdict.SERVER_ERROR, "empty body"),
        (200, b"  \n", Verdict.SERVER_ERROR, "empty body"),
        (200, b"hello", Verdict.SERVER_ERROR, "not JSON"),
        (200, '{"a":"验证 captcha'.encode(), Verdict.SERVER_ERROR, "truncated body"),
        (200, b'{"a":tru}', Verdict.SERVER_ERROR, "invalid JSON"),
        (200, b"[1,2]", Verdict.SCHEMA_CHANGED, "list"),
        (200, b"7", Verdict.SCHEMA_CHANGED, "int"),
        (200, orjson.dumps(page("滑动验证页面").decode()), Verdict.CHALLENGE, "Aliyun slider"),
        (302, b"", Verdict.CHALLENGE, "sent on to https://h.example/verify"),
        (429, b"", Verdict.RATE_LIMITED, "HTTP 429"),
    ],
)
def test_answer_that_is_no_envelope_gives_its_verdict(made, name, status, body, verdict, reason):
    for kind in CallKind:
        headers = {"location": "https://h.example/verify?token=made", "retry-after": "7"}
        reading = made.platform(name).read(replay_call(kind), Answer(status, headers, body))
        assert reading.verdict is verdict
        assert reason in reading.reason
        assert "token=made" not in reading.reason
        assert reading.retry_after == (7.0 if status == 429 or (status >= 400 and verdict is Verdict.SERVER_ERROR) else None)


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize("spoil", [b"\xef\xbb\xbf%b", b"\r\n%b\r\n"])
def test_readable_json_is_read_whatever_surrounds_it(made, name, spoil):
    document = {
        "boss": made.boss_page([made.boss_item()]),
        "qcwy": made.qcwy_page([made.qcwy_item()]),
        "zhilian": made.zhilian_page([made.zhilian_item()]),
    }[name]
    answer = Answer(200, {"content-type": "text/html"}, spoil % orjson.dumps(document))

    assert made.platform(name).read(replay_call(CallKind.SEARCH), answer).verdict is Verdict.OK


@pytest.mark.parametrize("half", [b"\\ud83d", b"\xff", b"\xf0\x9f"])
def test_half_a_character_costs_no_page(made, half):
    body = orjson.dumps(made.qcwy_page([made.qcwy_item(jobName="人事HALF")])).replace(b"HALF", half)
    (job,) = made.platform("qcwy").read(replay_call(CallKind.SEARCH), Answer(200, {}, body)).jobs

    assert job.title.startswith("人事")
    assert orjson.dumps(job.raw)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"retry-after": "soon", "date": "now"}, None),
        ({"retry-after": "-5"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_seconds(headers, seconds):
    assert retry_after(Answer(429, headers, b"")) == seconds
