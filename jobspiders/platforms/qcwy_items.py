"""What 51job's search items hold, as tables. Description and company are in the list, so there is nothing else to fetch."""

from __future__ import annotations

from typing import Any

from jobschema import Employment
from jobspiders.platforms.base import RawCompany, RawJob, Reject
from jobspiders.platforms.privacy import strip_personal
from jobspiders.platforms.shapes import (
    Need,
    Rule,
    Shape,
    as_count,
    as_degrees,
    as_flag,
    as_identifier,
    as_plain_text,
    as_texts,
)
from jobspiders.platforms.urls import without_tracking

_EMPLOYMENT = {"全职": Employment.FULL_TIME, "兼职": Employment.PART_TIME, "实习": Employment.INTERN, "校园": Employment.CAMPUS}

_ITEM = Shape(
    [
        Rule("job_id", "jobId", as_identifier, need=Need.FILLED),
        Rule("title", "jobName", need=Need.FILLED),
        Rule("salary_text", "provideSalaryString", need=Need.PRESENT),
        Rule("experience_text", "workYearString", need=Need.PRESENT),
        Rule("education_text", "degreeString", need=Need.PRESENT),
        Rule("place_text", "jobAreaString", need=Need.PRESENT),
        Rule("company_name", "companyName|fullCompanyName", need=Need.PRESENT),
        Rule("description", "jobDescribe", as_plain_text, need=Need.PRESENT),
        Rule("company_id", "encCoId"),
        Rule("city", "jobAreaLevelDetail.cityString"),
        Rule("city_code", "jobAreaCode|jobAreaLevelDetail.cityCode", as_identifier),
        Rule("district", "jobAreaLevelDetail.districtString"),
        Rule("area", "landmarkString|jobAreaLevelDetail.landMarkString"),
        Rule("longitude", "lon", as_degrees),
        Rule("latitude", "lat", as_degrees),
        Rule("employment_text", "termStr"),
        Rule("is_intern", "isIntern", as_flag),
        Rule("skills", "jobTags", as_texts),
        Rule("welfare", "jobWelfareCodeDataList", as_texts),
        Rule("industry", "industryType1Str"),
        Rule("recruits_text", "jobNumString", as_count),
        Rule("published_text", "issueDateString"),
        Rule("updated_text", "updateDateTime"),
        Rule("url", "jobHref"),
    ]
)

_COMPANY = Shape(
    [
        Rule("name", "companyName|fullCompanyName", need=Need.FILLED),
        Rule("full_name", "fullCompanyName"),
        Rule("industry", "companyIndustryType1Str|industryType1Str"),
        Rule("size_text", "companySizeString"),
        Rule("kind", "companyTypeString"),
        Rule("url", "companyHref"),
    ]
)
_COMPANY_KEYS = (
    *("encCoId", "coId", "ctmId", "companyName", "fullCompanyName", "companyLogo", "companyHref", "companyTypeString"),
    *("companySizeString", "companySizeCode", "companyIndustryType1Str", "companyIndustryType2Str", "sesameLabelList", "isModelEmployer"),
)


class QcwyItemReader:
    """Reads the elements of `resultbody.job.items`."""

    def __init__(self, keeps_personal: bool) -> None:
        self._keeps_personal = keeps_personal

    def is_ad(self, item: dict[str, Any]) -> bool:  # noqa: ARG002
        """Never: what 51job marks `isAd` is a real posting that somebody paid to have shown."""
        return False

    def read_job(self, item: dict[str, Any]) -> RawJob | Reject:
        """The posting of an item, with its description."""
        values = _ITEM.values(item)
        if isinstance(values, Reject):
            job_id = item.get("jobId")
            return Reject(values.reason, job_id[:64] if isinstance(job_id, str) else "", values.value)
        is_intern = values.pop("is_intern", False)
        values["employment"] = Employment.INTERN if is_intern else _EMPLOYMENT.get(values.get("employment_text", ""))
        if "skills" in values:
            values["skills"] = _skills(values)
        values["url"] = _job_url(values.get("url", ""), values["job_id"])
        return RawJob(**values, recruiter=strip_personal(item, keep=self._keeps_personal), raw=item)

    def read_company(self, item: dict[str, Any], job: RawJob) -> RawCompany | Reject | None:
        """The company as the item shows it; the platform has no page that says more."""
        values = _COMPANY.values(item)
        if isinstance(values, Reject):
            return values
        values["url"] = without_tracking(values.get("url", "")) or f"https://jobs.51job.com/all/co{job.company_id}.html"
        return RawCompany(company_id=job.company_id, **values, raw={key: item[key] for key in _COMPANY_KEYS if key in item})


def _job_url(link: str, job_id: str) -> str:
    """The posting's page. Links to employers' own pages name the posting in their query, so they do not survive without it."""
    plain = without_tracking(link)
    return plain if plain.endswith(f"/{job_id}.html") else f"https://jobs.51job.com/all/{job_id}.html"


def _skills(values: dict[str, Any]) -> list[str]:
    """`jobTags` without the experience, degree and benefits that the platform puts among them."""
    known = {values["experience_text"], values["education_text"], *values.get("welfare", ())}
    return [tag for tag in values["skills"] if tag not in known]
