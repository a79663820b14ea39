"""Captured Boss postings on the shelf: details and related items as they were, web list items and rows in the mini-program's item shape."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from sandbox import boss_items, identities
from sandbox.captured_words import words_of
from sandbox.model import Entry, Item
from sandbox.pieces import hole

if TYPE_CHECKING:
    from sandbox.captured import CapturedFolder

JOB_URL = re.compile(r"job_detail/([^./?]+)")
THOUSANDS = re.compile(r"^(\d+)-(\d+)[Kk]")
DAYS = re.compile(r"^(\d天/周) ?(\d+个月)?$")
YES = "是"


@dataclass(slots=True)
class BossReader:
    """Collects entries and brands from the files of one captured folder. The richer source of a posting is read first and wins."""

    seed: int
    city_codes: dict[str, str]
    entries: list[Entry] = field(default_factory=list)
    brands: dict[str, Callable[[], Item]] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)
    _brand_of_name: dict[str, str] = field(default_factory=dict)

    def read(self, folder: CapturedFolder) -> None:
        """Everything in the folder."""
        for facts in folder.lines("boss/miniapp_brandComInfoVO.jsonl.gz"):
            self._know_brand(facts)
        web = {
            item["encryptJobId"]: item
            for envelope in folder.lines("boss/web_joblist_envelopes.jsonl.gz")
            for item in envelope["response"]["zpData"]["jobList"]
        }
        for envelope in folder.lines("boss/miniapp_job_detail_envelopes.jsonl.gz"):
            self._add_detail(envelope["response"]["zpData"], web)
        for item in web.values():
            self._add(web_facts(item), self._brand(item["encryptBrandId"], web_brand(item)), {"description": ""})
        for item in folder.lines("boss/miniapp_list_items_from_relatedJobList.jsonl.gz"):
            self._add(item, self._brand("", named_brand(item)), {"description": ""})
        for row in folder.rows("boss/web_joblist_items_2025_hangzhou.csv.gz"):
            self._add(row_facts_2025(row), self._brand(row["公司ID"], row_brand(row)), row_extra(row))
        for row in folder.rows("boss/web_jobs_2026_aipm.csv.gz"):
            facts = row_facts_2026(row, self.seed)
            self._add(facts, self._brand("", named_brand(facts)), {"description": row["jobDescription"]})

    def _know_brand(self, facts: Item) -> str:
        """Remember a brand; what was known of it first stays."""
        brand_id: str = facts["encryptBrandId"]
        self.brands.setdefault(brand_id, partial(boss_items.brand_item, self._with_person(facts)))
        self._brand_of_name.setdefault(facts["brandName"], brand_id)
        return brand_id

    def _with_person(self, facts: Item) -> Item:
        name = identities.recruiter_of(self.seed, "legal", facts["encryptBrandId"])[0]
        return {"legalPerson": name, **facts}

    def _brand(self, brand_id: str, facts: Item) -> str:
        """The id of a posting's brand: as recorded, of the brand of that name, else made up from the name."""
        known = brand_id or self._brand_of_name.get(facts["brandName"], "") or identities.boss_brand_id(self.seed, facts["brandName"])
        return self._know_brand({**facts, "encryptBrandId": known})

    def _add_detail(self, page: Item, web: dict[str, Item]) -> None:
        """A posting whose whole detail answer was recorded."""
        job, brand = page["jobBaseInfoVO"], page["brandComInfoVO"]
        self._know_brand(brand)
        job_id = job["encryptJobId"]
        recruiter = (identities.recruiter_of(self.seed, job_id)[0], page["bossBaseInfoVO"]["title"])
        facts = web_facts(web[job_id]) if job_id in web else job_facts(job, brand)
        shown = self._with_recruiter(facts, recruiter)
        boss = {
            **page["bossBaseInfoVO"], "securityId": hole("S"), "name": recruiter[0], "tinyAvatar": shown["bossAvatar"],
            "encryptBossId": shown["encryptBossId"], "bossId": identities.number_of(8, self.seed, "boss-person", job_id),
        }  # fmt: skip
        whole = {**page, "securityId": hole("S"), "bossBaseInfoVO": boss, "brandComInfoVO": self._with_person(brand)}
        self._shelve(shown, brand["encryptBrandId"], (job["positionCategory"] + " " + job["jobDesc"], lambda: whole))

    def _add(self, facts: Item, brand_id: str, extra: dict[str, Any]) -> None:
        """A posting known from a list alone: its detail page is made from the list's facts, with a description if there is one."""
        if facts["encryptJobId"] in self._seen:
            return
        recruiter = (identities.recruiter_of(self.seed, facts["encryptJobId"])[0], facts.get("bossTitle") or "招聘者")
        shown = self._with_recruiter(facts, recruiter)
        text = extra["description"] or f"{shown['brandName']}招聘{shown['jobName']}，熟悉{'、'.join(shown['skills']) or '相关业务'}者优先。"
        code = int(self.city_codes.get(shown["cityName"], "0"))

        def detail() -> Item:
            job = boss_items.job_item({**job_of_list(shown, code), **extra.get("place", {}), "jobDesc": text})
            return boss_items.detail_page(job, self.brands[brand_id](), recruiter, None)

        self._shelve(shown, brand_id, (text, detail))

    def _with_recruiter(self, facts: Item, recruiter: tuple[str, str]) -> Item:
        """A whole list item: recorded facts over the usual ones, recruiter made up, ids and ranks fresh in every answer."""
        person = boss_items.recruiter_facts(self.seed, facts["encryptJobId"], recruiter)
        fresh = {"lid": hole("L") + ".search." + hole("K"), "securityId": hole("S")}
        return boss_items.list_item({**facts, **person, **fresh})

    def _shelve(self, item: Item, brand_id: str, page: tuple[str, Callable[[], Item]]) -> None:
        text, detail = page
        low = THOUSANDS.match(item["salaryDesc"])
        firm = (item["brandScale"], item["brandStage"])
        self._seen.add(item["encryptJobId"])
        self.entries.append(
            Entry(
                job_id=item["encryptJobId"],
                company_id=brand_id,
                haystack=" ".join((item["jobName"], *item["skills"], text)).lower(),
                areas=(self.city_codes.get(item["cityName"], ""),),
                facets=boss_items.facets_of(
                    item["jobExperience"], item["jobDegree"], int(low[1]) * 1000 if low else None, firm, item["jobType"]
                ),
                item=lambda: item,
                detail=detail,
                tags=tuple(item["skills"]) or tuple(words_of(item["jobName"])),
            )
        )


def web_facts(item: Item) -> Item:
    """A web list item in the mini-program's names."""
    same = (
        "encryptJobId",
        "jobName",
        "salaryDesc",
        "jobValidStatus",
        "skills",
        "jobExperience",
        "jobDegree",
        "cityName",
        "jobType",
        "proxyJob",
    )
    facts = {name: item[name] for name in (*same, "bossTitle", "bossCert", "brandName", "brandLogo", "contact") if name in item}
    return {
        **facts,
        "districtName": item["areaDistrict"] or None,
        "businessName": item["businessDistrict"] or None,
        "brandStage": item["brandStageName"],
        "brandScale": item["brandScaleName"],
    }


def web_brand(item: Item) -> Item:
    """What a web list item tells of its brand."""
    return {
        "brandName": item["brandName"], "industryName": item["brandIndustry"], "stageName": item["brandStageName"],
        "scaleName": item["brandScaleName"], "logo": item["brandLogo"],
    }  # fmt: skip


def named_brand(item: Item) -> Item:
    """What a mini-program list item tells of its brand."""
    return {"brandName": item["brandName"], "stageName": item.get("brandStage", ""), "scaleName": item.get("brandScale", "")}


def job_facts(job: Item, brand: Item) -> Item:
    """A list item of a posting of which the detail alone was recorded."""
    days = " ".join(filter(None, (job["daysPerWeekDesc"], job["leastMonthDesc"])))
    return {
        "encryptJobId": job["encryptJobId"], "jobName": job["positionName"], "salaryDesc": job["salaryDesc"],
        "jobExperience": job["experienceName"] or days, "jobDegree": job["degreeName"], "cityName": job["locationName"],
        "districtName": job["areaDistrict"] or None, "businessName": job["businessDistrict"] or None, "jobType": job["jobType"],
        "skills": job["requiredSkills"], "brandName": brand["brandName"], "brandLogo": brand["logo"], "brandStage": brand["stageName"],
        "brandScale": brand["scaleName"], "proxyJob": job["proxyJob"],
    }  # fmt: skip


def row_facts_2025(row: dict[str, str]) -> Item:
    """A row of the web list of 2025 in the mini-program's names."""
    days = " ".join(filter(None, (row["每周工作天数"], row["最少工作月数"])))
    return {
        "encryptJobId": row["职位ID"], "jobName": row["职位名称"], "salaryDesc": row["薪资"], "jobExperience": row["工作经验"] or days,
        "jobDegree": row["学历要求"], "cityName": row["城市"], "districtName": row["区域"] or None, "businessName": row["商业区"] or None,
        "jobType": int(row["职位类型"]), "skills": [word for word in row["技能要求"].split("|") if word], "brandName": row["公司名称"],
        "brandStage": row["融资阶段"], "brandScale": row["公司规模"], "bossTitle": row["BOSS职位"], "proxyJob": int(row["是否代理"] == YES),
    }  # fmt: skip


def row_brand(row: dict[str, str]) -> Item:
    """What a row of 2025 tells of its brand."""
    return {"brandName": row["公司名称"], "industryName": row["公司行业"], "stageName": row["融资阶段"], "scaleName": row["公司规模"]}


def row_extra(row: dict[str, str]) -> dict[str, Any]:
    """What only the detail page of a row of 2025 shows."""
    place = {"longitude": float(row["经度"]), "latitude": float(row["纬度"])} if row["经度"] and row["纬度"] else {}
    return {"description": row["工作文字信息"], "place": place}


def row_facts_2026(row: dict[str, str], seed: int) -> Item:
    """A row of the web pages of 2026 in the mini-program's names; an id made up where its link holds none."""
    found = JOB_URL.search(row["url"])
    city, district, area = [*row["city"].split("·"), "", ""][:3]
    return {
        "encryptJobId": found[1] if found else identities.boss_job_id(seed, tuple(row.items())), "jobName": row["jobName"],
        "salaryDesc": row["salaryDesc"], "jobExperience": row["jobExperience"], "jobDegree": row["jobDegree"], "cityName": city,
        "districtName": district or None, "businessName": area or None, "skills": words_of(row["jobName"]),
        "brandName": row["brandName"] or "未具名公司", "brandScale": "", "brandStage": "", "jobType": job_type_of(row["salaryDesc"]),
    }  # fmt: skip


def job_type_of(salary: str) -> int:
    """The job type that a salary text hints at: by the day an internship, by hour, week or month part time, else full time."""
    return 4 if salary.endswith("元/天") else 6 if "元/" in salary else 0


def job_of_list(item: Item, city_code: int) -> Item:
    """The jobBaseInfoVO facts that a list item holds."""
    low = THOUSANDS.match(item["salaryDesc"])
    days = DAYS.match(item["jobExperience"])
    place = filter(None, (item["cityName"], item["districtName"], item["businessName"]))
    return {
        "jobId": identities.number_of(9, "boss-number", item["encryptJobId"]), "encryptJobId": item["encryptJobId"],
        "positionName": item["jobName"], "location": city_code, "locationName": item["cityName"], "areaDistrict": item["districtName"],
        "businessDistrict": item["businessName"], "locationDesc": "·".join(place), "experienceName": item["jobExperience"],
        "degreeName": item["jobDegree"], "lowSalary": int(low[1]) if low else 0, "highSalary": int(low[2]) if low else 0,
        "requiredSkills": item["skills"], "jobType": item["jobType"], "salaryDesc": item["salaryDesc"],
        "daysPerWeekDesc": days[1] if days else "", "leastMonthDesc": (days[2] or "") if days else "", "proxyJob": item["proxyJob"],
    }  # fmt: skip
