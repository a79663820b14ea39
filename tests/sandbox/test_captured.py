"""The captured catalogue: from a small made-up folder of the same shape, and from the real recordings, compared with ours."""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from functools import partial

import pytest

from sandbox.boss_items import brand
from sandbox.captured import FILES, read_captured
from sandbox.pieces import Pieces
from sandbox.synthetic import make_firms, make_postings
from sandbox.world import World

PERSONAL = {"hrUid", "hrName", "smallHrLogoUrl", "bossName", "bossAvatar", "encryptBossId"}
BOSS_ROW = {
    "职位名称": "全栈工程师", "薪资": "10-15K", "工作经验": "3-5年", "学历要求": "本科", "城市": "杭州", "职位标签": "",
    "技能要求": "Vue|Java",
    "职位类型": "0", "公司名称": "样例科技", "公司行业": "互联网", "公司规模": "20-99人", "融资阶段": "A轮", "公司ID": "f" * 24,
    "BOSS职位": "HR",
    "职位ID": "a" * 28, "福利": "", "每周工作天数": "", "最少工作月数": "", "区域": "", "商业区": "", "经度": "120.1", "纬度": "30.2",
    "是否代理": "否", "工作文字信息": "写代码",
}  # fmt: skip


def write(folder, name, value):
    """A file of a captured folder, in the form that its name asks for."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    if name.endswith(".json"):
        path.write_text(json.dumps(value), encoding="utf-8")
        return
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        if name.endswith(".jsonl.gz"):
            file.writelines(json.dumps(row) + "\n" for row in value)
        else:
            writer = csv.DictWriter(file, list(value[0]))
            writer.writeheader()
            writer.writerows(value)


def strip(value):
    """A made-up item as a recording keeps it: holes filled, personal keys gone."""
    text = Pieces(value).fill(defaultdict(lambda: b"0" * 32))
    return {name: held for name, held in json.loads(text).items() if name not in PERSONAL}


@pytest.fixture
def folder(tmp_path, catalogue):
    """A captured folder made of a few synthetic answers."""
    boss, qcwy = (catalogue.shelves[name].entries for name in ("boss", "qcwy"))
    details = [entry.detail() for entry in boss[:2]]
    web = [
        {"encryptJobId": "w" * 28, "jobName": "网页前端", "salaryDesc": "8-9K", "jobLabels": [],
         "skills": ["HTML"], "jobExperience": "1-3年",
         "jobDegree": "大专", "cityName": "北京", "areaDistrict": "", "businessDistrict": "", "jobType": 0, "proxyJob": 0,
         "encryptBrandId": "e" * 24, "brandName": "样例网页", "brandLogo": "", "brandStageName": "", "brandIndustry": "互联网",
         "brandScaleName": "20-99人", "bossTitle": "HR", "jobValidStatus": 1}
    ]  # fmt: skip
    row_2026 = {
        "brandName": "样例智能", "jobName": "AI产品经理", "city": "深圳·南山区", "salaryDesc": "150-200元/天", "jobExperience": "经验不限",
        "jobDegree": "本科", "jobDescription": "规划产品", "url": f"https://x/job_detail/{'z' * 28}.html", "row_origin": "x",
    }  # fmt: skip
    envelope = {"resultbody": {"job": {"items": [strip(entry.item()) for entry in qcwy[:5]]}}}
    files = {
        "boss/city_code_map.json": {"杭州": 101210100, "厦门": 101230200},
        "boss/miniapp_brandComInfoVO.jsonl.gz": [brand(make_firms(1, 1)[0], 1)],
        "boss/miniapp_job_detail_envelopes.jsonl.gz": [{"response": {"zpData": strip(page)}} for page in details],
        "boss/web_joblist_envelopes.jsonl.gz": [{"response": {"zpData": {"jobList": web}}}],
        "boss/miniapp_list_items_from_relatedJobList.jsonl.gz": [strip(entry.item()) for entry in boss[5:8]],
        "boss/web_joblist_items_2025_hangzhou.csv.gz": [BOSS_ROW],
        "boss/web_jobs_2026_aipm.csv.gz": [row_2026, row_2026],
        "qcwy/search_pc_envelopes.jsonl.gz": [{"response": envelope}, {"response": envelope}],
        "zhilian/sou_cards_2026.csv.gz": [
            {"name": "Java开发", "companyName": "样例股份", "workCity_district_street": "武汉·洪山", "salary60": "1-1.5万·13薪",
             "workingExp": "3-5年", "education": "本科"}
        ],
        "zhilian/c_i_sou_rows_2020_nanjing.jsonl.gz": [
            {"businessName": "样例地产", "jobName": "销售", "money": "5K-10K", "area": "", "businessYear": "不限", "education": "大专",
             "businessPerson": "20-99人", "businessType": "房地产", "position": "南京-浦口区"}
        ],
        "zhilian/c_i_sou_results_2018.json": [catalogue.shelves["zhilian"].entries[0].cache["old"]()],
    }  # fmt: skip
    assert set(files) == FILES
    for name, value in files.items():
        write(tmp_path, name, value)
    return tmp_path


def test_captured_folder_puts_every_posting_on_its_shelf_once(folder):
    catalogue = read_captured(folder, 3)
    assert {name: counts["jobs"] for name, counts in catalogue.counts().items()} == {"boss": 8, "qcwy": 5, "zhilian": 3}


def test_captured_items_are_served_with_made_up_recruiters(folder, visit):
    visitor = visit(read_captured(folder, 3))
    boss = visitor.boss_search(size=30)["zpData"]["list"]
    assert all(item["bossName"] and item["encryptBossId"] and len(item["securityId"]) >= 108 for item in boss)
    qcwy = visitor.qcwy_open()["resultbody"]["job"]
    assert all(("hrName" in item) == ("hrPosition" in item) for item in qcwy["items"])
    assert all(item["jobHref"].endswith(qcwy["requestId"]) for item in qcwy["items"])
    assert json.loads(qcwy["items"][1]["property"])["jobRank"] == "1"


def test_captured_details_are_whole_for_every_list_item(folder, visit):
    visitor = visit(read_captured(folder, 3))
    for item in visitor.boss_search(size=30)["zpData"]["list"]:
        page = visitor.boss_detail(item)["zpData"]
        assert page["jobBaseInfoVO"]["encryptJobId"] == item["encryptJobId"]
        assert page["jobBaseInfoVO"]["jobDesc"]
        assert page["bossBaseInfoVO"]["name"] == item["bossName"]
        assert page["brandComInfoVO"]["legalPerson"]


def test_captured_2026_row_by_the_day_is_an_internship(folder, visit):
    (item,) = visit(read_captured(folder, 3)).boss_search("规划产品", "101280600")["zpData"]["list"]
    assert (item["jobType"], item["districtName"], item["skills"]) == (4, "南山区", ["AI", "产品经理"])


def test_captured_zhilian_cards_get_the_current_shape_and_old_items_stay(folder, visit):
    visitor = visit(read_captured(folder, 3), zhilian={"ad_share": 0.0})
    (card,) = visitor.zhilian_search("java", "736")["data"]["list"]
    assert (card["salary60"], card["salaryReal"], card["cityDistrict"]) == ("1-1.5万·13薪", "10000-15000", "洪山")
    old = visitor.ask("GET", "/c/i/sou", "kw=&cityId=489", {})["data"]["results"]
    assert len(old) == 3
    assert old[0]["jobName"]


def test_captured_folder_without_its_files_names_them(tmp_path):
    with pytest.raises(FileNotFoundError, match="lacks boss/"):
        read_captured(tmp_path, 1)


# --- against the real recordings


@pytest.fixture(scope="module")
def recorded(data_folder):
    return read_captured(data_folder, 7)


def kinds_of(items):
    """Key -> the JSON types that it has."""
    kinds = defaultdict(set)
    for item in items:
        for name, value in item.items():
            kinds[name].add(type(value).__name__)
    return kinds


@pytest.mark.data
def test_recorded_catalogue_holds_everything(recorded):
    counts = {name: row["jobs"] for name, row in recorded.counts().items()}
    assert counts["boss"] > 3_000
    assert counts["qcwy"] > 7_000
    assert counts["zhilian"] > 3_000


@pytest.mark.data
@pytest.mark.parametrize("platform", ["boss", "qcwy"])
def test_synthetic_list_items_have_the_recorded_keys_and_types(recorded, data_folder, platform):
    if platform == "boss":
        with gzip.open(data_folder / "boss/miniapp_list_items_from_relatedJobList.jsonl.gz", "rt", encoding="utf-8") as file:
            real = kinds_of(json.loads(line) for line in file)
    else:
        real = kinds_of(entry.item() for entry in recorded.shelves["qcwy"].entries)
    firms = make_firms(7, 700)
    from sandbox import boss_items, qcwy_items

    dress = {"boss": boss_items.entry_of, "qcwy": qcwy_items.entry_of}[platform]
    ours = kinds_of(dress(posting, 7).item() for posting in make_postings(platform, 7, firms, 2_000))
    assert set(real) - set(ours) == set()
    assert set(ours) - set(real) - PERSONAL - {"contact"} == set()
    assert {name: ours[name] - kinds for name, kinds in real.items() if ours[name] - kinds} == {}


@pytest.mark.data
def test_synthetic_details_have_the_recorded_keys_and_types(data_folder, catalogue):
    with gzip.open(data_folder / "boss/miniapp_job_detail_envelopes.jsonl.gz", "rt", encoding="utf-8") as file:
        real = [json.loads(line)["response"]["zpData"] for line in file]
    ours = [entry.detail() for entry in catalogue.shelves["boss"].entries]
    personal = {"encryptBossId", "bossId", "name", "tinyAvatar", "legalPerson"}
    for part in ("bossBaseInfoVO", "jobBaseInfoVO", "brandComInfoVO", "relationInfoVO", "relatedJobInfo", "homeAddressInfo", "safeTipInfo"):
        theirs, made = kinds_of(page[part] for page in real), kinds_of(page[part] for page in ours)
        assert set(theirs) ^ (set(made) - personal) == set(), part
        assert {name: made[name] - kinds for name, kinds in theirs.items() if made[name] - kinds} == {}, part
    assert set(kinds_of(real)) == set(kinds_of(ours))


@pytest.mark.data
def test_recorded_2018_items_and_ours_have_the_same_keys_and_types(data_folder, catalogue):
    real = kinds_of(json.loads((data_folder / "zhilian/c_i_sou_results_2018.json").read_text(encoding="utf-8")))
    ours = kinds_of(entry.cache["old"]() for entry in catalogue.shelves["zhilian"].entries)
    assert set(real) - set(ours) == set()
    assert {name: ours[name] - real[name] for name in ours if ours[name] - real[name]} == {}


@pytest.mark.data
def test_recorded_catalogue_walk_meets_what_the_oracle_says(recorded, make_world, visit):
    visitor = visit(recorded)
    from sandbox.oracle import answer_questions, suggest_keywords

    world: World = visitor.world
    search = {
        "boss": partial(visitor.boss_search, size=30),
        "qcwy": partial(visitor.qcwy_open, size=50),
        "zhilian": partial(visitor.zhilian_search, size=100),
    }
    for name, platform in world.platforms.items():
        rows = suggest_keywords(platform)
        told = answer_questions([{"platform": name, "text": row["text"], "city": row["city"]} for row in rows], world.platforms)["keywords"]
        for row, due in zip(rows, told, strict=True):
            pages = [json.dumps(search[name](row["text"], row["city_code"], page), ensure_ascii=False) for page in range(1, 30)]
            assert all(any(job in page for page in pages) for job in due["jobs"]) or due["capped"]
