"""The oracle against a walk of all pages, with caps, repeats, depth and filters; and the keywords that it suggests."""

from __future__ import annotations

import pytest

from sandbox.oracle import OracleError, answer_questions, suggest_keywords

CASES = [
    ("boss", "Java", "北京"),
    ("boss", "工程师 linux", "100010000"),
    ("boss", "JAVA", "101020100"),
    ("qcwy", "销售", "上海"),
    ("qcwy", "工程师", "000000"),
    ("qcwy", "五险一金", "010000,020000"),
    ("zhilian", "开发", "538"),
    ("zhilian", "", "深圳"),
    ("boss", "没有", "北京"),
]


def walk(visitor, platform, text, city):
    """The job ids of every page until the platform's own end."""
    jobs, page = [], 1
    while True:
        if platform == "boss":
            data = visitor.boss_search(text, visitor.world.platforms["boss"].city_codes.get(city, city), page)["zpData"]
            found, more = [item["encryptJobId"] for item in data["list"]], data["hasMore"]
        elif platform == "qcwy":
            data = visitor.qcwy_open(text, visitor.world.platforms["qcwy"].city_codes.get(city, city), page)["resultbody"]["job"]
            found, more = [item["jobId"] for item in data["items"]], page * 20 < data["totalCount"]
        else:
            data = visitor.zhilian_search(text, visitor.world.platforms["zhilian"].city_codes.get(city, city), page)["data"]
            found, more = [item["number"] for item in data["list"] if "number" in item], not data["isEndPage"]
        jobs += found
        if not more:
            return jobs
        page += 1


def ask(visitor, *rows):
    return answer_questions([dict(zip(("platform", "text", "city"), row, strict=True)) for row in rows], visitor.world.platforms)


@pytest.mark.parametrize(("platform", "text", "city"), CASES)
def test_oracle_jobs_equal_a_walk_of_all_pages(visit, platform, text, city):
    visitor = visit(qcwy={"repeat_share": 0.5})
    (told,) = ask(visitor, (platform, text, city))["keywords"]
    walked = walk(visitor, platform, text, city)
    assert sorted(told["jobs"]) == sorted(set(walked))
    assert told["positions"] == len(walked)
    assert told["repeated"] == len(walked) - len(set(walked))
    assert (told["capped"], told["beyond"]) == (False, [])


@pytest.mark.parametrize("platform", ["boss", "qcwy", "zhilian"])
def test_oracle_jobs_equal_a_brute_force_match_of_the_shelf(visit, platform):
    visitor = visit()
    shelf = visitor.world.platforms[platform].shelf
    code = visitor.world.platforms[platform].city_codes["北京"]
    prefix = code[:2] if platform == "qcwy" else code
    wanted = [
        entry
        for entry in shelf.entries
        if "python" in entry.haystack and "工程师" in entry.haystack and any(area.startswith(prefix) for area in entry.areas)
    ]
    (told,) = ask(visitor, (platform, " 工程师  Python ", "北京"))["keywords"]
    assert told["jobs"] == [entry.job_id for entry in wanted] != []
    assert told["companies"] == list(dict.fromkeys(entry.company_id for entry in wanted))


def test_oracle_capped_search_wants_all_and_names_what_lies_beyond(visit):
    visitor = visit(qcwy={"cap": 40})
    (told,) = ask(visitor, ("qcwy", "", "000000"))["keywords"]
    assert (told["matching"], told["positions"], told["capped"]) == (400, 40, True)
    assert len(told["jobs"]) == 400
    assert set(told["jobs"]) == set(told["beyond"]) | set(walk(visitor, "qcwy", "", "000000"))


def test_oracle_pages_want_only_what_they_show(visit):
    visitor = visit(qcwy={"repeat_share": 0.0})
    row = {"platform": "qcwy", "text": "", "city": "000000", "pages": 2}
    (told,) = answer_questions([row], visitor.world.platforms)["keywords"]
    first = [item["jobId"] for page in (1, 2) for item in visitor.qcwy_open(page=page)["resultbody"]["job"]["items"]]
    assert told["jobs"] == first
    (wider,) = answer_questions([{**row, "page_size": 50}], visitor.world.platforms)["keywords"]
    assert len(wider["jobs"]) == 100


def test_oracle_filters_narrow_the_answer(visit):
    visitor = visit()
    row = {"platform": "qcwy", "text": "", "city": "000000", "filters": {"degree": "06,07"}}
    (told,) = answer_questions([row], visitor.world.platforms)["keywords"]
    items = [visitor.world.platforms["qcwy"].shelf.by_id[job].item() for job in told["jobs"]]
    assert "硕士" in {item["degreeString"] for item in items} <= {"硕士", "博士"}


def test_oracle_several_keywords_are_united_per_platform(visit):
    visitor = visit()
    answer = ask(visitor, ("boss", "Java", "北京"), ("boss", "Python", "北京"), ("zhilian", "Java", "北京"))
    java, python = (set(row["jobs"]) for row in answer["keywords"][:2])
    assert set(answer["platforms"]) == {"boss", "zhilian"}
    assert set(answer["platforms"]["boss"]["jobs"]) == java | python
    assert len(answer["platforms"]["boss"]["jobs"]) == len(java | python)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ({}, "takes a list"),
        (["boss"], "an object with platform"),
        ([{"platform": "lagou"}], "needs a platform"),
        ([{"platform": "boss", "pages": -1}], "whole numbers"),
        ([{"platform": "boss", "keyword": "x"}], "unknown keys ['keyword']"),
        ([{"platform": "boss", "filters": "x"}], "filters is an object"),
    ],
)
def test_oracle_unreadable_question_says_why(make_world, rows, says):
    with pytest.raises(OracleError) as caught:
        answer_questions(rows, make_world().platforms)
    assert says in str(caught.value)


@pytest.mark.parametrize("platform", ["boss", "qcwy", "zhilian"])
def test_suggested_keywords_are_true_rich_and_of_several_cities(visit, platform):
    visitor = visit()
    rows = suggest_keywords(visitor.world.platforms[platform])
    assert len({row["city"] for row in rows}) == 4
    assert len({row["text"] for row in rows}) >= 3
    assert max(row["jobs"] for row in rows) >= 20
    for row in rows:
        (told,) = ask(visitor, (platform, row["text"], row["city"]))["keywords"]
        assert told["positions"] == row["jobs"] > 0
        assert visitor.world.platforms[platform].city_codes[row["city"]] == row["city_code"]
