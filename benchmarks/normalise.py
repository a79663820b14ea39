"""How many rows a second one core normalises: the whole of `normalise_job`, and its parts.

    python -m benchmarks.normalise --rows 4000 --rounds 5

Items are synthetic, of the shape and size that platforms send (1 to 5 kB as JSON), a few of them with a contact to mask. Time is
processor time, so that a busy machine does not count; the best round is shown.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

import orjson

from jobschema import Platform
from jobschema.content import content_hash, digest, said
from jobspiders.normalise import mask_contacts, normalise_job, parse_salary
from jobspiders.normalise.contacts import may_hold_contact
from jobspiders.platforms.base import RawJob

FETCHED = datetime(2024, 3, 1, tzinfo=UTC)
CITIES = ["北京·朝阳区", "上海·浦东新区", "深圳·南山区", "杭州·西湖区·文三路", "成都", "广州-天河区"]
SALARIES = ["15-25K·15薪", "1.5-2万", "8千-1.2万·13薪", "6-8千", "300-400元/天", "30-35万/年", "8000-12000元", "面议", "3千及以下"]
EXPERIENCES = ["3-5年", "1-3年", "经验不限", "无需经验", "5年及以上", "10年以上", "4天/周 3个月"]
EDUCATIONS = ["本科", "大专", "硕士", "学历不限", "中专/中技"]
SENTENCES = [
    "负责后端服务的设计、开发与维护，保证系统的稳定与性能；",
    "参与需求评审、技术方案评审和代码评审，与产品、测试协作推进项目；",
    "本科及以上学历，计算机相关专业，985/211优先；",
    "熟悉 Java、Spring Boot、MySQL、Redis，了解 Kafka、Kubernetes；",
    "薪资8000-12000元/月，五险一金，周末双休，每周5天，9:00-18:00；",
    "公司成立于2010年，员工1000-5000人，服务客户20000余家；",
]
CONTACTS = ["联系电话13800001234，", "微信：zhang_san，", "简历发hr@example.com。"]


def make_job(random: Random) -> RawJob:
    """A posting and its item, between 1 and 5 kB as JSON."""
    number = random.randrange(10**8, 10**9)
    description = "\n".join(f"{i}、{random.choice(SENTENCES)}" for i in range(1, random.randint(6, 24)))
    if random.random() < 0.02:
        description += random.choice(CONTACTS)
    tags = random.sample(["Java", "Spring", "MySQL", "Redis", "分布式", "微服务", "团队管理"], 4)
    texts = {
        "title": random.choice(["后端工程师", "Java 开发（双休）", "数据分析师", "销售经理"]),
        "company_name": f"某某{number % 1000}科技有限公司",
        "place_text": random.choice(CITIES),
        "salary_text": random.choice(SALARIES),
        "experience_text": random.choice(EXPERIENCES),
        "education_text": random.choice(EDUCATIONS),
        "employment_text": "全职",
        "description": description,
        "published_text": f"2024-0{random.randint(1, 2)}-{random.randint(10, 28)} 04:{random.randint(10, 59)}:28",
    }
    return RawJob(
        job_id=str(number),
        url=f"https://jobs.example/{number}.html",
        company_id=f"co{number % 5000}",
        city_code="040000",
        longitude=113 + random.random(),
        latitude=22 + random.random(),
        skills=tags,
        welfare=["五险一金", "带薪年假", "弹性工作"],
        industry="计算机软件",
        raw=make_item(number, texts, tags),
        **texts,  # type: ignore[arg-type]
    )


def make_item(number: int, texts: dict[str, str], tags: list[str]) -> dict[str, Any]:
    """What a search page holds of a posting: its texts, and as many codes, flags and tracking ids again."""
    return {
        **texts,
        "jobId": str(number),
        "property": orjson.dumps({"pageCode": "sou|sou", "searchType": "手动搜索职位", "jobRank": str(number % 20)}).decode(),
        "jobTags": tags,
        "jobAreaLevel": {"provinceCode": "030000", "cityCode": "030200", "cityString": "深圳"},
        "welfareCodes": [{"code": str(100230 + i), "title": "五险一金", "typeCode": "01", "typeTitle": "保险"} for i in range(4)],
        **{f"code{i}": f"{number % 97:06}" for i in range(16)},
        **{f"is{i}": i % 2 == 0 for i in range(12)},
        "logo": f"https://img.jobs.example/logo/{number}.png",
        "requestId": f"{number:032x}",
    }


def best_rate(work: Callable[[Any], object], items: Sequence[Any], rounds: int) -> float:
    """Items per second of processor time, the best of several rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        for item in items:
            work(item)
        best = min(best, time.process_time() - start)
    return len(items) / best


def measures(jobs: list[RawJob]) -> list[tuple[str, Callable[[Any], object], Sequence[Any]]]:
    """Name, work and items of every line of the table."""
    options: dict[str, Any] = {"platform": Platform.QCWY, "keyword": "Java", "crawled_at": FETCHED}
    rows = [{field: getattr(row, field) for field in row.__dataclass_fields__} for row in (normalise_job(raw, **options) for raw in jobs)]
    documents = [orjson.dumps(raw.raw) for raw in jobs]
    row_type = type(normalise_job(jobs[0], **options))
    return [
        ("normalise_job, masked", lambda raw: normalise_job(raw, **options), jobs),
        ("normalise_job, mask=False", lambda raw: normalise_job(raw, **options, mask=False), jobs),
        ("  raw item as JSON (orjson)", lambda raw: orjson.dumps(raw.raw).decode(), jobs),
        ("  scan of that JSON for contacts", may_hold_contact, documents),
        ("  content hash, orjson", lambda row: digest(orjson.dumps(said(row_type, row))), rows),
        ("  content hash, json (the definition)", lambda row: content_hash(row_type, row), rows),
        ("  mask_contacts of the description", lambda raw: mask_contacts(raw.description), jobs),
        ("  parse_salary, remembered", lambda raw: parse_salary(raw.salary_text), jobs),
        ("  parse_salary, anew", lambda raw: parse_salary.__wrapped__(raw.salary_text), jobs),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=4000, help="postings a round (default 4000)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, of which the best counts (default 5)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the synthetic postings (default 1)")
    parser.add_argument("--at-least", type=float, default=0, help="exit 1 when masked rows a second stay below this")
    arguments = parser.parse_args()
    random = Random(arguments.seed)
    jobs = [make_job(random) for _ in range(arguments.rows)]
    sizes = sorted(len(orjson.dumps(raw.raw)) for raw in jobs)
    print(f"{len(jobs)} items of {sizes[0]} to {sizes[-1]} bytes, median {sizes[len(sizes) // 2]}")
    print(f"{'':40} {'per second':>12} {'microseconds':>13}")
    rates = []
    for name, work, items in measures(jobs):
        rates.append(best_rate(work, items, arguments.rounds))
        print(f"{name:40} {rates[-1]:12,.0f} {1e6 / rates[-1]:13.2f}")
    if rates[0] < arguments.at_least:
        raise SystemExit(f"{rates[0]:,.0f} rows/s is below the {arguments.at_least:,.0f} asked for by --at-least")


if __name__ == "__main__":
    main()
