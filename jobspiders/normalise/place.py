"""Read a place as published: the text of a RawJob or an address -> city, district, area."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from jobspiders.normalise.errors import Unreadable
from jobspiders.normalise.folding import fold

LONGEST = 255
LONGEST_NAME = 64

# 吉林 is a city too, so only 吉林省 is the province.
_PROVINCE = re.compile(
    "(?:河北|山西|辽宁|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾)省?|吉林省"
    "|(?:内蒙古|西藏|广西(?:壮族)?|宁夏(?:回族)?|新疆(?:维吾尔)?)(?:自治区)?"
)
# What stands in the city's stead and is no city: the text stays beside the empty column.
_NO_CITY = re.compile(
    "全国|不限|远程|异地招聘|海外|国外|其他|日本|韩国|美国|英国|德国|法国|加拿大|澳大利亚|越南|泰国|马来西亚|印度尼西亚|菲律宾"
)
_SPLIT = re.compile(r"\s*[·\-|>]\s*|\s+")
_SEVERAL = re.compile(r"[,;/+]")
_MUNICIPALITY = re.compile("(?:中国)?[(]?(北京|上海|天津|重庆)")
_ADDRESS = re.compile(
    "(?:中国)?(?:[^省市区县]{2,4}省|(?:内蒙古|广西壮族|西藏|宁夏回族|新疆维吾尔)自治区)?([^省市区县镇村路街号(),]{2,6})市"
)


@dataclass(frozen=True, slots=True)
class Place:
    """City without 市, district as named, area the rest; "" where the text does not tell."""

    city: str = ""
    district: str = ""
    area: str = ""


@lru_cache(maxsize=16_384)
def parse_place(text: str) -> Place:
    """Read "深圳·罗湖区", "北京·朝阳·建外", "南京-建邺区", "北京 朝阳区". A province before the city is dropped; alone it is no city.

    Raises Unreadable: font_trick, ambiguous (several places), unknown_form.
    """
    if len(text) > LONGEST:
        raise Unreadable("unknown_form", text)
    said = fold(text)
    if _SEVERAL.search(said):
        raise Unreadable("ambiguous", text)
    parts = [part for part in _SPLIT.split(said) if part]
    if parts and _PROVINCE.fullmatch(parts[0]):
        parts = parts[1:]
    if any(len(part) > LONGEST_NAME or not any(map(str.isalpha, part)) for part in parts):
        raise Unreadable("unknown_form", text)
    if not parts or _NO_CITY.fullmatch(parts[0]):
        return Place()
    return Place(strip_city(parts[0]), parts[1] if len(parts) > 1 else "", "·".join(parts[2:]))


def strip_city(name: str) -> str:
    """ "杭州市" -> "杭州"; a name of two characters keeps its 市 (沙市)."""
    return name[:-1] if len(name) > 2 and name.endswith("市") else name


@lru_cache(maxsize=4096)
def city_of_address(address: str) -> str:
    """The city at the head of a Chinese address, without 市; "" when it does not begin with one. Never raises."""
    head = address[:32].strip().replace("（", "(").replace("）", ")")
    found = _MUNICIPALITY.match(head) or _ADDRESS.match(head)
    return found[1] if found else ""
