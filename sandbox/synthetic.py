"""The synthetic catalogue: firms and postings from a seed, the same for the same seed and size. Feeds the three item dressers."""

from __future__ import annotations

from random import Random

from sandbox import vocabulary as words
from sandbox import wording
from sandbox.codes import BOSS_STAGE, CITIES, City
from sandbox.model import Firm, Pay, Posting
from sandbox.vocabulary import FAMILIES, Family

EPOCH = 1_760_000_000  # the newest posting, unix seconds: fixed, so that a seed always makes the same catalogue
LEVEL_RATES = (10, 12, 30, 28, 15, 5)
LEVEL_TITLES = ("", "初级", "", "", "高级", "资深")
_CITY_RATES = [city.weight for city in CITIES]
_FAMILY_RATES = [family.weight for family in FAMILIES]
_STAGES = (*BOSS_STAGE.values(), "")
_KINDS = (
    "民营",
    "已上市",
    "国企",
    "外资（非欧美）",
    "合资",
    "外资（欧美）",
    "创业公司",
    "事业单位",
    "非营利组织",
    "政府机关",
    "外企代表处",
    "",
)


def make_firms(seed: int, count: int) -> list[Firm]:
    """`count` made-up companies, each with a name of its own."""
    rng = Random(f"{seed}/firms")
    taken: set[str] = set()
    firms: list[Firm] = []
    while len(firms) < count:
        firm = _firm(rng, len(firms), taken)
        taken.add(firm.name)
        firms.append(firm)
    return firms


def _firm(rng: Random, number: int, taken: set[str]) -> Firm:
    city = rng.choices(CITIES, _CITY_RATES)[0]
    trade = _trade(rng)
    brand = "".join(rng.sample(words.BRAND_FIRST, 2))
    while brand + trade in taken:
        brand = "".join(rng.sample(words.BRAND_FIRST, 3))
    industry = rng.choices(words.INDUSTRIES, [row[3] for row in words.INDUSTRIES])[0]
    full_name = f"{rng.choice((city.name, f'{city.name}市', ''))}{brand}{trade}{rng.choice(words.LEGAL_FORMS)}"
    year = rng.randint(1996, 2023)
    started = f"{year}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    return Firm(
        number=number,
        name=brand + trade,
        full_name=full_name,
        industry=industry,
        size=rng.choices(range(7), (18, 22, 24, 12, 14, 4, 6))[0],
        stage=rng.choice(_STAGES),
        kind=rng.choices(_KINDS, (60, 11, 10, 6, 4, 4, 2, 1, 1, 1, 1, 1))[0],
        city=city,
        address=f"{city.name}{rng.choice(city.districts)}{rng.choice(('科苑路', '创新大道', '人民路', '文三路'))}{rng.randint(1, 999)}号",
        founded=started,
        capital=_capital(rng),
        status=rng.choices(("存续", "在营", "正常", "开业"), (206, 2, 1, 1))[0],
        introduction=f"{full_name}成立于{year}年，专注于{industry[2]}领域，为客户提供产品和服务，团队稳步成长，欢迎加入。"
        if rng.random() < 0.9
        else "",
        scope=f"一般经营项目：{industry[2]}相关技术开发、技术咨询、技术服务；货物进出口。",
        welfare=tuple(rng.sample(words.WELFARE, rng.randint(2, 8))),
    )


def _trade(rng: Random) -> str:
    start = rng.randrange(len(words.BRAND_SECOND) // 2) * 2
    return words.BRAND_SECOND[start : start + 2]


def _capital(rng: Random) -> str:
    amount = rng.choice((50, 100, 200, 500, 1000, 3000, 5000, 10_000))
    forms = (
        f"{amount}万人民币",
        f"{amount}.12612万美元",
        "-",
        f"{amount}万香港元",
        f"{amount}万欧元",
        f"{amount}万元",
        f"{amount}万元人民币",
        f"{amount}万",
    )
    return rng.choices(forms, (177, 23, 5, 1, 1, 1, 1, 1))[0]


def make_postings(platform: str, seed: int, firms: list[Firm], count: int) -> list[Posting]:
    """`count` postings in the words of `platform` (boss, qcwy or zhilian)."""
    rng = Random(f"{seed}/{platform}/postings")
    return [_posting(platform, rng, number, firms) for number in range(count)]


def _posting(platform: str, rng: Random, number: int, firms: list[Firm]) -> Posting:
    firm = firms[min(int(rng.random() ** 1.6 * len(firms)), len(firms) - 1)]
    family = rng.choices(FAMILIES, _FAMILY_RATES)[0]
    city = firm.city if rng.random() < 0.7 else rng.choices(CITIES, _CITY_RATES)[0]
    level = rng.choices(range(6), LEVEL_RATES)[0]
    employment = _employment(rng, level)
    pay, experience, education = _worded(platform, rng, (family, city), (level, employment))
    skills = tuple(rng.sample(family.skills, rng.randint(2, min(6, len(family.skills)))))
    return Posting(
        number=number,
        firm=firm,
        family=family,
        title=_title(rng, family, level, employment),
        city=city,
        district=rng.randrange(len(city.districts)) if rng.random() < 0.97 else -1,
        area=rng.choice(city.areas),
        pay=pay,
        experience=experience,
        education=education,
        employment=employment,
        skills=skills,
        description=_description(rng, family, skills),
        published=EPOCH - int(rng.expovariate(1 / 1_200_000)),
        recruits=rng.choice((1, 1, 1, 2, 3, 5, 10)),
        recruiter=rng.choice(words.SURNAMES) + rng.choice(words.GIVEN_NAMES),
        recruiter_title=rng.choice(words.RECRUITER_TITLES),
        quirk=rng.random(),
        longitude=round(city.longitude + rng.uniform(-0.15, 0.15), 6),
        latitude=round(city.latitude + rng.uniform(-0.15, 0.15), 6),
    )


def _employment(rng: Random, level: int) -> str:
    if level == 0:
        return rng.choices(("full", "intern", "campus", "part"), (30, 38, 20, 12))[0]
    return "part" if rng.random() < 0.006 else "full"


def _worded(platform: str, rng: Random, place: tuple[Family, City], rank: tuple[int, str]) -> tuple[Pay, str, str]:
    """Pay, experience and education in the platform's words. Pay follows family, city and seniority, with some luck."""
    (family, city), (level, employment) = place, rank
    middle = family.pay * city.pay * (1 + family.growth) ** (level - 3) * rng.lognormvariate(0, 0.16)
    low, high = middle * rng.uniform(0.72, 0.88), middle * rng.uniform(1.12, 1.45)
    degree = max(0, min(7, family.education + rng.choices((-2, -1, 0, 1), (3, 17, 70, 10 if family.education else 0))[0]))
    if platform == "boss":
        return wording.boss_pay(rng, low, high, employment), wording.boss_experience(rng, level, employment), wording.boss_education(degree)
    if platform == "qcwy":
        pay = wording.qcwy_pay(rng, low, high, employment)
        return pay, wording.qcwy_experience(rng, level, employment), wording.qcwy_education(rng, degree)
    pay = wording.zhilian_pay(rng, low, high, employment)
    return pay, wording.zhilian_experience(rng, level, employment), wording.zhilian_education(degree)


def _title(rng: Random, family: Family, level: int, employment: str) -> str:
    title = rng.choice(family.titles)
    if employment == "intern":
        return f"{title}实习生" if rng.random() < 0.8 else f"实习{title}"
    if employment == "campus":
        return f"{title}（{rng.choice(('2026届校招', '应届生', '管培生'))}）"
    if employment == "part":
        return f"兼职{title}"
    prefix = "" if title.startswith(("高级", "资深", "大客户")) else LEVEL_TITLES[level]
    extra = rng.choice(("（双休）", "（五险一金）", "-急聘", "(外包岗位)", "")) if rng.random() < 0.12 else ""
    return f"{prefix}{title}{extra}"


def _description(rng: Random, family: Family, skills: tuple[str, ...]) -> str:
    duties = rng.sample(family.duties, rng.randint(2, len(family.duties)))
    asks = [f"熟悉{'、'.join(skills[:3])}", *rng.sample(words.REQUIREMENTS, rng.randint(2, 4))]
    lines = [
        "岗位职责：",
        *(f"{i}、{text}；" for i, text in enumerate(duties, 1)),
        "任职要求：",
        *(f"{i}、{text}；" for i, text in enumerate(asks, 1)),
    ]
    luck = rng.random()
    if luck < 0.012:
        lines.append(f"联系电话：1380013{rng.randint(0, 9999):04d}")
    elif luck < 0.02:
        lines.append(f"简历请发 hr{rng.randint(10, 99)}@example.com")
    elif luck < 0.028:
        lines.append(f"微信：hr_demo{rng.randint(1000, 9999)}")
    return "\n".join(lines)
