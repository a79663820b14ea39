"""Postings dressed as Boss Zhipin mini-program items, details and brands."""

from __future__ import annotations

from typing import Any

from sandbox import codes, identities
from sandbox import vocabulary as words
from sandbox.model import Entry, Firm, Item, Posting
from sandbox.pieces import hole

LOGO = "https://img.bosszhipin.com/beijin/app/mobile/normal-0e3f1e4441a21d4874cece3a3d81f0fe.png"
JOB_TYPES = {"full": 0, "intern": 4, "campus": 5, "part": 6}
SCALES = tuple(codes.BOSS_SCALE.values())
ICON = {"onlineImgUrl": "https://img.bosszhipin.com/static/online.png", "widthPx": 48, "heightPx": 16}
SAFE_REPORT = "BOSS直聘严禁用人单位和招聘者用户做出任何损害求职者合法权益的违法违规行为，您一旦发现此类行为，"


def scale_of(firm: Firm) -> str:
    """The firm's size in Boss's words."""
    return SCALES[min(firm.size, len(SCALES) - 1)]


def brand_name(firm: Firm) -> str:
    """The short name, cut with ... when long."""
    return firm.name if len(firm.name) <= 8 else firm.name[:8] + "..."


def list_item(facts: Item) -> Item:
    """A list item with every key of the real ones. `facts` gives what differs: see `facts_of`."""
    labels = [facts["jobExperience"].split(" ")[0], facts["jobDegree"], *facts["skills"][:3]]
    if facts["jobType"] == 4 and " " in facts["jobExperience"]:
        labels = [*facts["jobExperience"].split(" "), facts["jobDegree"]]
    labels = [label for label in labels if label]
    fixed: Item = {
        "jobName": "", "jobValidStatus": 1, "jobExperience": "", "jobDegree": "", "cityName": "", "districtName": None,
        "businessName": None,
        "distance": "", "lid": hole("L") + ".search." + hole("K"), "performance": "", "salaryDesc": "", "jobLabels": labels,
        "highlightJobLabels": [{"content": label, "highlight": False} for label in labels], "jobType": 0, "encryptJobId": "",
        "afterNameIcon": None, "afterNameIcons": [], "beforeNameIcons": [], "picVideoList": [], "positionName": None, "commuteInfo": None,
        "optimalTag": None, "jobSource": 0, "iconUrl": "", "brandName": "", "brandLogo": LOGO, "brandStage": "", "brandScale": "",
        "comName": None, "bossName": "", "bossTitle": "", "bossAvatar": "", "bossCert": 3, "encryptBossId": "", "activeMsg": "",
        "bossOnline": None, "proxyJob": 0, "skills": [], "welfares": [], "securityId": hole("S"), "sessionId": "", "replayRate": "",
        "contact": False,
    }  # fmt: skip
    return {**fixed, **facts}


def facts_of(posting: Posting, seed: int) -> Item:
    """What a list item tells of a synthetic posting."""
    online = {"listingOnline": ICON, "detailOnline": ICON} if posting.quirk < 0.007 else None
    intern = posting.employment == "intern"
    return {
        "jobName": posting.title,
        "jobExperience": posting.experience,
        "jobDegree": posting.education,
        "cityName": posting.city.name,
        "districtName": posting.district_name or None,
        "businessName": posting.area if posting.district >= 0 else None,
        "salaryDesc": posting.pay.text,
        "jobType": JOB_TYPES[posting.employment],
        "encryptJobId": identities.boss_job_id(seed, posting.number),
        "performance": "、".join(posting.firm.welfare[:2]) if intern or 0.9 < posting.quirk < 0.93 else "",
        "jobSource": 11 if 0.5 < posting.quirk < 0.52 else 0,
        "brandName": brand_name(posting.firm),
        "brandStage": posting.firm.stage,
        "brandScale": scale_of(posting.firm),
        "bossOnline": online,
        "skills": list(posting.skills),
        **recruiter_facts(seed, posting.number, (posting.recruiter, posting.recruiter_title)),
    }


def recruiter_facts(seed: int, number: object, recruiter: tuple[str, str]) -> Item:
    """The personal keys of a list item, made up."""
    boss_id = identities.hex_of(16, seed, "boss-person", number) + "0XJ_2tS8GFQ~"
    avatar = f"https://img.bosszhipin.com/boss/avatar/avatar_{identities.digest(number)[0] % 16}.png"
    return {"bossName": recruiter[0], "bossTitle": recruiter[1], "bossAvatar": avatar, "encryptBossId": boss_id}


def brand(firm: Firm, seed: int) -> Item:
    """The brandComInfoVO of a synthetic firm."""
    return brand_item(
        {
            "encryptBrandId": identities.boss_brand_id(seed, firm.number),
            "brandName": brand_name(firm),
            "industryName": firm.industry[2],
            "stageName": firm.stage,
            "scaleName": scale_of(firm),
            "brandIntroduce": firm.introduction,
            "introduce": firm.introduction,
            "comName": firm.full_name,
            "legalPerson": identities.recruiter_of(seed, "legal", firm.number)[0],
            "startDate": firm.founded,
            "regCapital": firm.capital,
            "statusDesc": firm.status,
            "regAddress": firm.address,
            "businessScope": firm.scope,
            "brandWelfares": [],
            "encryptComId": identities.hex_of(16, seed, "com", firm.number) + "1Xd809m5F1o~",
        }
    )


def brand_item(facts: Item) -> Item:
    """A brandComInfoVO with every key."""
    fixed: Item = {
        "encryptBrandId": "", "brandName": "", "proxyBrandName": None, "customerBrandName": None, "logo": LOGO, "industryName": "",
        "stageName": "",
        "scaleName": "", "brandIntroduce": "", "comName": "", "legalPerson": "", "startDate": "", "regCapital": "-", "statusDesc": "存续",
        "regAddress": "", "businessScope": "", "srcFromDesc": "", "srcUrl": None, "brandWelfares": [], "canJumpToBrandPage": True,
        "introduce": "",
        "encryptComId": "",
    }  # fmt: skip
    return {**fixed, **facts}


def job_item(facts: Item) -> Item:
    """A jobBaseInfoVO with every key."""
    fixed: Item = {
        "jobId": 0, "encryptJobId": "", "expectId": 0, "jobValidStatus": 1, "deleted": 0, "position": 100901, "positionName": "",
        "positionCategory": "", "location": 0, "locationName": "", "areaDistrict": None, "businessDistrict": None, "locationDesc": "",
        "experienceName": "", "degreeName": "", "lowSalary": 0, "highSalary": 0, "jobDesc": "", "requiredSkills": [], "address": "",
        "longitude": 0.0, "latitude": 0.0, "staticMapUrl": "https://img.bosszhipin.com/beijin/amap/staticMap/0", "pcStaticMapUrl":
        "https://img.bosszhipin.com/beijin/amap/staticMap/1", "salaryMonth": 0, "performance": "", "salarySchemeDesc": None, "jobType": 0,
        "jobSource": 0, "daysPerWeekDesc": "", "leastMonthDesc": "", "salaryDesc": "", "salaryDescAppend": None, "salaryDetail": None,
        "afterNameIcon": None, "afterNameIcons": [], "proxyJob": 0, "proxyType": 0, "anonymous": 0, "salaryType": 0,
        "newAddressTypeDesc": "",
        "recruitNumDesc": "", "jobSkills": None, "jobTemplateModule": None, "blueCollarPosition": False, "graduateYearDesc": None,
        "recruitEndTimeDesc": None,
    }  # fmt: skip
    return {**fixed, **facts}


def job_of(posting: Posting, seed: int) -> Item:
    """The jobBaseInfoVO of a synthetic posting."""
    place = [posting.city.name, *([posting.district_name, posting.area] if posting.district >= 0 else [])]
    intern = posting.employment == "intern" and " " in posting.experience
    days, months = posting.experience.split(" ") if intern else ("", "")
    return job_item(
        {
            "jobId": identities.number_of(9, seed, "boss-number", posting.number),
            "encryptJobId": identities.boss_job_id(seed, posting.number),
            "position": posting.family.boss_code,
            "positionName": posting.title,
            "positionCategory": posting.family.name,
            "location": int(posting.city.boss),
            "locationName": posting.city.name,
            "areaDistrict": posting.district_name or None,
            "businessDistrict": posting.area if posting.district >= 0 else None,
            "locationDesc": "·".join(place),
            "experienceName": posting.experience,
            "degreeName": posting.education,
            "lowSalary": (posting.pay.low or 0) // 1000,
            "highSalary": (posting.pay.high or 0) // 1000,
            "jobDesc": posting.description,
            "requiredSkills": list(posting.skills),
            "address": posting.firm.address if posting.city is posting.firm.city else posting.city.name + posting.district_name,
            "longitude": posting.longitude,
            "latitude": posting.latitude,
            "jobType": JOB_TYPES[posting.employment],
            "daysPerWeekDesc": days,
            "leastMonthDesc": months,
            "salaryDesc": posting.pay.text,
            "graduateYearDesc": "2026年" if posting.employment == "campus" else None,
        }
    )


def detail_page(job: Item, brand_facts: Item, recruiter: tuple[str, str], related: list[Item] | None) -> Item:
    """The zpData of a detail answer, holes where ids differ per response."""
    person = int.from_bytes(identities.digest(job["encryptJobId"])[:4], "big")
    active = words.BOSS_ACTIVE[person % len(words.BOSS_ACTIVE)]
    boss: Item = {
        "encryptBossId": identities.hex_of(16, "boss-person", person) + "0XJ_2tS8GFQ~", "bossId": person, "securityId": hole("S"),
        "name": recruiter[0], "tinyAvatar": "https://img.bosszhipin.com/boss/avatar/avatar_1.png", "title": recruiter[1],
        "activeTimeDesc": active, "activeTime": 1_697_000_000_000 + person % 10**9, "bossOnline": person % 20 == 0,
        "brandName": brand_facts["brandName"], "disableBossInfo": False,
    }  # fmt: skip
    return {
        "pageType": 0, "securityId": hole("S"), "bossBaseInfoVO": boss, "jobBaseInfoVO": job, "brandComInfoVO": brand_facts,
        "relationInfoVO": {"interested": False, "applyJobDirectlyStyle": 0, "friend": False},
        "relatedJobInfo": {"relatedJobList": related}, **page_margins(),
    }  # fmt: skip


def page_margins() -> dict[str, Any]:
    """The keys of a detail answer that never differ."""
    report: Item = {
        "name": SAFE_REPORT + "请立即举报", "code": SAFE_REPORT, "hlname": "请立即举报",
        "highlightList": [{"startIndex": len(SAFE_REPORT), "endIndex": len(SAFE_REPORT) + 5}],
    }  # fmt: skip
    home: Item = {"status": 0, "longitude": 0, "latitude": 0, "poiTitle": None, "address": None, "distanceDesc": "距离我的住址 ··· 千米"}
    tip = {
        "title": "BOSS安全提示", "safeReport": report, "riskTip": None, "safeGuidTip": "了解更多职场安全防范知识",
        "safeGuidUrl": "https://m.zhipin.com/mpa/html/mix/safe-guid",
    }  # fmt: skip
    return {
        "safeTipInfo": tip, "workEnvironment": None, "bannerList": None, "commitment": None, "homeAddressInfo": home,
        "handicappedInfo": None,
        "highlightInfo": None, "atsOnlineApplicationInfo": None, "showGroupTip": False,
    }  # fmt: skip


def facets_of(experience: str, degree: str, low: int | None, firm_words: tuple[str, str], job_type: int) -> dict[str, tuple[str, ...]]:
    """The filter codes under which a posting is found. `low` in yuan a month, `firm_words` = (scale, stage)."""
    scale = next((code for code, words_ in codes.BOSS_SCALE.items() if words_ == firm_words[0]), "")
    stage = next((code for code, words_ in codes.BOSS_STAGE.items() if words_ == firm_words[1]), "")
    return {
        "experience": (codes.code_of(codes.BOSS_EXPERIENCE, experience),),
        "degree": (codes.code_of(codes.BOSS_DEGREE, degree),),
        "salary": (codes.band_of(codes.BOSS_SALARY, low / 1000 if low else None),),
        "scale": (scale,),
        "stage": (stage,),
        "jobType": ("1903" if job_type == 6 else "1901",),
    }


def entry_of(posting: Posting, seed: int) -> Entry:
    """A synthetic posting on the Boss shelf."""
    related = posting.quirk > 0.96
    recruiter = (posting.recruiter, posting.recruiter_title)

    def detail() -> Item:
        return detail_page(job_of(posting, seed), brand(posting.firm, seed), recruiter, None if related else [])

    firm = (scale_of(posting.firm), posting.firm.stage)
    return Entry(
        job_id=identities.boss_job_id(seed, posting.number),
        company_id=identities.boss_brand_id(seed, posting.firm.number),
        haystack=" ".join((posting.title, *posting.skills, posting.family.name, posting.description)).lower(),
        areas=(posting.city.boss,),
        facets=facets_of(posting.experience, posting.education, posting.pay.low, firm, JOB_TYPES[posting.employment]),
        item=lambda: list_item(facts_of(posting, seed)),
        detail=detail,
        tags=(posting.family.name, *posting.skills),
    )
