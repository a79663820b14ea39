"""The synthetic catalogue (the same for a seed, at real rates), the shelf, the pieces of items, the signing script."""

from __future__ import annotations

import ast
import hashlib
import hmac
import json
import shutil
import statistics
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from sandbox.catalogue import area_fits, make_synthetic
from sandbox.model import Entry
from sandbox.pieces import Pieces, hole
from sandbox.shelf import Shelf, make_search

SANDBOX = Path(__file__).parents[2] / "sandbox"
OURS = {"jobschema", "jobstore", "jobspiders", "control_api"}


@pytest.fixture(scope="module")
def large():
    return make_synthetic(seed=5, size=3000)


def items_of(catalogue, platform):
    return [entry.item() for entry in catalogue.shelves[platform].entries]


def test_synthetic_same_seed_same_items_other_seed_others():
    one, two, other = (make_synthetic(seed, 40) for seed in (1, 1, 2))
    for platform in ("boss", "qcwy", "zhilian"):
        assert items_of(one, platform) == items_of(two, platform)
        assert {entry.job_id for entry in one.shelves[platform].entries}.isdisjoint(
            entry.job_id for entry in other.shelves[platform].entries
        )


def test_synthetic_companies_are_on_several_platforms(large):
    names = [{item["fullCompanyName"] for item in items_of(large, "qcwy")}, {item["companyName"] for item in items_of(large, "zhilian")}]
    assert len(names[0] & names[1]) > 100


@pytest.mark.parametrize(
    ("platform", "field", "shares"),
    [
        ("boss", "salaryDesc", {"薪": (0.3, 0.6), "元/天": (0.02, 0.08), "面议": (0.0, 0.01)}),
        ("qcwy", "provideSalaryString", {"薪": (0.2, 0.4), "/年": (0.02, 0.09), "及以下": (0.003, 0.03), "元/天": (0.001, 0.03)}),
        ("zhilian", "salary60", {"薪": (0.3, 0.6), "面议": (0.005, 0.04), "元/天": (0.005, 0.08), "万": (0.35, 0.9)}),
    ],
)
def test_synthetic_salary_forms_come_at_about_the_real_rates(large, platform, field, shares):
    texts = [item[field] for item in items_of(large, platform)]
    for form, (low, high) in shares.items():
        assert low <= sum(form in text for text in texts) / len(texts) <= high, form


def test_synthetic_salary_follows_city_family_and_seniority(large):
    rows = [
        (int(item["jobSalaryMin"]), item["jobAreaString"][:2], item["funcType1Code"], item["workYear"])
        for item in items_of(large, "qcwy")
        if item["jobSalaryMin"]
    ]

    def middle(place, value):
        return statistics.median(row[0] for row in rows if row[place] == value)

    assert middle(1, "北京") > middle(1, "西安")
    assert middle(2, "0121") > middle(2, "3204")
    assert middle(3, "7") > middle(3, "3")


def test_synthetic_optional_keys_and_oddities_come_at_about_the_real_rates(large):
    items = items_of(large, "qcwy")
    counts = Counter(name for item in items for name in item)
    assert 0.94 < counts["hrName"] / len(items) < 0.995
    assert 0.55 < counts["hrLabels"] / len(items) < 0.75
    assert 0.002 < counts["isAd"] / len(items) < 0.012
    assert 0.1 < sum("\r\n" in item["jobDescribe"] for item in items) / len(items) < 0.3
    assert any(item["jobAreaCode"] != item["workAreaCode"] for item in items)
    assert any(item["lon"] == "0.000000" for item in items)
    assert all(item["jobType"] == ("16" if item.get("isAd") else "0") for item in items)


def test_synthetic_ids_are_all_different(large):
    for shelf in large.shelves.values():
        assert len({entry.job_id for entry in shelf.entries}) == 3000
    firms = {item["encCoId"]: item["fullCompanyName"] for item in items_of(large, "qcwy")}
    assert len(set(firms)) == len({item["coId"] for item in items_of(large, "qcwy")})


# --- the shelf


def entry(job_id, text, *areas, **facets):
    return Entry(job_id=job_id, company_id="c", haystack=text, areas=areas, facets=facets, item=dict)


SHELF = Shelf(
    [
        entry("1", "java 开发 上海", "020000", degree=("05",)),
        entry("2", "java 测试", "020300", degree=("04",)),
        entry("3", "python 开发", "030200", degree=("05",)),
        entry("4", "java 开发", "030600", degree=()),
    ],
    {},
    area_fits,
)


@pytest.mark.parametrize(
    ("text", "areas", "filters", "found"),
    [
        ("", (), {}, "1234"),
        ("JAVA", (), {}, "124"),
        ("  java   开发 ", (), {}, "14"),
        ("java", ("020000",), {}, "12"),
        ("java", ("020300",), {}, "2"),
        ("", ("030200",), {}, "3"),
        ("", ("020000", "030600"), {}, "124"),
        ("", (), {"degree": ["05", "04"]}, "123"),
        ("", (), {"degree": ["05"], "other": ["1"]}, ""),
        ("java python", (), {}, ""),
        ("av", (), {}, "124"),
    ],
)
def test_shelf_finds_what_matches_in_shelf_order(text, areas, filters, found):
    for _ in range(2):
        assert "".join(e.job_id for e in SHELF.find(make_search(text, areas, filters))) == found


def test_shelf_with_equal_ids_is_refused():
    with pytest.raises(ValueError, match="share an id"):
        Shelf([entry("1", "a"), entry("1", "b")], {}, area_fits)


def test_pieces_fill_gives_the_json_with_its_holes_filled():
    pieces = Pieces({"职位": hole("A"), "link": f"x?{hole('B')}&{hole('A')}", "n": [1, None]})
    assert json.loads(pieces.fill({b"A": "开发".encode(), b"B": b"7"})) == {"职位": "开发", "link": "x?7&开发", "n": [1, None]}
    assert Pieces([1]).fill({}) == b"[1]"


# --- independence and the script


def test_sandbox_imports_none_of_ours():
    for path in SANDBOX.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert not OURS & {name.partition(".")[0] for name in names}, path


@pytest.mark.parametrize("query", ["", "query=%E5%89%8D%E7%AB%AF&page=1", "x" * 300, "中文"])
def test_sign_script_makes_hmac_md5(query):
    quickjs = pytest.importorskip("quickjs")
    context = quickjs.Context()
    context.eval((SANDBOX / "boss_sign.js").read_text(encoding="utf-8"))
    asked = {"method": "GET", "path": "/p", "query": query, "timestamp": 1_800_000_000_123, "nonce": "n1", "secret": "key" * 30}
    made = json.loads(context.eval(f"JSON.stringify(sign({json.dumps(asked)}))"))
    wanted = hmac.new(("key" * 30).encode(), f"GET\n/p\n{query}\n1800000000123\nn1".encode(), hashlib.md5).hexdigest()
    assert made == {"headers": {"x-sign": wanted, "x-sign-time": "1800000000123", "x-sign-nonce": "n1"}, "params": {}}


def test_sign_script_in_node_makes_the_same(tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("no node on this machine")
    script = (SANDBOX / "boss_sign.js").read_text(encoding="utf-8")
    call = 'console.log(sign({method:"GET",path:"/p",query:"q",timestamp:5,nonce:"n",secret:"s"}).headers["x-sign"])'
    (tmp_path / "run.js").write_text(script + call, encoding="utf-8")
    made = subprocess.run([node, str(tmp_path / "run.js")], capture_output=True, text=True, timeout=30, check=True).stdout.strip()
    assert made == hmac.new(b"s", b"GET\n/p\nq\n5\nn", hashlib.md5).hexdigest()
