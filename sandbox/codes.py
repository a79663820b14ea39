"""What the fake platforms know by number: cities, districts and the search filters. The sandbox's own tables, shared with nobody."""

from __future__ import annotations

import re
from dataclasses import dataclass

BOSS_COUNTRY = "100010000"
QCWY_COUNTRY = "000000"
ZHILIAN_COUNTRY = ("0", "489")


@dataclass(frozen=True, slots=True)
class City:
    """A city: its name, its code on each platform, where it lies, how salaries compare (1.0 = Shanghai), and its districts."""

    name: str
    pinyin: str
    boss: str
    qcwy: str
    zhilian: str
    longitude: float
    latitude: float
    pay: float
    weight: int  # share of the postings
    districts: tuple[str, ...]
    areas: tuple[str, ...]


def _city(row: str) -> City:
    name, pinyin, boss, qcwy, zhilian, lon, lat, pay, weight, districts, areas = row.split("|")
    place = (float(lon), float(lat), float(pay), int(weight))
    return City(name, pinyin, boss, qcwy, zhilian, *place, tuple(districts.split()), tuple(areas.split()))


CITIES: tuple[City, ...] = tuple(
    _city(row)
    for row in (
        "北京|beijing|101010100|010000|530|116.40|39.90|1.02|20|朝阳区 海淀区 丰台区 东城区 大兴区|望京 中关村 国贸 上地 亦庄 西二旗",
        "上海|shanghai|101020100|020000|538|121.47|31.23|1.00|20|浦东新区 徐汇区 静安区 闵行区 杨浦区|张江 漕河泾 陆家嘴 虹桥 五角场",
        "深圳|shenzhen|101280600|040000|765|114.06|22.54|0.97|16|南山区 福田区 宝安区 龙岗区 龙华区|科技园 车公庙 西丽 坂田 前海",
        "广州|guangzhou|101280100|030200|763|113.26|23.13|0.84|12|天河区 海珠区 越秀区 番禺区 黄埔区|珠江新城 琶洲 东圃 科学城 大石",
        "杭州|hangzhou|101210100|080200|653|120.16|30.27|0.92|11|余杭区 滨江区 西湖区 上城区 萧山区|未来科技城 长河 西溪 仓前 钱江新城",
        "成都|chengdu|101270100|090200|801|104.07|30.57|0.72|8|高新区 武侯区 锦江区 青羊区 双流区|天府软件园 金融城 桐梓林 春熙路 华阳",
        "南京|nanjing|101190100|070200|635|118.80|32.06|0.76|6|江宁区 雨花台区 建邺区 鼓楼区 浦口区|软件大道 河西 百家湖 新街口 江北",
        "武汉|wuhan|101200100|180200|736|114.31|30.59|0.68|7|洪山区 江夏区 武昌区 江岸区 汉阳区|光谷 金融港 中南路 后湖 王家湾",
        "西安|xian|101110100|200200|854|108.94|34.34|0.64|6|雁塔区 高新区 未央区 碑林区 长安区|高新软件园 小寨 锦业路 凤城 郭杜",
        "苏州|suzhou|101190400|070300|639|120.58|31.30|0.78|5|工业园区 虎丘区 吴中区 昆山市 相城区|独墅湖 狮山 金鸡湖 花桥 高铁新城",
    )
)
CITY_OF_NAME = {city.name: city for city in CITIES}

# City codes of zhilian beyond the ten above: the captured cards name more places.
ZHILIAN_MORE = {
    "东莞": "779", "济南": "702", "长沙": "749", "郑州": "719", "青岛": "703", "合肥": "664", "天津": "531", "重庆": "551", "徐州": "642",
    "南昌": "691", "福州": "681", "贵阳": "822", "大连": "600", "佛山": "768", "珠海": "766", "石家庄": "565", "太原": "576", "无锡": "636",
    "长春": "613", "厦门": "682", "宁波": "654", "沈阳": "599", "哈尔滨": "622", "昆明": "831", "常州": "638", "温州": "655", "南通": "641",
    "惠州": "773", "嘉兴": "656",
}  # fmt: skip

# Ordered ranks of education as the neutral catalogue speaks of them; 0 = no requirement.
EDUCATION_RANKS = ("", "初中及以下", "高中", "中专/中技", "大专", "本科", "硕士", "博士")

BOSS_DEGREE: dict[str, tuple[str, ...]] = {
    "209": ("初中及以下",), "208": ("中专/中技",), "206": ("高中",), "202": ("大专",), "203": ("本科",), "204": ("硕士",), "205": ("博士",),
}  # fmt: skip
BOSS_EXPERIENCE: dict[str, tuple[str, ...]] = {
    "101": ("经验不限",), "103": ("1年以内",), "104": ("1-3年",), "105": ("3-5年",), "106": ("5-10年",), "107": ("10年以上",),
    "108": ("在校/应届", "在校生"), "102": ("应届生",),
}  # fmt: skip
BOSS_SCALE = {"301": "0-20人", "302": "20-99人", "303": "100-499人", "304": "500-999人", "305": "1000-9999人", "306": "10000人以上"}
BOSS_STAGE = {
    "801": "未融资", "802": "天使轮", "803": "A轮", "804": "B轮", "805": "C轮", "806": "D轮及以上", "807": "已上市", "808": "不需要融资",
}  # fmt: skip
BOSS_SALARY = {"402": (0, 3), "403": (3, 5), "404": (5, 10), "405": (10, 20), "406": (20, 50), "407": (50, 10_000)}  # thousands a month

QCWY_SIZE = {
    "01": "少于50人", "02": "50-150人", "03": "150-500人", "04": "500-1000人", "05": "1000-5000人", "06": "5000-10000人",
    "07": "10000人以上",
}  # fmt: skip
QCWY_KIND = {
    "01": "外资（欧美）", "02": "外资（非欧美）", "03": "合资", "04": "国企", "05": "民营", "06": "外企代表处", "07": "政府机关",
    "08": "事业单位",
    "09": "非营利组织", "10": "已上市", "11": "创业公司",
}  # fmt: skip
QCWY_SALARY = {
    "01": (0, 2), "02": (2, 3), "03": (3, 4.5), "04": (4.5, 6), "05": (6, 8), "06": (8, 10), "07": (10, 15), "08": (15, 20), "09": (20, 30),
    "10": (30, 40), "11": (40, 50), "12": (50, 10_000),
}  # fmt: skip  # thousands a month, by the lower end
_QCWY_DEGREE = {
    "初中及以下": "01", "高中": "02", "中技/中专": "03", "中专/中技": "03", "中专": "03", "中技": "03", "大专": "04", "本科": "05",
    "硕士": "06",
    "博士": "07",
}  # fmt: skip

ZHILIAN_EXPERIENCE: dict[str, tuple[str, ...]] = {
    "-1": ("经验不限", "不限"), "0000": ("无经验",), "0001": ("1年以下",), "0103": ("1-3年",), "0305": ("3-5年",), "0510": ("5-10年",),
    "1099": ("10年以上",),
}  # fmt: skip
ZHILIAN_EDUCATION: dict[str, tuple[str, ...]] = {
    "-1": ("学历不限", "不限"), "9": ("初中及以下",), "7": ("高中",), "12": ("中专/中技", "中专"), "13": ("中技",), "5": ("大专",),
    "4": ("本科",),
    "3": ("硕士",), "1": ("博士",),
}  # fmt: skip
ZHILIAN_SIZE = {"1": "20人以下", "2": "20-99人", "3": "100-499人", "4": "500-999人", "5": "1000-9999人", "6": "10000人以上"}
ZHILIAN_KIND = {"1": "国企", "2": "外商独资", "4": "合资", "5": "民营", "8": "股份制企业", "9": "上市公司"}

_YEARS = re.compile(r"^(\d+)")


def qcwy_degree_code(text: str) -> str:
    """The filter code of a posting's degreeString; 08 = no requirement, empty or unknown, so that the codes share out every posting."""
    return _QCWY_DEGREE.get(text, "08")


def qcwy_years_code(text: str) -> str:
    """The filter code of a posting's workYearString, by its lower bound in years; 07 = not stated."""
    if text.startswith(("在校", "应届")):
        return "01"
    if text.startswith(("无需经验", "无经验")):
        return "02"
    found = _YEARS.match(text)
    if not found:
        return "07"
    years = int(found[1])
    if "以内" in text or "以下" in text or years < 1:
        return "02"
    return "03" if years < 3 else "04" if years < 5 else "05" if years < 10 else "06"


def qcwy_size_code(text: str) -> str:
    """The filter code of a companySizeString; 08 = not stated."""
    return next((code for code, words in QCWY_SIZE.items() if words == text), "08")


def qcwy_kind_code(text: str) -> str:
    """The filter code of a companyTypeString; "" where the posting states none."""
    return next((code for code, words in QCWY_KIND.items() if words == text), "")


def code_of(table: dict[str, tuple[str, ...]], text: str) -> str:
    """The code under which `text` is listed; "" when it is in none."""
    return next((code for code, words in table.items() if text in words), "")


def band_of(table: dict[str, tuple[int, int]] | dict[str, tuple[float, float]], thousands: float | None) -> str:
    """The code of the band that holds `thousands`; "" for None."""
    if thousands is None:
        return ""
    return next((code for code, (low, high) in table.items() if low <= thousands < high), "")


def area_prefix(code: str) -> str:
    """What the codes inside a 51job area begin with: 040000 -> 04, 030200 -> 0302, 030206 -> 030206."""
    while len(code) > 2 and code.endswith("00"):
        code = code[:-2]
    return code
