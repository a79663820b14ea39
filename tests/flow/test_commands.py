"""Scrapy's own commands and ours, as somebody who knows Scrapy types them: exit codes, one clear line for every mistake."""

from __future__ import annotations

from typing import Any

import pytest

SEARCHES = {
    "boss": "/wapi/zpgeek/miniapp/search/joblist.json?query=Python&city=101010100&page=1&pageSize=10",
    "qcwy": "/open/noauth/search-pc?keyword=Python&jobArea=010000&pageNum=1&pageSize=10",
    "zhilian": "/c/i/jobs/position-detailv2?number=CC000000000J00000000000",
}
SHOWN = "(response.status, str(response.meta['reading'].verdict), len(response.body))"


def usage_line(ran: Any) -> str:
    """What a wrong call is told: Scrapy's exit code for it, and one line, never a traceback."""
    assert ran.code == 2, ran.err[-3000:]
    assert "Traceback" not in ran.err
    return ran.err.split("error: ", 1)[1]


def test_list_names_the_three_spiders(operator: Any) -> None:
    ran = operator.run("list")
    assert (ran.code, ran.out.split()) == (0, ["boss", "qcwy", "zhilian"])


def test_check_contracts_pass_against_a_platform_that_answers(operator: Any) -> None:
    operator.extra = {"LOG_LEVEL": "ERROR"}
    ran = operator.run("check")
    assert ran.code == 0, ran.err[-3000:]
    assert "Ran 3 contracts" in ran.err
    assert {name: report["requests"] for name, report in operator.sandbox.answers().items()} == {"boss": 1, "qcwy": 1, "zhilian": 1}


def test_check_contract_fails_when_the_platform_changed(operator: Any) -> None:
    operator.sandbox.switch("qcwy", mutate="rename:jobName")
    operator.extra = {"LOG_LEVEL": "ERROR"}
    ran = operator.run("check", "qcwy")
    assert ran.code == 1
    assert "schema_changed" in ran.err


@pytest.mark.parametrize(
    ("name", "shown"),
    [("QCWY_DOOR", "search"), ("BOSS_TOKENS", "***"), ("QCWY_SIGN_KEY", "***"), ("ZHILIAN_AT", "***"), ("RETRY_TIMES", "3")],
)
def test_settings_get_shows_values_and_hides_secrets(operator: Any, name: str, shown: str) -> None:
    ran = operator.run("settings", "--get", name)
    assert (ran.code, ran.out.strip()) == (0, shown)


@pytest.mark.parametrize("platform", SEARCHES)
def test_fetch_of_a_platforms_address_is_signed_and_printed(operator: Any, platform: str) -> None:
    ran = operator.run("fetch", "--nolog", "--spider", platform, operator.sandbox.base_url + SEARCHES[platform])
    assert ran.code == 0, ran.err
    assert ran.out.startswith("{")
    report = operator.sandbox.answers(platform)
    assert report["requests"] == 1
    assert set(report["causes"]) <= {"unknown_job"}, "the sandbox found fault with the signature"


def test_shell_of_a_platforms_address_shows_what_it_really_was(operator: Any) -> None:
    ran = operator.run("shell", "--nolog", "--spider", "boss", operator.sandbox.base_url + SEARCHES["boss"], "-c", SHOWN)
    assert ran.code == 0, ran.err
    assert ran.out.startswith("(200, 'ok', ")
    assert operator.sandbox.answers("boss")["jobs_served"] == 10


@pytest.mark.parametrize("command", [("fetch",), ("shell", "-c", SHOWN)])
def test_fetch_and_shell_show_a_block_and_ask_only_once(operator: Any, command: tuple[str, ...]) -> None:
    operator.sandbox.switch("boss", ban="ip_banned")
    ran = operator.run(command[0], "--nolog", "--spider", "boss", operator.sandbox.base_url + SEARCHES["boss"], *command[1:])
    assert ran.code == 0, ran.err
    assert ("ip_banned" if command[0] == "shell" else '"code":35') in ran.out
    assert operator.sandbox.answers("boss")["requests"] == 1


@pytest.mark.parametrize("command", [("fetch", "--spider", "qcwy", "http://127.0.0.1:9/x"), ("shell", "--spider", "qcwy", "-c", "1")])
def test_fetch_and_shell_without_a_setting_name_it(operator: Any, command: tuple[str, ...]) -> None:
    operator.extra = {"QCWY_SIGN_KEY": ""}
    assert usage_line(operator.run(*command)).startswith("QCWY_SIGN_KEY is not set")


def test_fetch_and_shell_open_no_store(operator: Any) -> None:
    operator.run("fetch", "--nolog", "--spider", "boss", operator.sandbox.base_url + SEARCHES["boss"])
    assert not (operator.folder / "clickhouse").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "give one spider (none is given); valid are boss, qcwy, zhilian"),
        (["liepin"], "give one spider ('liepin' is none); valid are boss, qcwy, zhilian"),
        (["boss"], "no keyword is given. Say what to search: scrapy crawl boss -a keywords=Python,Java"),
        (["boss", "-a", "keywords"], "Invalid -a value, use -a NAME=VALUE"),
        (["boss", "-a", "keyword=Python"], "unknown spider argument keyword; valid are keywords, city, pages, details, companies, filters"),
        (["boss", "-a", "keywords=Python", "-a", "city=火星"], "argument city: city '火星' is not known for boss: give one of 全国, 北京"),
        (["qcwy", "-a", "keywords=Python", "-a", "pages=0"], "argument pages is '0': Input should be greater than or equal to 1"),
        (["zhilian", "-a", "keywords=Python", "-a", "details=perhaps"], "argument details is 'perhaps'; valid are 1, on, true, yes"),
        (
            ["boss", "-a", "keywords=Python", "-a", "filters=shoe=43"],
            "argument filters: boss has no filter shoe; valid are businessCode, degree",
        ),
    ],
)
def test_crawl_with_a_wrong_argument_says_what_is_valid_and_starts_nothing(operator: Any, words: list[str], told: str) -> None:
    assert usage_line(operator.run("crawl", *words)).startswith(told)
    assert not operator.folder.exists()


@pytest.mark.parametrize(
    ("settings", "platform", "told"),
    [
        ({"QCWY_SIGN_KEY": ""}, "qcwy", "QCWY_SIGN_KEY is not set, and the door 'search' (QCWY_DOOR) takes only signed calls"),
        ({"QCWY_DOOR": "back"}, "qcwy", "QCWY_DOOR is 'back', which is not valid: give one of search, web, wxmini"),
        ({"BOSS_TOKENS": ""}, "boss", "BOSS_TOKENS and BOSS_TOKENS_FILE are empty: boss asks nothing without a token"),
        ({"BOSS_TOKENS_FILE": "/no/such/file"}, "boss", "BOSS_TOKENS_FILE is '/no/such/file', which cannot be read (FileNotFoundError)"),
        ({"BOSS_SIGN_SCRIPT": "/no/such.js"}, "boss", "BOSS_SIGN_SCRIPT is '/no/such.js', which cannot be read (FileNotFoundError)"),
    ],
)
def test_crawl_with_a_wrong_setting_names_it_and_starts_nothing(operator: Any, settings: dict[str, str], platform: str, told: str) -> None:
    operator.extra = settings
    assert usage_line(operator.crawl(platform, keywords="Python")).startswith(told)
    assert not operator.folder.exists()


def test_crawl_with_a_script_that_throws_ends_before_the_first_request(operator: Any, tmp_path: Any) -> None:
    script = tmp_path / "sign.js"
    script.write_text("function sign(request) { throw new Error('no key') }")
    operator.extra = {"BOSS_SIGN_SCRIPT": str(script)}
    ran = operator.crawl("boss", keywords="Python", city="北京")
    assert ran.code == 4
    assert ran.stats["finish_reason"] == "signing_failed"
    assert "not started, because requests cannot be signed" in ran.err
    assert "Traceback" not in ran.err
    assert operator.sandbox.answers("boss")["requests"] == 0


def test_sql_shows_an_answer_as_a_table_and_a_mistake_as_a_line(operator: Any) -> None:
    ran = operator.run("sql", "SELECT 41 + 1 AS answer, NULL AS nothing")
    assert ran.code == 0
    assert all(word in ran.out for word in ("answer", "42", "NULL"))
    assert "no rows" in operator.run("sql", "SELECT 1 WHERE 0").out
    assert "Unknown expression identifier `nonsense`" in usage_line(operator.run("sql", "SELECT nonsense"))
    assert usage_line(operator.run("sql")).startswith("give one query in quotes")
