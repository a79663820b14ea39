"""City names and the platforms' codes for them. Codes given as digits always pass, so a city that is not listed can still be searched."""

from __future__ import annotations

from jobschema import Platform

WHOLE_COUNTRY = {Platform.BOSS: "100010000", Platform.QCWY: "000000", Platform.ZHILIAN: "489"}

# name: (boss, qcwy, zhilian)
_CODES = {
    "全国": ("100010000", "000000", "489"),
    "北京": ("101010100", "010000", "530"),
    "上海": ("101020100", "020000", "538"),
    "天津": ("101030100", "050000", "531"),
    "重庆": ("101040100", "060000", "551"),
    "广州": ("101280100", "030200", "763"),
    "深圳": ("101280600", "040000", "765"),
    "东莞": ("101281600", "030800", "779"),
    "佛山": ("101280800", "030600", "768"),
    "珠海": ("101280700", "030500", "766"),
    "惠州": ("101280300", "030300", "773"),
    "中山": ("101281700", "030700", "780"),
    "杭州": ("101210100", "080200", "653"),
    "宁波": ("101210400", "080300", "654"),
    "温州": ("101210700", "080400", "655"),
    "嘉兴": ("101210300", "080700", "656"),
    "南京": ("101190100", "070200", "635"),
    "苏州": ("101190400", "070300", "639"),
    "无锡": ("101190200", "070400", "636"),
    "常州": ("101191100", "070500", "638"),
    "南通": ("101190500", "070900", "641"),
    "徐州": ("101190800", "071100", "637"),
    "成都": ("101270100", "090200", "801"),
    "武汉": ("101200100", "180200", "736"),
    "西安": ("101110100", "200200", "854"),
    "长沙": ("101250100", "190200", "749"),
    "郑州": ("101180100", "170200", "719"),
    "合肥": ("101220100", "150200", "664"),
    "济南": ("101120100", "120200", "702"),
    "青岛": ("101120200", "120300", "703"),
    "福州": ("101230100", "110200", "681"),
    "厦门": ("101230200", "110300", "682"),
    "沈阳": ("101070100", "230200", "599"),
    "大连": ("101070200", "230300", "600"),
    "长春": ("101060100", "240200", "613"),
    "哈尔滨": ("101050100", "220200", "622"),
    "石家庄": ("101090100", "160200", "565"),
    "太原": ("101100100", "210200", "576"),
    "南昌": ("101240100", "130200", "691"),
    "昆明": ("101290100", "250200", "831"),
    "贵阳": ("101260100", "260200", "822"),
    "南宁": ("101300100", "140200", "785"),
    "海口": ("101310100", "100200", "799"),
    "兰州": ("101160100", "270200", "864"),
    "西宁": ("101150100", "320200", "878"),
    "银川": ("101170100", "290200", "886"),
    "呼和浩特": ("101080100", "280200", "587"),
    "乌鲁木齐": ("101130100", "310200", "890"),
}
_COLUMN = {Platform.BOSS: 0, Platform.QCWY: 1, Platform.ZHILIAN: 2}

# 51job's codes of provinces and of the cities that count as one: together they cover the whole country, without overlap
# (040000 Shenzhen is not part of 030000 Guangdong).
QCWY_PROVINCES = tuple(f"{number:02d}0000" for number in range(1, 37))


def city_code(platform: Platform, city: str) -> str:
    """The platform's code for a city's name (with or without 市) or code. ValueError lists the names that are known."""
    wanted = city.strip()
    if wanted.isascii() and wanted.isdigit():
        return wanted
    codes = _CODES.get(wanted) or _CODES.get(wanted.removesuffix("市"))
    if codes is None:
        raise ValueError(
            f"city {city!r} is not known for {platform}: give one of {', '.join(_CODES)}, or the platform's own code in digits "
            f"(such as {_CODES['北京'][_COLUMN[platform]]})"
        )
    return codes[_COLUMN[platform]]
