"""The readers over every captured text: all well-formed ones parse, and figures agree with the platform's own.

What is well formed is told here by patterns written for the test alone; whatever matches none is listed with what became of it.
Run with `-s` to see the figures.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from jobspiders.normalise import (
    Unreadable,
    mask_contacts,
    parse_capital,
    parse_company_size,
    parse_date,
    parse_education,
    parse_employment,
    parse_experience,
    parse_place,
    parse_recruits,
    parse_salary,
    parse_time,
)

DATA = Path(__file__).parents[3] / ".." / "shared" / "data"
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"captured data is not at {DATA}: the readers are tested on made-up texts only"),
]

N = r"\d+(\.\d+)?"
MONTHS = r"([·・] ?\d+ ?薪)?"
WELL_FORMED = {
    "salary": [
        rf"{N}-{N}[Kk]{MONTHS}",
        rf"{N}K-{N}K{MONTHS}",
        rf"{N}-{N}元/[天时月周次]",
        rf"{N}-{N}[万千元]{MONTHS}",
        rf"{N}千-{N}[万千]{MONTHS}",
        rf"{N}万-{N}万{MONTHS}",
        rf"{N}-{N}万/年",
        rf"{N}千及以下{MONTHS}",
        rf"{N}万及以下(/年)?",
        rf"{N}[元千]/天",
        rf"{N}元",
        r"\d+-\d{4,}",
        r"(薪资)?面议|校招|",
    ],
    "experience": [
        r"\d+-\d+ ?年",
        r"\d+年(以内|以下|以上|及以上)?",
        r"经验不限|不限|无经验|无需经验",
        r"在校生/应届生|在校/应届|应届/校招",
        r"\d天/周( \d+个月)?",
        r"",
    ],
    "education": [r"初中及以下|高中|中专|中技|中专/中技|中技/中专|大专|本科|硕士|博士|研究生|学历不限|不限|中专及以下|"],
    "size": [r"\d+-\d+人|少于\d+人|\d+人以[上下]|不限|"],
    "place": [r"[^·\-\s]+([·-][^·\-]+){0,2}|"],
    "employment": [r"全职|兼职|校园|实习|"],
    "recruits": [r"若干|\d+|"],
    "time": [r"(19|20)\d\d-\d\d-\d\d \d\d:\d\d:\d\d|20\d\d\.\d\d\.\d\d|"],
    "date": [r"\d{4}-\d\d-\d\d|"],
    "capital": [rf"{N}万(元)?(人民币|美元|香港元|欧元)?|-|"],
}
READERS: dict[str, Callable[[str], Any]] = {
    "salary": parse_salary,
    "experience": parse_experience,
    "education": parse_education,
    "size": parse_company_size,
    "place": parse_place,
    "employment": parse_employment,
    "recruits": parse_recruits,
    "time": parse_time,
    "date": parse_date,
    "capital": parse_capital,
}
Texts = dict[str, Any]  # kind of text -> the text, or several


def lines(name: str) -> Iterator[Any]:
    with gzip.open(DATA / name, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def table(name: str) -> Iterator[dict[str, str]]:
    csv.field_size_limit(10_000_000)
    with gzip.open(DATA / name, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def qcwy_items() -> Iterator[Any]:
    for line in lines("qcwy/search_pc_envelopes.jsonl.gz"):
        yield from line["response"]["resultbody"]["job"]["items"]


def qcwy_texts(item: Any) -> Texts:
    return {
        "salary": item["provideSalaryString"],
        "experience": item["workYearString"],
        "education": item["degreeString"],
        "size": item["companySizeString"],
        "place": item["jobAreaString"],
        "employment": item["termStr"],
        "recruits": item.get("jobNumString", ""),
        "time": [item[name] for name in ("issueDateString", "confirmDateString", "updateDateTime") if name in item],
    }


def boss_brand(brand: Any) -> Texts:
    return {"size": brand["scaleName"], "capital": brand["regCapital"], "date": brand["startDate"]}


def boss_details() -> Iterator[Texts]:
    for line in lines("boss/miniapp_job_detail_envelopes.jsonl.gz"):
        posting, brand = line["response"]["zpData"]["jobBaseInfoVO"], line["response"]["zpData"]["brandComInfoVO"]
        yield boss_brand(brand) | {
            "salary": posting["salaryDesc"],
            "experience": posting["experienceName"],
            "education": posting["degreeName"],
            "place": posting["locationDesc"],
            "recruits": posting["recruitNumDesc"],
            "time": posting["recruitEndTimeDesc"],
        }


def boss_web_lists() -> Iterator[Texts]:
    for line in lines("boss/web_joblist_envelopes.jsonl.gz"):
        for item in line["response"]["zpData"]["jobList"]:
            yield boss_item(item, "brandScaleName")


def boss_item(item: Any, scale: str) -> Texts:
    return {"salary": item["salaryDesc"], "experience": item["jobExperience"], "education": item["jobDegree"], "size": item[scale]}


def zhilian_2018() -> Iterator[Texts]:
    for item in json.loads((DATA / "zhilian/c_i_sou_results_2018.json").read_text()):
        yield {
            "salary": item["salary"],
            "experience": item["workingExp"]["name"],
            "education": item["eduLevel"]["name"],
            "size": item["company"]["size"]["name"],
            "place": item["city"]["display"],
            "employment": item["emplType"],
            "recruits": str(item["recruitCount"]),
            "time": [item["updateDate"], item["createDate"], item["endDate"]],
        }


def zhilian_2019() -> Iterator[Texts]:
    found = json.loads((DATA / "zhilian/samples_position_detail_2019.json").read_text())["body"]["data"]
    item = found["detailedPosition"]
    yield {
        "salary": item["salary60"],
        "experience": item["workingExp"],
        "education": item["education"],
        "size": found["detailedCompany"]["companySize"],
        "place": item["workCity"],
        "recruits": str(item["recruitNumber"]),
        "time": item["publishTime"],
    }


SOURCES: dict[str, Callable[[], Iterator[Texts]]] = {
    "qcwy/search_pc_envelopes": lambda: map(qcwy_texts, qcwy_items()),
    "qcwy/search_pc_items_2023": lambda: map(qcwy_texts, table("qcwy/search_pc_items_2023.csv.gz")),
    "zhilian/sou_cards_2026": lambda: (
        {
            "salary": row["salary60"],
            "experience": row["workingExp"],
            "education": row["education"],
            "place": row["workCity_district_street"],
        }
        for row in table("zhilian/sou_cards_2026.csv.gz")
    ),
    "zhilian/c_i_sou_rows_2020": lambda: (
        {"salary": row["money"], "experience": row["businessYear"], "education": row["education"], "size": row.get("businessPerson")}
        for row in lines("zhilian/c_i_sou_rows_2020_nanjing.jsonl.gz")
    ),
    "zhilian/c_i_sou_results_2018": zhilian_2018,
    "zhilian/position_detail_2019": zhilian_2019,
    "boss/web_jobs_2026": lambda: (
        {"salary": row["salaryDesc"], "experience": row["jobExperience"], "education": row["jobDegree"], "place": row["city"]}
        for row in table("boss/web_jobs_2026_aipm.csv.gz")
    ),
    "boss/web_joblist_items_2025": lambda: (
        {"salary": row["薪资"], "experience": row["工作经验"], "education": row["学历要求"], "size": row["公司规模"], "place": row["城市"]}
        for row in table("boss/web_joblist_items_2025_hangzhou.csv.gz")
    ),
    "boss/web_joblist_envelopes": boss_web_lists,
    "boss/miniapp_list_items": lambda: (
        boss_item(item, "brandScale") for item in lines("boss/miniapp_list_items_from_relatedJobList.jsonl.gz")
    ),
    "boss/miniapp_job_details": boss_details,
    "boss/miniapp_brands": lambda: map(boss_brand, lines("boss/miniapp_brandComInfoVO.jsonl.gz")),
    "boss/intern_rows_2026": lambda: (
        {
            "salary": row["salaryDesc"],
            "experience": row["experience"],
            "education": row["degree"],
            "size": row["scale"],
            "place": row["city"],
        }
        for row in json.loads((DATA / "boss/intern_rows_2026.json").read_text())
    ),
}


@cache
def counted(source: str) -> dict[str, Counter[str]]:
    """Kind of text -> how often each text occurs in a file."""
    found: dict[str, Counter[str]] = {}
    for texts in SOURCES[source]():
        for kind, said in texts.items():
            found.setdefault(kind, Counter()).update(text or "" for text in (said if isinstance(said, list) else [said]))
    return found


def is_well_formed(kind: str, text: str) -> bool:
    return any(re.fullmatch(pattern, text) for pattern in WELL_FORMED[kind])


def refusal(kind: str, text: str) -> str:
    """Why the reader refuses `text`; "" when it reads it."""
    try:
        READERS[kind](text)
    except Unreadable as error:
        return error.reason
    return ""


@pytest.mark.parametrize("source", SOURCES)
def test_readers_captured_file_every_well_formed_text_is_read(source: str) -> None:
    refused: list[tuple[str, str, str, int]] = []
    wrongly: list[tuple[str, str, str, int]] = []
    for kind, texts in counted(source).items():
        well_formed = {text: count for text, count in texts.items() if is_well_formed(kind, text)}
        reasons = {text: refusal(kind, text) for text in texts}
        read = sum(count for text, count in well_formed.items() if not reasons[text])
        print(
            f"{source:30} {kind:11} {texts.total():6} texts, {sum(well_formed.values()):6} well formed, {read:6} of them read, "
            f"{sum(count for text, count in texts.items() if not reasons[text]):6} read in all"
        )
        refused += [(kind, text, reason, texts[text]) for text, reason in reasons.items() if reason]
        wrongly += [(kind, text, reasons[text], count) for text, count in well_formed.items() if reasons[text]]
    print(*(f"    refused: {kind} {text!r} x{count}: {reason}" for kind, text, reason, count in refused), sep="\n")
    assert wrongly == []


def test_readers_captured_refusals_are_the_known_artefacts() -> None:
    """Nothing is refused but salaries that lost their digits to the site's own font, and the year 1 that stands for no date."""
    refused = Counter[tuple[str, str]]()
    for source in SOURCES:
        for kind, texts in counted(source).items():
            for text, count in texts.items():
                if reason := refusal(kind, text):
                    refused[kind, reason] += count
    assert set(refused) <= {("salary", "digits_lost"), ("time", "out_of_range")}, refused


def test_parse_salary_captured_qcwy_agrees_with_platforms_own_figures() -> None:
    """jobSalaryMin/Max are yuan a month; a text that leaves an end open ("3千及以下") says nothing about that end."""
    both, exact, shown, disagreements = 0, 0, 0, Counter[tuple[str, str, str]]()
    open_below, within = 0, 0
    for item in qcwy_items():
        text, own = item["provideSalaryString"], (item["jobSalaryMin"], item["jobSalaryMax"])
        if not all(own):
            continue
        salary, low, high = parse_salary(text), float(own[0]), float(own[1])
        if salary.month_high is not None and salary.month_low is None:
            open_below += 1
            within += high <= salary.month_high
            continue
        assert salary.month_low is not None
        assert salary.month_high is not None
        both += 1
        is_exact = (salary.month_low, salary.month_high) == (low, high)
        exact += is_exact
        steps = 100 if "千-" in text or "万" not in text else 1000, 1000 if "万" in text else 100
        shown += 0 <= low - salary.month_low < steps[0] and 0 <= high - salary.month_high < steps[1]
        if not is_exact:
            disagreements[text, *own] += 1
    print(f"qcwy: {both} rows state both bounds: {exact} equal to the yuan ({exact / both:.4%})")
    print(f"qcwy: {shown} equal once the platform's figures are cut to the digits shown ({shown / both:.4%})")
    print(f"qcwy: {open_below} rows are open below: in {within} the platform's maximum lies within")
    every = both + open_below
    print(f"qcwy: of all {every} rows with the platform's figures {(exact + within) / every:.4%} agree in what the text states")
    print(
        *(f"    disagrees: {text!r}, platform {low}-{high} x{count}" for (text, low, high), count in disagreements.most_common()), sep="\n"
    )
    assert exact / both >= 0.99
    assert (exact + within) / every >= 0.99


def free_texts() -> Iterator[str]:
    for item in qcwy_items():
        yield item["jobDescribe"]
    for line in lines("boss/miniapp_job_detail_envelopes.jsonl.gz"):
        yield line["response"]["zpData"]["jobBaseInfoVO"]["jobDesc"]
        yield line["response"]["zpData"]["brandComInfoVO"]["introduce"]
    for row in table("boss/web_jobs_2026_aipm.csv.gz"):
        yield row["jobDescription"]


def test_mask_contacts_captured_texts_masked_before_stay_nearly_whole() -> None:
    """The captures had their contacts masked before, by other patterns: what is found beyond is little, and is listed."""
    changed, total = [], 0
    for text in set(free_texts()):
        total += 1
        masked = mask_contacts(text)
        assert mask_contacts(masked) == masked
        if masked != text:
            changed.append((text, masked))
    print(f"{len(changed)} of {total} captured texts hold something beyond what was masked before:")
    for text, masked in changed:
        at = next(i for i, (a, b) in enumerate(zip(text, masked, strict=False)) if a != b)
        print(f"    {text[max(0, at - 12) : at]!r} + {re.sub('[0-9A-Za-z]', '#', text[at : at + 14])!r} -> {masked[at : at + 12]!r}")
    assert len(changed) <= total * 0.01
