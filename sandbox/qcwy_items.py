"""Postings dressed as 51job search items: all 83 keys, with their types, oddities and tracking strings."""

from __future__ import annotations

import json
import time
from typing import Any

from sandbox import codes, identities, wording
from sandbox import vocabulary as words
from sandbox.model import Entry, Firm, Item, Posting
from sandbox.pieces import hole, quoted

SIZES = tuple(codes.QCWY_SIZE.values())
LOGO = "https://img04.51jobcdn.com/im/mkt/app/51job_phone/app/homelogo/home_logo_default.png"
LABELS = (("高新技术企业", "hi_tech"), ("科技型中小企业", "technical_sme"), ("B轮融资", "financing_turn"))
MEDALS = ((0.049, "新锐招聘官", "1"), (0.05, "卓越招聘官", "2"), (0.0502, "王者招聘官", "3"))
RECRUITER_KEYS = (
    "hrUid", "hrName", "smallHrLogoUrl", "hrPosition", "hrMedalTitle", "hrMedalLevel", "showHrMedalTitle", "hrIsOnline", "isOnline",
    "hasHrMobile",
)  # fmt: skip


def tracking(job_type: str) -> str:
    """The JSON text inside `property`, holes for keyword (k), rank (K), page (P) and request id (R)."""
    facts = {
        "isInitiative": "是", "pageCode": "sou|sou|soulb", "shortPageCode": "sou|sou|soulb", "searchType": "手动搜索职位",
        "jobRank": hole("K"),
        "policyId": '{"layer_rank_v23":"2099_2"}', "keyword": hole("k"), "pageNum": hole("P"), "requestId": hole("R"), "jobType": job_type,
    }  # fmt: skip
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"))


def scheme(job_id: str, job_type: str) -> str:
    """The app link, which holds the tracking text once more, url-encoded (keyword hole q)."""
    text = quoted(tracking(job_type).replace(hole("k"), hole("q")))
    return f"qiancheng://home/show_job_info?jobid={job_id}&property={text}"


def links(job_id: str, area: str, job_type: str) -> Item:
    """The keys that carry the request's trail."""
    return {
        "property": tracking(job_type),
        "jobHref": f"https://jobs.51job.com/{area}/{job_id}.html?s=sou_sou_soulb&t={job_type}_0&req={hole('R')}",
        "jobScheme": scheme(job_id, job_type),
    }


def when(stamp: int) -> str:
    """YYYY-MM-DD HH:MM:SS in China."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(stamp + 8 * 3600))


def recruiter_facts(seed: object, number: object, quirk: float) -> Item:
    """The ten recruiter keys, made up; {} for the 2 in 100 postings that have none."""
    if quirk < 0.02:
        return {}
    name, title = identities.recruiter_of(seed, number)
    medal = next(((text, level) for least, text, level in MEDALS if quirk < least), ("", ""))
    return {
        "hrUid": str(identities.number_of(9, seed, "hr", number)), "hrName": name,
        "smallHrLogoUrl": "https://img01.51jobcdn.com/im/mkt/hr/avatar_small.png", "hrPosition": title, "hrMedalTitle": medal[0],
        "hrMedalLevel": medal[1], "showHrMedalTitle": True, "hrIsOnline": quirk > 0.997, "isOnline": quirk > 0.997,
        "hasHrMobile": quirk < 0.98,
    }  # fmt: skip


def optional_facts(posting: Posting) -> Item:
    """Keys that real items lack now and then, at about the real rates."""
    quirk, trade = posting.quirk, posting.firm.industry
    facts: Item = {}
    if quirk > 0.35:
        facts["hrLabels"] = ["简历处理快", "今日活跃", "回复率高"][: 1 + posting.number % 3]
    if quirk > 0.984:
        facts["hrActiveStatusGreen"] = "刚刚活跃" if posting.number % 4 else "当前活跃"
    if quirk > 0.05:
        shown = LABELS[: posting.number % 4]
        facts["sesameLabelList"] = [{"labelName": name, "labelCode": code, "labelDefinition": f"企业获评{name}"} for name, code in shown]
    if not 0.5 < quirk < 0.501:
        facts["companyIndustryType1Str"] = trade[0]
    if posting.firm.number % 5:
        facts["companyIndustryType2Str"] = words.INDUSTRIES[posting.firm.number % len(words.INDUSTRIES)][0]
    if is_ad(posting):
        facts.update(isAd=True, adId="")
    return facts


def is_ad(posting: Posting) -> bool:
    """Whether the posting is a promoted one: 6 in 1000."""
    return 0.6 < posting.quirk < 0.606


def place_facts(posting: Posting) -> Item:
    """Area names, codes and links of a posting."""
    city, district = posting.city, posting.district
    work_code = area_code(posting)
    odd = 0.7 < posting.quirk < 0.76  # the two area codes may disagree
    detail = {
        "provinceCode": city.qcwy[:2] + "0000", "provinceString": city.name, "cityCode": city.qcwy, "cityString": city.name,
        **({"districtString": posting.district_name, "landMarkString": ""} if district >= 0 else {}),
    }  # fmt: skip
    pinyin = f"{city.pinyin}-d{district}" if district >= 0 else city.pinyin
    facts: Item = {
        "workAreaCode": work_code,
        "jobAreaCode": city.qcwy if odd else work_code,
        "jobAreaString": "·".join(filter(None, (city.name, posting.district_name))),
        "hrefAreaPinYin": pinyin,
        "lon": "0.000000" if 0.3 < posting.quirk < 0.314 else f"{posting.longitude:.6f}",
        "lat": "0.000000" if 0.3 < posting.quirk < 0.314 else f"{posting.latitude:.6f}",
    }
    return facts if 0.4 < posting.quirk < 0.4014 else {**facts, "jobAreaLevelDetail": detail}


def area_code(posting: Posting) -> str:
    """The district's code inside the city's (xx0000 or xxxx00)."""
    city = posting.city.qcwy
    if posting.district < 0:
        return city
    return f"{city[:2]}{posting.district + 1:02d}00" if city.endswith("0000") else f"{city[:4]}{posting.district + 1:02d}"


def company_facts(firm: Firm, seed: int) -> Item:
    """What an item tells of its company."""
    company_id = identities.qcwy_company_id(seed, firm.number)
    unsized = firm.number % 97 == 0
    return {
        "encCoId": company_id, "companyName": firm.name, "fullCompanyName": firm.full_name, "companyLogo": LOGO,
        "companyTypeString": firm.kind, "companySizeString": "" if unsized else SIZES[firm.size],
        "companySizeCode": "" if unsized else str(firm.size + 1), "companyHref": f"https://jobs.51job.com/all/co{company_id}.html",
        "coId": str(identities.number_of(7, seed, "co", firm.number)), "ctmId": identities.number_of(7, seed, "ctm", firm.number),
        "industryType1": firm.industry[1], "industryType1Str": firm.industry[0],
        "industryType2": "" if firm.number % 5 == 0 else words.INDUSTRIES[firm.number % len(words.INDUSTRIES)][1],
        "industryType2Str": "" if firm.number % 5 == 0 else words.INDUSTRIES[firm.number % len(words.INDUSTRIES)][0],
    }  # fmt: skip


def switches_of(posting: Posting) -> dict[str, Any]:
    """The flags and constants of an item."""
    quirk = posting.quirk
    ad = ",super_exposure_rec" if is_ad(posting) else ""
    retriever = "JobTermBasedRetriever" + ad
    extra = {"retrieverName": retriever, "referJobId": "", "intentions": "", "adExtendFunc": "", "adExtendCity": ""}
    return {
        "isCommunicate": False, "isFromXyx": quirk < 0.02, "isIntern": posting.employment == "intern",
        "isModelEmployer": posting.firm.number % 18 == 0,
        "isQuickFeedback": posting.number % 7 == 0, "isPromotion": posting.number % 28 == 0, "isApply": False, "isExpire": False,
        "allowChatOnline": False, "isRemoteWork": 0.81 < quirk < 0.811, "isAllowChat": quirk > 0.03,
        "hrInfoType": 0 if quirk > 0.02 else 2 - (posting.number % 15 == 0), "term": "1" if posting.employment == "part" else "0",
        "termStr": "兼职" if posting.employment == "part" else "全职", "landmarkId": "", "landmarkString": "", "retrieverName": retriever,
        "exrInfo02": json.dumps(extra, separators=(",", ":")), "contactAllowed": "0" if quirk > 0.25 else "", "contactDay": "",
        "contactTime": "",
        "major1Str": "", "major2Str": "", "funcType2Code": "",
    }  # fmt: skip


def item_of(posting: Posting, seed: int) -> Item:
    """The search item of a synthetic posting, every key in it (but the optional ones)."""
    job_id, job_type = job_id_of(posting, seed), "16" if is_ad(posting) else "0"
    tags = [text for text in (posting.experience, posting.education) if text] + [*posting.skills, *posting.firm.welfare]
    welfare = [
        {"code": str(100_800 + i), "chineseTitle": text, "englishTitle": "", "typeCode": "10035", "typeTitle": "福利待遇"}
        for i, text in enumerate(posting.firm.welfare)
    ]
    low, high = posting.pay.low, posting.pay.high
    place = place_facts(posting)
    return {
        **links(job_id, place["hrefAreaPinYin"], job_type), "jobId": job_id, "jobType": job_type, "jobName": posting.title, "jobTags": tags,
        "jobTagsForOrder": tags, "jobNumString": ("若干", "1", "2", "5")[posting.number % 4] if posting.quirk > 0.98 else "", **place,
        "provideSalaryString": posting.pay.text, "jobSalaryMin": "" if low is None else str(low),
        "jobSalaryMax": "" if high is None else str(high),
        "issueDateString": when(posting.published), "confirmDateString": when(posting.published - 86_400),
        "updateDateTime": when(posting.published - 3_600), "workYear": wording.qcwy_years(posting.experience),
        "workYearString": posting.experience,
        "degreeString": posting.education, "funcType1Code": posting.family.qcwy_code, **company_facts(posting.firm, seed),
        **switches_of(posting), "jobDescribe": describe(posting), "jobWelfareCodeDataList": welfare,
        **recruiter_facts(seed, posting.number, posting.quirk), **optional_facts(posting),
    }  # fmt: skip


def describe(posting: Posting) -> str:
    """The description; a fifth of the real ones break lines with \\r\\n."""
    return posting.description.replace("\n", "\r\n") if posting.number % 5 == 0 else posting.description


def job_id_of(posting: Posting, seed: int) -> str:
    """Nine digits, unique in the catalogue."""
    return str(150_000_000 + posting.number * 37 + seed % 37)


def facets_of(item: Item) -> dict[str, tuple[str, ...]]:
    """The filter codes under which an item is found, read off the item itself."""
    low = item["jobSalaryMin"]
    return {
        "function": tuple(code for code in (item["funcType1Code"], item["funcType2Code"]) if code),
        "industry": tuple(code for code in (item["industryType1"], item["industryType2"]) if code),
        "salary": (codes.band_of(codes.QCWY_SALARY, int(low) / 1000 if low else None),),
        "workYear": (codes.qcwy_years_code(item["workYearString"]),),
        "degree": (codes.qcwy_degree_code(item["degreeString"]),),
        "companySize": (codes.qcwy_size_code(item["companySizeString"]),),
        "companyType": (codes.qcwy_kind_code(item["companyTypeString"]),),
        "jobType": ("02" if item["termStr"] == "兼职" else "03" if item["isIntern"] else "01",),
    }


def entry_of(posting: Posting, seed: int) -> Entry:
    """A synthetic posting on the 51job shelf."""
    item = item_of(posting, seed)
    return Entry(
        job_id=item["jobId"],
        company_id=item["encCoId"],
        haystack=" ".join((posting.title, *item["jobTags"], posting.family.name, posting.description)).lower(),
        areas=tuple(dict.fromkeys((item["jobAreaCode"], item["workAreaCode"]))),
        facets=facets_of(item),
        item=lambda: item,
        tags=(posting.family.name, *posting.skills),
        is_ad=is_ad(posting),
    )
