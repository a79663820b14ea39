"""Switches: what they take, the errors that say so, and the mutation of items."""

from __future__ import annotations

import pytest

from sandbox.switches import SWITCHES, SwitchError, apply_switches, check_switch, default_switches, parse_switch


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("boss.ban=ip_banned", ("boss", "ban", "ip_banned")),
        ("boss.sign=true", ("boss", "sign", True)),
        ("boss.sign=off", ("boss", "sign", False)),
        ("qcwy.cap=50", ("qcwy", "cap", 50)),
        ("zhilian.ad_share=0.5", ("zhilian", "ad_share", 0.5)),
        ("qcwy.ban_trigger=every:3", ("qcwy", "ban_trigger", "every:3")),
        ("boss.dead_tokens=1,3", ("boss", "dead_tokens", [1, 3])),
        ("boss.mutate=rename:salaryDesc", ("boss", "mutate", "rename:salaryDesc")),
    ],
)
def test_parse_switch_reads_the_type_of_the_default(text, read):
    assert parse_switch(text) == read


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("boss", "PLATFORM.NAME=VALUE"),
        ("lagou.ban=x", "no platform 'lagou'"),
        ("boss.bann=x", "no switch 'bann'; valid: ban,"),
        ("boss.ban=slider", "cannot be 'slider'; it takes one of '', 'login_expired'"),
        ("boss.ban_trigger=every:0", "'every:N'"),
        ("qcwy.cap=-1", "a whole number >= 0"),
        ("qcwy.cap=many", "cannot be 'many'"),
        ("boss.sign=perhaps", "true or false"),
        ("boss.truncate=2", "a number from 0 to 1"),
        ("boss.server_error_status=404", "500 to 599"),
        ("boss.mutate=melt:x", "KIND:FIELD"),
        ("boss.dead_tokens=0", "whole numbers >= 1"),
        ("boss.inner_error=forbidden_page", "one of"),
        ("zhilian.ip_quota_ban=empty_list", "one of"),
    ],
)
def test_parse_switch_unfit_says_what_is_valid(text, says):
    with pytest.raises(SwitchError) as caught:
        parse_switch(text)
    assert says in str(caught.value)


@pytest.mark.parametrize(("platform", "name"), [(platform, name) for platform, rows in SWITCHES.items() for name in rows])
def test_every_default_is_valid(platform, name):
    check_switch(platform, name, SWITCHES[platform][name].default)


def test_apply_switches_with_one_unfit_changes_nothing():
    switches = default_switches()
    with pytest.raises(SwitchError):
        apply_switches(switches, {"boss": {"sign": True}, "qcwy": {"cap": "x"}})
    assert switches == default_switches()


def test_default_switches_are_not_shared():
    default_switches()["boss"]["dead_tokens"].append(1)
    assert default_switches()["boss"]["dead_tokens"] == []


@pytest.mark.parametrize(
    ("rule", "changed"),
    [
        ("rename:salaryDesc", {"salaryDesc": None, "salaryDescV2": str}),
        ("retype:salaryDesc", {"salaryDesc": dict}),
        ("retype:jobType", {"jobType": str}),
        ("nest:salaryDesc", {"salaryDesc": None, "detail": dict}),
        ("empty:salaryDesc", {"salaryDesc": str}),
        ("drop:encryptJobId", {"encryptJobId": None}),
    ],
)
def test_mutate_changes_the_field_of_every_item(visit, rule, changed):
    for item in visit(boss={"mutate": rule}).boss_search()["zpData"]["list"]:
        for name, kind in changed.items():
            assert (name in item) == (kind is not None)
            assert kind is None or isinstance(item[name], kind)


@pytest.mark.parametrize("platform", ["boss", "qcwy", "zhilian"])
def test_mutate_share_changes_always_the_same_items_and_the_oracle_names_them(visit, platform):
    names = {"boss": ("jobName", "encryptJobId"), "qcwy": ("jobName", "jobId"), "zhilian": ("name", "number")}[platform]
    visitor = visit(**{platform: {"mutate": f"rename:{names[0]}", "mutate_share": 0.4}})

    def page():
        body = {"boss": visitor.boss_search, "qcwy": visitor.qcwy_open, "zhilian": visitor.zhilian_search}[platform]()
        job = {"boss": lambda: body["zpData"], "qcwy": lambda: body["resultbody"]["job"], "zhilian": lambda: body["data"]}[platform]()
        return [item for item in job.get("list", job.get("items", [])) if names[1] in item]

    mutated = {item[names[1]] for item in page() if names[0] not in item}
    assert 0 < len(mutated) < len(page())
    assert {item[names[1]] for item in page() if names[0] not in item} == mutated
    assert all(visitor.world.platforms[platform].is_mutated(job_id) for job_id in mutated)
