"""What Boss Zhipin's items hold: list item, detail page and brand, in the names of the mini-program and of the web, as tables."""

from __future__ import annotations

import re
from typing import Any

from jobschema import Employment
from jobspiders.platforms.base import RawCompany, RawJob, Reject
from jobspiders.platforms.privacy import strip_personal
from jobspiders.platforms.shapes import (
    Need,
    Rule,
    Shape,
    as_degrees,
    as_identifier,
    as_plain_text,
    as_texts,
    as_whole,
)

# Meaning inferred from the salaries of captured postings (4: per day, with days a week; 6: per hour).
_EMPLOYMENT = {0: Employment.FULL_TIME, 4: Employment.INTERN, 5: Employment.CAMPUS, 6: Employment.PART_TIME}
_INTERN_LABEL = re.compile(r"\d+天/周|\d+个月")

_LIST_ITEM = Shape(
    [
        Rule("job_id", "encryptJobId|encryptId", need=Need.FILLED),
        Rule("title", "jobName", need=Need.FILLED),
        Rule("salary_text", "salaryDesc|jobSalary", need=Need.PRESENT),
        Rule("experience_text", "jobExperience", need=Need.PRESENT),
        Rule("education_text", "jobDegree", need=Need.PRESENT),
        Rule("company_name", "brandName", need=Need.PRESENT),
        Rule("city", "cityName", need=Need.PRESENT),
        Rule("city_code", "city", as_identifier),
        Rule("district", "districtName|areaDistrict"),
        Rule("area", "businessName|businessDistrict"),
        Rule("company_id", "encryptBrandId"),
        Rule("industry", "brandIndustry"),
        Rule("skills", "skills", as_texts),
        Rule("welfare", "welfares|welfareList", as_texts),
        Rule("longitude", "gps.longitude", as_degrees),
        Rule("latitude", "gps.latitude", as_degrees),
        Rule("updated_text", "lastModifyTime", as_identifier),
        Rule("labels", "jobLabels", as_texts),
        Rule("job_type", "jobType", as_whole),
        Rule("securityId", "securityId"),
        Rule("lid", "lid"),
    ]
)

# Mini-program `jobBaseInfoVO`, web `jobInfo`.
_DETAIL = Shape(
    [
        Rule("job_id", "encryptJobId|encryptId", need=Need.FILLED),
        Rule("title", "positionName|jobName", need=Need.FILLED),
        Rule("salary_text", "salaryDesc", need=Need.PRESENT),
        Rule("experience_text", "experienceName", need=Need.PRESENT),
        Rule("education_text", "degreeName", need=Need.PRESENT),
        Rule("description", "jobDesc|postDescription", as_plain_text, need=Need.PRESENT),
        Rule("city", "locationName"),
        Rule("city_code", "location", as_identifier),
        Rule("district", "areaDistrict"),
        Rule("area", "businessDistrict"),
        Rule("address", "address"),
        Rule("longitude", "longitude", as_degrees),
        Rule("latitude", "latitude", as_degrees),
        Rule("skills", "requiredSkills|showSkills", as_texts),
        Rule("recruits_text", "recruitNumDesc"),
        Rule("job_type", "jobType", as_whole),
        Rule("days", "daysPerWeekDesc"),
        Rule("months", "leastMonthDesc"),
    ]
)

# `brandComInfoVO` of a detail, web `brandComInfo`, and (as far as is known) the brand page itself.
_BRAND = Shape(
    [
        Rule("company_id", "encryptBrandId|brandId", need=Need.FILLED),
        Rule("name", "brandName|name|comName", need=Need.FILLED),
        Rule("full_name", "comName"),
        Rule("industry", "industryName|brandIndustry"),
        Rule("size_text", "scaleName|brandScaleName|brandScale"),
        Rule("stage", "stageName|brandStageName|brandStage"),
        Rule("address", "regAddress|address"),
        Rule("introduction", "introduce|brandIntroduce", as_plain_text),
        Rule("capital_text", "regCapital"),
        Rule("founded_text", "startDate"),
        Rule("status", "statusDesc"),
        Rule("business_scope", "businessScope"),
    ]
)
_BRAND_KEYS_OF_ITEM = (
    "encryptBrandId",
    "brandName",
    "brandLogo",
    "brandStage",
    "brandStageName",
    "brandScale",
    "brandScaleName",
    "brandIndustry",
    "comName",
)


def job_url(job_id: str) -> str:
    """The posting's page."""
    return f"https://www.zhipin.com/job_detail/{job_id}.html"


class BossItemReader:
    """Reads the elements of `zpData.list` (mini-program) and `zpData.jobList` (web)."""

    def __init__(self, keeps_personal: bool) -> None:
        self._keeps_personal = keeps_personal

    def is_ad(self, item: dict[str, Any]) -> bool:  # noqa: ARG002
        """Boss mixes no advertisements into its lists."""
        return False

    def read_job(self, item: dict[str, Any]) -> RawJob | Reject:
        """The posting of a list item; its handle holds what the detail call needs."""
        values = _LIST_ITEM.values(item)
        if isinstance(values, Reject):
            return Reject(values.reason, _shown_id(item), values.value)
        labels = [label for label in values.pop("labels", ()) if _INTERN_LABEL.search(label)]
        handle = {name: values.pop(name, "") for name in ("securityId", "lid")}
        _settle(values, " ".join(labels))
        return RawJob(**values, handle=handle, recruiter=strip_personal(item, keep=self._keeps_personal), raw=item)

    def read_company(self, item: dict[str, Any], job: RawJob) -> RawCompany | Reject | None:
        """The brand as a web list item shows it; the mini-program's items do not name its id."""
        return read_brand({key: item[key] for key in _BRAND_KEYS_OF_ITEM if key in item}, job.company_id)

    def read_detail(
        self, posting: dict[str, Any], brand: dict[str, Any] | None, recruiter: object
    ) -> tuple[RawJob, RawCompany | None] | Reject:
        """The posting and its company on a detail page; `recruiter` is the page's object about the person."""
        values = _DETAIL.values(posting)
        if isinstance(values, Reject):
            return Reject(values.reason, _shown_id(posting), values.value)
        company = read_brand(brand) if brand else None
        if isinstance(company, Reject):
            return Reject(company.reason, values["job_id"], company.value)
        _settle(values, " ".join(text for text in (values.pop("days", ""), values.pop("months", "")) if text))
        if company is not None:
            values |= {"company_id": company.company_id, "company_name": company.name, "industry": company.industry}
        kept = strip_personal(posting, keep=self._keeps_personal)
        if kept is not None and isinstance(recruiter, dict):
            kept |= recruiter
        return RawJob(**values, recruiter=kept, raw=posting), company


def read_brand(brand: dict[str, Any], company_id: str = "") -> RawCompany | Reject | None:
    """A brand object; `company_id` is used where it does not name its own. Incomplete while it lacks an introduction."""
    if company_id and not (brand.get("encryptBrandId") or brand.get("brandId")):
        brand = {**brand, "encryptBrandId": company_id}
    if not (brand.get("encryptBrandId") or brand.get("brandId")):
        return None
    values = _BRAND.values(brand)
    if isinstance(values, Reject):
        return Reject(values.reason, company_id, values.value)
    strip_personal(brand)
    url = f"https://www.zhipin.com/gongsi/{values['company_id']}.html"
    return RawCompany(**values, url=url, complete=bool(values.get("introduction")), raw=brand)


def _settle(values: dict[str, Any], intern_terms: str) -> None:
    """Fill what several fields tell together: address, place, kind of contract."""
    values["url"] = job_url(values["job_id"])
    place = (values.get("city"), values.get("district"), values.get("area"))
    values["place_text"] = "·".join(part for part in place if part)
    job_type = values.pop("job_type", None)
    if not intern_terms and _INTERN_LABEL.search(values["experience_text"]):
        intern_terms = values["experience_text"]
    values["employment_text"] = intern_terms
    values["employment"] = (
        Employment.INTERN if intern_terms and not job_type else _EMPLOYMENT.get(job_type) if job_type is not None else None
    )


def _shown_id(item: dict[str, Any]) -> str:
    job_id = item.get("encryptJobId") or item.get("encryptId")
    return job_id[:64] if isinstance(job_id, str) else ""
