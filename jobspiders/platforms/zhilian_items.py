"""What Zhilian's items hold, as tables: the lists of 2018 to today, recommendation cards and detail pages share one set of rules."""

from __future__ import annotations

import re
from typing import Any

from jobschema import Employment
from jobspiders.platforms.base import RawCompany, RawJob, Reject
from jobspiders.platforms.privacy import strip_personal
from jobspiders.platforms.shapes import (
    MISTYPED,
    Need,
    Rule,
    Shape,
    as_count,
    as_degrees,
    as_identifier,
    as_label,
    as_plain_text,
    as_texts,
)
from jobspiders.platforms.urls import without_tracking

_EMPLOYMENT = (("实习", Employment.INTERN), ("兼职", Employment.PART_TIME), ("校", Employment.CAMPUS), ("全职", Employment.FULL_TIME))
_NUMBER_IN_URL = re.compile(r"/([A-Za-z0-9]{6,64})\.htm")
_POSTING_KEYS = frozenset(
    {"number", "positionNumber", "name", "jobName", "positionName", "companyName", "company", "salary60", "salary", "positionURL"}
    | {"positionUrl", "jobDetailData", "jobId"}
)
_BASE = "jobDetailData.position.base"
_WORK_PLACE = "jobDetailData.position.workLocation"


def _as_place(value: Any) -> Any:
    """2018: `{items[{code, name}], display "南京-建邺区"}` as (display, city, code); elsewhere a plain name."""
    if type(value) is str:
        return value, value, ""
    items = value.get("items") if type(value) is dict else None
    first = items[0] if type(items) is list and items else None
    if type(first) is not dict:
        return MISTYPED
    told = (value.get("display"), first.get("name"), first.get("code"))
    return told if all(type(part) is str for part in told) else MISTYPED


_JOB = Shape(
    [
        Rule("job_id", f"number|positionNumber|{_BASE}.positionNumber"),
        Rule("title", f"name|jobName|positionName|{_BASE}.positionName", need=Need.FILLED),
        Rule("salary_text", f"salary60|salary|{_BASE}.salary", as_label, need=Need.PRESENT),
        Rule("company_name", "companyName|company.name", need=Need.PRESENT),
        Rule("experience_text", f"workingExp|positionWorkingExp|{_BASE}.positionWorkingExp", as_label),
        Rule("education_text", f"education|eduLevel|{_BASE}.education", as_label),
        Rule("city", "workCity|positionWorkCity", as_label),
        Rule("cities", "city", _as_place),
        Rule("city_code", f"cityId|positionCityId|{_WORK_PLACE}.positionCityId", as_identifier),
        Rule("district", "cityDistrict|positionCityDistrict", as_label),
        Rule("area", "streetName|tradingArea", as_label),
        Rule("address", f"workAddress|{_WORK_PLACE}.workAddress|{_WORK_PLACE}.address"),
        Rule("longitude", f"longitude|geo.lon|{_WORK_PLACE}.longitude", as_degrees),
        Rule("latitude", f"latitude|geo.lat|{_WORK_PLACE}.latitude", as_degrees),
        Rule("employment_text", f"workType|emplType|{_BASE}.workType", as_label),
        Rule("skills", "skillLabel|jobSkillTags|showSkillTags|jobDetailData.position.desc.labels", as_texts),
        Rule("welfare", "welfareTagList|welfareLabel|welfare|jobKnowledgeWelfareFeatures", as_texts),
        Rule("industry", "industryName"),
        Rule("description", "jobDesc|jobDescPC|jobDetailData.position.desc.description", as_plain_text),
        Rule("recruits_text", f"recruitNumber|recruitCount|{_BASE}.recruitNumber", as_count),
        Rule("published_text", "firstPublishTime|createDate|publishTime|positionPublishTime|jobPostingTime", as_identifier),
        Rule("updated_text", "publishTime|positionPublishTime|updateDate", as_identifier),
        Rule("url", f"positionURL|positionUrl|{_BASE}.positionUrl"),
        Rule("company_id", "companyNumber|company.number", as_identifier),
    ]
)

# Of a list item (`company.` = 2018) and of `detailedCompany`.
_COMPANY = Shape(
    [
        Rule("name", "companyName|company.name", need=Need.FILLED),
        Rule("industry", "industryName|industryNameLevel"),
        Rule("size_text", "companySize|company.size", as_label),
        Rule("kind", "propertyName|property|company.type", as_label),
        Rule("stage", "financingStageName|financingStage", as_label),
        Rule("address", "companyAddress"),
        Rule("introduction", "companyDescription|jobDetailData.company.base.introduce", as_plain_text),
        Rule("url", "companyUrl|company.url|url"),
    ]
)
_COMPANY_KEYS = (
    *(
        "companyNumber",
        "companyId",
        "companyRootId",
        "rootCompanyNumber",
        "companyName",
        "companySize",
        "companyUrl",
        "companyLogo",
        "company",
    ),
    *("property", "propertyName", "propertyCode", "industryName", "industryCompanyTags", "financingStage", "companyScaleTypeTagsNew"),
)


class ZhilianItemReader:
    """Reads the elements of `data.list`, `data.data.list` and `data.results`, and `detailedPosition`."""

    def __init__(self, keeps_personal: bool) -> None:
        self._keeps_personal = keeps_personal

    def is_ad(self, item: dict[str, Any]) -> bool:
        """An advertisement card has none of a posting's fields (`{"adResponse": {...}, "liveCard": {}}`)."""
        if "adResponse" in item:
            return not (item.get("name") or item.get("companyName"))
        return bool(item) and item.keys().isdisjoint(_POSTING_KEYS)

    def read_job(self, item: dict[str, Any]) -> RawJob | Reject:
        """The posting of an item, whatever its age; whole when it carries `jobDetailData`."""
        values = _JOB.values(item)
        if isinstance(values, Reject):
            return Reject(values.reason, _shown_id(item), values.value)
        refusal = _settle(values)
        if refusal is not None:
            return Reject(refusal, values.get("job_id", ""))
        return RawJob(**values, recruiter=strip_personal(item, keep=self._keeps_personal), raw=item)

    def read_company(self, item: dict[str, Any], job: RawJob) -> RawCompany | Reject | None:
        """The company as a list item shows it; it is whole when the introduction is there."""
        return self._company(item, job.company_id, {key: item[key] for key in _COMPANY_KEYS if key in item})

    def read_detailed_company(self, company: dict[str, Any], company_id: str) -> RawCompany | Reject | None:
        """`detailedCompany` of a detail page, the fullest account that the platform gives."""
        number = company.get("companyNumber")
        company_id = number if isinstance(number, str) and number else company_id
        if not company_id:
            return None
        strip_personal(company)
        made = self._company(company, company_id, company)
        if isinstance(made, RawCompany):
            made.complete = True
        return made

    def _company(self, item: dict[str, Any], company_id: str, raw: dict[str, Any]) -> RawCompany | Reject:
        values = _COMPANY.values(item)
        if isinstance(values, Reject):
            return values
        values["url"] = without_tracking(values.get("url", "")) or f"http://company.zhaopin.com/{company_id}.htm"
        return RawCompany(company_id=company_id, **values, complete="introduction" in values, raw=raw)


def job_url(job_id: str) -> str:
    """The posting's page."""
    return f"http://jobs.zhaopin.com/{job_id}.htm"


def _settle(values: dict[str, Any]) -> str | None:
    """Fill what several fields tell together; the reason to refuse the item when id or place is missing after all."""
    url = without_tracking(values.get("url", ""))
    if not values.get("job_id"):
        number = _NUMBER_IN_URL.search(url)
        if number is None:
            return "number:missing"
        values["job_id"] = number[1]
    values["url"] = url or job_url(values["job_id"])
    if "cities" in values:
        place_text, city, code = values.pop("cities")
        values["place_text"] = place_text
        values.setdefault("city", city)
        values.setdefault("city_code", code)
    if not values.get("city") and not values.get("city_code"):
        return "workCity:missing"
    place = (values.get("city"), values.get("district"), values.get("area"))
    values.setdefault("place_text", "·".join(part for part in place if part))
    words = values.get("employment_text", "")
    values["employment"] = next((kind for word, kind in _EMPLOYMENT if word in words), None)
    return None


def _shown_id(item: dict[str, Any]) -> str:
    for key in ("number", "positionNumber", "positionURL", "positionUrl"):
        value = item.get(key)
        if isinstance(value, str) and value:
            return value[:64]
    return ""
