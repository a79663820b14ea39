"""Made-up answers of the three platforms, in their shapes. `made` builds them; recruiters' data is there so that dropping it is tested."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from jobspiders.platforms import build_platform
from jobspiders.platforms.base import Answer, SearchPlatform

SETTINGS = {"QCWY_SIGN_KEY": "0123456789abcdef" * 4}


class Made:
    """Builders of items and envelopes; keyword arguments replace fields, `None` as a value stays None."""

    def answer(self, document: object, status: int = 200, **headers: str) -> Answer:
        body = document if isinstance(document, bytes) else orjson.dumps(document)
        return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)

    def platform(self, name: str, **settings: object) -> SearchPlatform:
        return build_platform(name, {**SETTINGS, **settings})

    # -- boss ---------------------------------------------------------------------------------------------------------

    def boss_item(self, number: int = 1, /, **fields: Any) -> dict[str, Any]:
        item = {
            "jobName": "测试工程师",
            "encryptJobId": f"made0up{number:04d}1nx73di4GVBT~",
            "securityId": f"made-security-{number}~",
            "lid": f"madeupabcde.search.{number}",
            "salaryDesc": "15-25K·14薪",
            "jobExperience": "3-5年",
            "jobDegree": "本科",
            "jobLabels": ["3-5年", "本科", "Python"],
            "skills": ["Python", "Linux"],
            "cityName": "杭州",
            "districtName": "余杭区",
            "businessName": "仓前",
            "brandName": "造物科技",
            "brandScale": "100-499人",
            "brandStage": "A轮",
            "bossName": "王造",
            "bossTitle": "招聘者",
            "bossAvatar": "https://img.example/boss.png",
            "bossOnline": None,
            "jobType": 0,
            "welfares": ["五险一金"],
            "performance": "",
        }
        return {**item, **fields}

    def boss_web_item(self, number: int = 1, /, **fields: Any) -> dict[str, Any]:
        item = self.boss_item(number)
        for old, new in (("districtName", "areaDistrict"), ("businessName", "businessDistrict"), ("brandScale", "brandScaleName")):
            item[new] = item.pop(old)
        item |= {"welfareList": item.pop("welfares"), "brandStageName": item.pop("brandStage"), "encryptBrandId": "madeupbrand1~"}
        item |= {
            "brandIndustry": "互联网",
            "city": 101210100,
            "gps": {"longitude": 120.1, "latitude": 30.2},
            "lastModifyTime": 1687156484000,
        }
        return {**item, **fields}

    def boss_page(self, items: object, has_more: object = True, key: str = "list", **fields: Any) -> dict[str, Any]:
        return {"code": 0, "message": "Success", "zpData": {"hasMore": has_more, key: items, **fields}}

    def boss_detail(self, number: int = 1, brand: object = None, **fields: Any) -> dict[str, Any]:
        posting = {
            "encryptJobId": f"made0up{number:04d}1nx73di4GVBT~",
            "deleted": 0,
            "positionName": "测试工程师",
            "location": 101210100,
            "locationName": "杭州",
            "areaDistrict": "余杭区",
            "businessDistrict": "仓前",
            "experienceName": "3-5年",
            "degreeName": "本科",
            "jobDesc": "写测试\n读代码",
            "requiredSkills": ["Python"],
            "address": "杭州余杭区某路 1 号",
            "longitude": 120.05,
            "latitude": 30.28,
            "salaryDesc": "15-25K·14薪",
            "jobType": 0,
            "daysPerWeekDesc": "",
            "leastMonthDesc": "",
            "recruitNumDesc": "",
        }
        data = {
            "securityId": "made-fresh~",
            "bossBaseInfoVO": {
                "name": "王造",
                "title": "招聘者",
                "encryptBossId": "made-boss",
                "tinyAvatar": "https://img.example/boss.png",
            },
            "jobBaseInfoVO": {**posting, **fields},
            "brandComInfoVO": self.boss_brand() if brand is None else brand,
        }
        return {"code": 0, "message": "Success", "zpData": data}

    def boss_brand(self, **fields: Any) -> dict[str, Any]:
        brand = {
            "encryptBrandId": "madeupbrand1~",
            "brandName": "造物科技",
            "comName": "杭州造物科技有限公司",
            "industryName": "互联网",
            "stageName": "A轮",
            "scaleName": "100-499人",
            "introduce": "我们造物。",
            "legalPerson": "赵造",
            "startDate": "2016-05-04",
            "regCapital": "100万人民币",
            "statusDesc": "存续",
            "regAddress": "杭州某路 1 号",
            "businessScope": "造物",
        }
        return {**brand, **fields}

    # -- qcwy ---------------------------------------------------------------------------------------------------------

    def qcwy_item(self, number: int = 1, /, **fields: Any) -> dict[str, Any]:
        item = {
            "property": '{"jobRank":"0","policyId":"{\\"layer\\":\\"1\\"}"}',
            "jobId": f"90000{number:04d}",
            "jobName": "人事专员",
            "jobTags": ["3年及以上", "本科", "绩效管理", "五险一金"],
            "jobNumString": "若干",
            "jobAreaCode": "040000",
            "jobAreaString": "深圳·南山区",
            "jobAreaLevelDetail": {
                "provinceCode": "040000",
                "cityCode": "040000",
                "cityString": "深圳",
                "districtString": "南山区",
                "landMarkString": "",
            },
            "provideSalaryString": "8千-1.2万",
            "jobSalaryMin": "8000",
            "jobSalaryMax": "12000",
            "issueDateString": "2024-05-04 11:01:33",
            "updateDateTime": "2024-05-04 16:57:51",
            "workYearString": "3年及以上",
            "degreeString": "本科",
            "industryType1Str": "电子技术",
            "encCoId": "MadeUp-Company_01",
            "companyName": "造物电子",
            "fullCompanyName": "深圳市造物电子有限公司",
            "companyTypeString": "民营",
            "companySizeString": "50-150人",
            "companyHref": "https://jobs.51job.com/all/coMadeUp-Company_01.html",
            "hrUid": "made-hr",
            "hrName": "李造",
            "smallHrLogoUrl": "https://img.example/hr.png",
            "hrPosition": "人事主管",
            "isIntern": False,
            "lon": "113.9",
            "lat": "0.000000",
            "jobHref": "https://jobs.51job.com/shenzhen-nsq/900000001.html?s=sou&req=abc",
            "jobDescribe": "负责招聘\r\n负责培训",
            "termStr": "全职",
            "jobWelfareCodeDataList": [
                {"code": "100234", "chineseTitle": "五险一金", "englishTitle": "", "typeCode": "1", "typeTitle": "福利"}
            ],
        }
        return {**item, **fields}

    def qcwy_page(self, items: object, total: object = None, **fields: Any) -> dict[str, Any]:
        count = total if total is not None else len(items) if isinstance(items, list) else 0
        job = {"items": items, "totalCount": count, "totalcount": count, "requestId": "c0ffee00" * 4, **fields}
        return {"status": "1", "message": "成功", "resultbody": {"searchType": 2, "requestId": "c0ffee00" * 4, "job": job}}

    # -- zhilian ------------------------------------------------------------------------------------------------------

    def zhilian_item(self, number: int = 1, /, **fields: Any) -> dict[str, Any]:
        item = {
            "number": f"CC000000001J4{number:010d}",
            "name": "销售经理",
            "salary60": "1.1-1.5万",
            "workCity": "成都",
            "cityId": "801",
            "cityDistrict": "武侯",
            "streetName": "桐梓林",
            "education": "大专",
            "workingExp": "1-3年",
            "workType": "全职",
            "companyName": "成都造物有限公司",
            "companyNumber": "CZ000000001",
            "companySize": "20-99人",
            "propertyName": "民营",
            "industryName": "互联网",
            "financingStage": {"code": 1, "name": "未融资"},
            "positionURL": "http://jobs.zhaopin.com/CC000000001J40000000001.htm?refcode=4019",
            "firstPublishTime": "2026-09-01 10:00:00",
            "publishTime": "2026-09-08 01:46:26",
            "recruitNumber": 2,
            "skillLabel": [{"state": 0, "value": "销售"}],
            "welfareTagList": ["五险一金"],
            "staffCard": {"id": 7, "staffName": "孙造", "avatar": "https://img.example/staff.png"},
            "cardCustomJson": '{"address":"成都 武侯","staffName":"孙造"}',
            "liveCard": {},
        }
        return {**item, **fields}

    def zhilian_page(self, items: object, end: object = 0, **fields: Any) -> dict[str, Any]:
        data: dict[str, Any] = {"count": 100, "isVerification": 0, "statusCode": 200, "list": items, **fields}
        return {"code": 200, "apiCode": 200, "data": data if end is None else {**data, "isEndPage": end}}


@pytest.fixture(scope="session")
def made() -> Made:
    return Made()
