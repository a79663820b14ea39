"""Captured Zhilian postings on the shelf: items of 2018 as they were, rows of 2020 and cards of 2026 in the current item shape."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sandbox import identities
from sandbox.captured_words import words_of
from sandbox.identities import digest, recruiter_of, zhilian_company_id
from sandbox.model import Entry, Item
from sandbox.zhilian_items import entry_from

if TYPE_CHECKING:
    from sandbox.captured import CapturedFolder

RANGE = re.compile(r"^([\d.]+)(万|千|K|元)?-([\d.]+)(万|千|K|元)(?!/)", re.IGNORECASE)
UNITS = {"万": 10_000, "千": 1_000, "k": 1_000, "元": 1, "": 1}


def read_zhilian(folder: CapturedFolder, seed: int, city_codes: dict[str, str]) -> list[Entry]:
    """Every distinct recorded posting. Rows that are equal in all their fields are one posting."""
    entries: dict[str, Entry] = {}
    for item in folder.value("zhilian/c_i_sou_results_2018.json"):
        entries.setdefault(item["number"], entry_from(facts_of_2018(item, seed), old=item))
    for row in folder.lines("zhilian/c_i_sou_rows_2020_nanjing.jsonl.gz"):
        _put(entries, facts_of_2020(row, seed, city_codes))
    for row in folder.rows("zhilian/sou_cards_2026.csv.gz"):
        _put(entries, facts_of_2026(row, seed, city_codes))
    return list(entries.values())


def _put(entries: dict[str, Entry], facts: Item) -> None:
    if facts["number"] not in entries:
        entries[facts["number"]] = entry_from(facts)


def real_range(text: str) -> str:
    """`min-max` yuan a month of a monthly salary text, "" for any other."""
    found = RANGE.match(text)
    if not found:
        return ""
    low, low_unit, high, high_unit = found.groups()
    top = UNITS[high_unit.lower()]
    bottom = UNITS[low_unit.lower()] if low_unit else top
    return f"{round(float(low) * bottom)}-{round(float(high) * top)}"


def _base(seed: int, key: object, title: str, company: str) -> Item:
    """The facts that no recording of cards holds, made up and stable."""
    number = zhilian_company_id(seed, company)
    place = int.from_bytes(digest(seed, "zhilian", key)[:6], "big") % 10**10
    return {
        "number": identities.zhilian_job_id(number, place), "name": title, "companyName": company, "companyNumber": number,
        "salaryCount": "",
        "streetName": "", "cityDistrict": "", "workType": "全职", "property": "", "industryName": "", "financing": "", "introduction": "",
        "publishTime": "2026-07-01 09:00:00", "description": f"{company}招聘{title}，欢迎投递。", "recruitNumber": 1,
        "skills": words_of(title),
        "welfare": [], "category": "", "categoryCode": "", "address": "", "longitude": "", "latitude": "",
        "recruiter": recruiter_of(seed, key), "recruiterSeed": seed, "quirk": digest("quirk", key)[0] / 255,
    }  # fmt: skip


def facts_of_2018(item: Item, seed: int) -> Item:
    """Neutral facts of a raw item of 2018; number and company keep their recorded ids."""
    place, company = item["city"], item["company"]
    district = place["display"].partition("-")[2]
    kind = item["jobType"]["items"][-1] if item["jobType"]["items"] else {"code": "", "name": ""}
    return {
        **_base(seed, item["number"], item["jobName"], company["name"]), "number": item["number"], "companyNumber": company["number"],
        "salary60": item["salary"], "salaryReal": real_range(item["salary"]), "workCity": place["items"][0]["name"],
        "cityId": str(place["items"][0]["code"]), "cityDistrict": district.removesuffix("区"), "education": item["eduLevel"]["name"],
        "workingExp": item["workingExp"]["name"], "workType": item["emplType"], "companySize": company["size"]["name"],
        "property": company["type"]["name"], "publishTime": item["updateDate"], "recruitNumber": item["recruitCount"],
        "welfare": item["welfare"], "category": kind["name"], "categoryCode": str(kind["code"]), "longitude": item["geo"]["lon"],
        "latitude": item["geo"]["lat"],
    }  # fmt: skip


def facts_of_2020(row: Item, seed: int, city_codes: dict[str, str]) -> Item:
    """Neutral facts of a row of 2020."""
    city, _, district = row["position"].partition("-")
    return {
        **_base(seed, tuple(row.items()), row["jobName"], row["businessName"]), "salary60": row["money"],
        "salaryReal": real_range(row["money"]),
        "workCity": city, "cityId": code_of_city(city, city_codes), "cityDistrict": district.removesuffix("区"), "streetName": row["area"],
        "education": row["education"], "workingExp": row["businessYear"], "companySize": row.get("businessPerson", "不限"),
        "industryName": row["businessType"], "publishTime": "2020-10-15 09:00:00",
    }  # fmt: skip


def facts_of_2026(row: dict[str, str], seed: int, city_codes: dict[str, str]) -> Item:
    """Neutral facts of a card of 2026."""
    city, district, street = [*row["workCity_district_street"].split("·"), "", ""][:3]
    months = row["salary60"].partition("·")[2]
    return {
        **_base(seed, tuple(row.items()), row["name"], row["companyName"]), "salary60": row["salary60"],
        "salaryReal": real_range(row["salary60"]),
        "salaryCount": months, "workCity": city, "cityId": code_of_city(city, city_codes), "cityDistrict": district, "streetName": street,
        "education": row["education"], "workingExp": row["workingExp"], "companySize": "不限",
    }  # fmt: skip


def code_of_city(city: str, city_codes: dict[str, str]) -> str:
    """The city's code; a made-up one above 9000 for a city that the sandbox has no code of (found by the whole country, or by name)."""
    code = city_codes.get(city)
    if code is None:
        code = city_codes[city] = str(9_000 + identities.number_of(3, "zhilian-city", city))
    return code
