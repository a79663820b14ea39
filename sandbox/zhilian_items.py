"""Postings dressed as Zhilian positions: the current list item, the 2018 item, ad cards, position and company details."""

from __future__ import annotations

import json
from typing import Any

from sandbox import codes, identities
from sandbox.model import Entry, Firm, Item, Posting
from sandbox.qcwy_items import when

SIZES = tuple(codes.ZHILIAN_SIZE.values())
KINDS = ("民营", "国企", "外商独资", "合资", "股份制企业", "上市公司")
OLD_EDUCATION = {"中专/中技": "中专", "学历不限": "不限"}
OLD_EXPERIENCE = {"经验不限": "不限", "无经验": "无经验"}
LOGO = "https://fileihr.zhaopin.com/logo/default.jpg"


def size_of(firm: Firm) -> str:
    """The firm's size in Zhilian's words."""
    return SIZES[min(firm.size, len(SIZES) - 1)]


def html_of(text: str) -> str:
    """A description as Zhilian sends it: one div a line."""
    return "".join(f"<div>{line or '<br>'}</div>" for line in text.split("\n"))


def facts_of(posting: Posting, seed: int) -> Item:
    """What is known of a synthetic posting, in neutral keys that every shape below is made from."""
    firm, low, high = posting.firm, posting.pay.low, posting.pay.high
    company = identities.zhilian_company_id(seed, firm.number)
    months = posting.pay.text.split("·")[1] if "·" in posting.pay.text else ""
    return {
        "number": identities.zhilian_job_id(company, posting.number), "name": posting.title, "salary60": posting.pay.text,
        "salaryReal": "" if low is None else f"{low}-{high}", "salaryCount": months, "workCity": posting.city.name,
        "cityId": posting.city.zhilian, "cityDistrict": posting.district_name.removesuffix("区"),
        "streetName": posting.area if posting.district >= 0 and posting.quirk > 0.13 else "",
        "education": posting.education, "workingExp": posting.experience,
        "workType": {"intern": "实习", "part": "兼职", "campus": "校园"}.get(
            posting.employment, "全职"), "companyName": firm.full_name, "companyNumber": company, "companySize": size_of(firm),
        "property": "民营" if firm.number % 5 else KINDS[firm.number // 5 % 6], "industryName": firm.industry[2],
        "financing": firm.stage or "未融资",
        "publishTime": when(posting.published), "description": posting.description, "introduction": firm.introduction,
        "recruitNumber": posting.recruits, "skills": list(posting.skills), "welfare": list(firm.welfare), "category": posting.family.name,
        "categoryCode": posting.family.zhilian_code, "address": firm.address, "longitude": f"{posting.longitude:.6f}",
        "latitude": f"{posting.latitude:.6f}", "recruiter": (posting.recruiter, posting.recruiter_title), "quirk": posting.quirk,
        "recruiterSeed": seed,
    }  # fmt: skip


def url_of(number: str) -> str:
    """The page of a position."""
    return f"http://jobs.zhaopin.com/{number}.htm"


def staff_of(facts: Item) -> Item:
    """A made-up recruiter's card."""
    name, title = facts["recruiter"]
    number = identities.number_of(10, facts["recruiterSeed"], "staff", facts["number"])
    return {
        "id": number, "staffName": name, "hrJob": title, "avatar": f"https://rd5-pub.zhaopin.cn/imgs/staff/{number % 50}.png",
        "hrOnlineState": "刚刚在线", "hrStateInfo": "今日回复10+次", "lastOnlineTime": 1_760_000_000_000 + number % 10**9,
    }  # fmt: skip


def item_of(facts: Item) -> Item:
    """The list item of POST /c/i/search/positions."""
    number = facts["number"]
    names = {"positionUrl" if 0.2 < facts["quirk"] < 0.3 else "positionURL": url_of(number)}
    skills = [{"state": 0, "value": text} for text in facts["skills"]]
    card = {
        "address": " ".join(filter(None, (facts["workCity"], facts["streetName"]))),
        "companyName": facts["companyName"],
        "salary60": facts["salary60"],
    }
    item: Item = {
        "number": number, "jobId": identities.number_of(9, "zl-job", number),
        "companyId": identities.number_of(8, "zl-co", facts["companyNumber"]),
        "companyRootId": identities.number_of(8, "zl-co", facts["companyNumber"]), "name": facts["name"], "salary60": facts["salary60"],
        "salaryReal": facts["salaryReal"], "salaryCount": facts["salaryCount"], "salaryType": 0, "workCity": facts["workCity"],
        "cityDistrict": facts["cityDistrict"], "streetName": facts["streetName"], "tradingArea": "", "cityId": facts["cityId"],
        "streetId": "",
        "education": facts["education"], "workingExp": facts["workingExp"], "workType": facts["workType"], "workTypeCode": "2",
        "companyName": facts["companyName"], "companyNumber": facts["companyNumber"], "rootCompanyNumber": facts["companyNumber"],
        "companySize": facts["companySize"], "companyUrl": f"http://company.zhaopin.com/{facts['companyNumber']}.htm", "companyLogo": LOGO,
        "property": facts["property"], "propertyName": facts["property"], "propertyCode": codes_of_kind(facts["property"]),
        "industryName": facts["industryName"], "industryCompanyTags": [], "industryTags": [],
        "financingStage": {"code": 1, "name": facts["financing"]}, **names, "publishTime": facts["publishTime"],
        "firstPublishTime": facts["publishTime"], "jobSummary": facts["description"][:60].replace("\n", ""),
        "recruitNumber": facts["recruitNumber"], "skillLabel": skills,
        "jobSkillTags": [{"id": i, "name": s["value"], "standard": True} for i, s in
        enumerate(skills)], "showSkillTags": [{"tag": s["value"], "highlightColor": ""} for s in skills],
        "welfareLabel": [{"state": 0, "value": text} for text in facts["welfare"]], "welfareTagList": facts["welfare"],
        "jobKnowledgeWelfareFeatures": facts["welfare"][:3], "needMajor": [], "positionHighlight": "", "positionCommercialLabel": [],
        "companyScaleTypeTagsNew": [], "subJobTypeLevel": facts["categoryCode"], "subJobTypeLevelName": facts["category"],
        "staffCard": staff_of(facts), "matchInfo": {"matched": 0, "icon": "", "tagState": 0}, "jobHitReason": "", "recallSign": "",
        "liveCard": None, "chatWindow": 1, "applyType": "1", "menVipLevel": 0, "distance": 0, "rpoProxied": False,
        "hasAppliedPosition": False,
        "positionSourceType": 1, "positionSourceTypeUrl": "", "isUrgent": False, "uuid": identities.hex_of(32, number), "cardType": 0,
        "cardCustomJson": json.dumps(card, ensure_ascii=False, separators=(",", ":")),
    }  # fmt: skip
    return item if facts["quirk"] > 0.85 else {**item, "jobDetailData": detail_data(facts)}


def codes_of_kind(kind: str) -> str:
    """The code of a company's kind; "" when unknown."""
    return next((code for code, words in codes.ZHILIAN_KIND.items() if words == kind), "")


def detail_data(facts: Item) -> dict[str, Any]:
    """jobDetailData: the whole description inside the list item."""
    number = facts["number"]
    position = {
        "base": {
            "positionName": facts["name"], "positionNumber": number, "positionUrl": url_of(number), "salary": facts["salary60"],
            "education": facts["education"], "positionWorkingExp": facts["workingExp"], "workType": facts["workType"],
            "recruitNumber": facts["recruitNumber"], "deliveryPath": "",
        },
        "desc": {"description": html_of(facts["description"]), "labels": facts["skills"]},
        "workLocation": {
            "address": facts["address"], "workAddress": facts["address"], "positionCityId": facts["cityId"], "latitude": facts["latitude"],
            "longitude": facts["longitude"], "staticMapUrl": "",
        },
        "jobType": {
            "jobTypeLevel": facts["categoryCode"][:10], "jobTypeLevelName": facts["category"], "subJobTypeLevel": facts["categoryCode"],
            "subJobTypeLevelName": facts["category"],
        },
        "other": {"welfare": facts["welfare"], "jobKeyword": facts["skills"]},
    }  # fmt: skip
    return {
        "position": position,
        "company": {"base": {"introduce": facts["introduction"]}},
        "staff": staff_of(facts),
        "stateInfo": {"jobStatus": 3},
    }


def position_detail(facts: Item) -> Item:
    """The data of GET /c/i/jobs/position-detailv2."""
    company = {
        "companyName": facts["companyName"], "companyNumber": facts["companyNumber"], "companySize": facts["companySize"],
        "companyDescription": facts["introduction"], "companyUrl": f"http://company.zhaopin.com/{facts['companyNumber']}.htm",
        "companyLogo": LOGO, "videoUrl": "", "industry": facts["industryName"], "industryNameLevel": facts["industryName"],
        "industryCode": "",
        "financingStageName": facts["financing"], "property": facts["property"], "menVipUrl": "", "menVipLevel": 0,
        "url": f"http://company.zhaopin.com/{facts['companyNumber']}.htm", "bestEmployerType": 0,
    }  # fmt: skip
    html = html_of(facts["description"])
    position = {
        "number": facts["number"], "positionNumber": facts["number"], "name": facts["name"], "positionName": facts["name"],
        "salary60": facts["salary60"], "workingExp": facts["workingExp"], "positionWorkingExp": facts["workingExp"],
        "education": facts["education"],
        "workCity": facts["workCity"], "positionWorkCity": facts["workCity"], "cityId": facts["cityId"],
        "cityDistrict": facts["cityDistrict"],
        "positionCityDistrict": facts["cityDistrict"], "jobDesc": html, "jobDescPC": html, "workAddress": facts["address"],
        "latitude": facts["latitude"], "longitude": facts["longitude"], "publishTime": facts["publishTime"],
        "positionPublishTime": facts["publishTime"], "recruitNumber": facts["recruitNumber"], "workType": facts["workType"],
        "skillLabel": [{"state": 0, "value": text} for text in facts["skills"]],
        "welfareLabel": [{"state": 0, "value": text} for text in facts["welfare"]], "jobTypeLevelName": facts["category"], "subJobType": "",
        "companyName": facts["companyName"], "companyNumber": facts["companyNumber"], "jobStatus": 3, "applyType": "1", "futureJob": False,
        "chatWindow": 0, "url": url_of(facts["number"]), "menVipUrl": "", "menVipLevel": 0, "industryCode": "", "bestEmployerType": 0,
        "bestEmployerLabel": [], "staff": staff_of(facts),
    }  # fmt: skip
    return {"positionFeedback": {"display": False, "averageTime": None, "lastSignInTime": None}, "detailedPosition": position,
            "detailedCompany": company, "taskId": identities.hex_of(32, "task", facts["number"])}  # fmt: skip


def old_item(facts: Item) -> Item:
    """The same posting as an item of the 2018 era (GET /c/i/sou)."""
    low, _, high = facts["salaryReal"].partition("-")
    pay = f"{int(low) / 1000:g}K-{int(high) / 1000:g}K" if high else "薪资面议"
    education = OLD_EDUCATION.get(facts["education"], facts["education"])
    years = OLD_EXPERIENCE.get(facts["workingExp"], facts["workingExp"])
    place = "-".join(filter(None, (facts["workCity"], facts["cityDistrict"] and facts["cityDistrict"] + "区")))
    return {
        "number": facts["number"],
        "jobType": {"items": [{"code": facts["categoryCode"], "name": facts["category"]}], "display": facts["category"]},
        "company": {
            "number": facts["companyNumber"], "url": f"https://company.zhaopin.com/{facts['companyNumber']}.htm",
            "name": facts["companyName"],
            "size": {"code": size_code(facts["companySize"]), "name": facts["companySize"]},
            "type": {"code": codes_of_kind(facts["property"]), "name": facts["property"]},
        },
        "positionURL": url_of(facts["number"]),
        "workingExp": {"code": codes.code_of(codes.ZHILIAN_EXPERIENCE, facts["workingExp"]), "name": years},
        "eduLevel": {"code": codes.code_of(codes.ZHILIAN_EDUCATION, facts["education"]), "name": education}, "salary": pay,
        "emplType": facts["workType"], "jobName": facts["name"], "industry": "", "recruitCount": facts["recruitNumber"],
        "geo": {"lat": facts["latitude"], "lon": facts["longitude"]},
        "city": {"items": [{"code": facts["cityId"], "name": facts["workCity"]}], "display": place}, "applyType": "1",
        "updateDate": facts["publishTime"], "createDate": facts["publishTime"], "endDate": facts["publishTime"],
        "welfare": facts["welfare"],
        "saleType": 0, "feedbackRation": 0.6, "score": 600.5, "resumeCount": 10, "showLicence": 0, "interview": 0, "companyLogo": LOGO,
        "tags": [],
        "vipLevel": 1002, "expandCount": 0, "positionLabel": "", "duplicated": False, "futureJob": False, "selected": False,
        "applied": False,
        "collected": False, "isShow": False, "timeState": "最新", "rate": "60%",
    }  # fmt: skip


def size_code(size: str) -> str:
    """The code of a company size; "" when unknown."""
    return next((code for code, words in codes.ZHILIAN_SIZE.items() if words == size), "")


def ad_card(number: int) -> Item:
    """A list element that is no posting."""
    return {"adResponse": {"adId": number, "title": "广告"}, "liveCard": {}}


def facets_of(facts: Item) -> dict[str, tuple[str, ...]]:
    """The filter codes under which a posting is found."""
    low = facts["salaryReal"].partition("-")[0]
    return {
        "S_SOU_WORK_EXPERIENCE": (codes.code_of(codes.ZHILIAN_EXPERIENCE, facts["workingExp"]),),
        "S_SOU_EDUCATION": (codes.code_of(codes.ZHILIAN_EDUCATION, facts["education"]),),
        "S_SOU_COMPANY_SIZE": (size_code(facts["companySize"]),),
        "S_SOU_COMPANY_TYPE": (codes_of_kind(facts["property"]),),
        "S_SOU_COMPANY_ID": (facts["companyNumber"],),
        "salary": (low,),
    }


def entry_from(facts: Item, old: Item | None = None) -> Entry:
    """An entry on the Zhilian shelf from neutral facts; `old` = a captured 2018 item served as it is."""
    text = (facts["name"], *facts["skills"], facts["category"], facts["description"])
    entry = Entry(
        job_id=facts["number"],
        company_id=facts["companyNumber"],
        haystack=" ".join(text).lower(),
        areas=(facts["cityId"],),
        facets=facets_of(facts),
        item=lambda: item_of(facts),
        detail=lambda: position_detail(facts),
        tags=(facts["category"], *facts["skills"]),
    )
    entry.cache["old"] = (lambda: old) if old else (lambda: old_item(facts))
    return entry


def entry_of(posting: Posting, seed: int) -> Entry:
    """A synthetic posting on the Zhilian shelf."""
    return entry_from(facts_of(posting, seed))
