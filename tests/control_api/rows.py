"""Made-up rows as they travel."""

from __future__ import annotations

from typing import Any

MOMENT = "2026-11-24T08:00:00+00:00"


def job(number: int = 1, **more: Any) -> dict[str, Any]:
    """A posting as JSON."""
    return {
        "platform": "boss",
        "job_id": f"j{number}",
        "title": f"数据分析 {number}",
        "company_id": f"c{number % 7}",
        "company_name": "某某科技",
        "city": "北京" if number % 2 else "上海",
        "salary_text": "20-40K",
        "month_low": 20_000 + number,
        "month_high": 40_000.0,
        "education": "bachelor",
        "skills": ["SQL", "Python"],
        "keyword": "数据",
        "crawled_at": MOMENT,
        "content_hash": f"{number:032x}",
        "raw": "{}",
        **more,
    }


def company(number: int = 1, **more: Any) -> dict[str, Any]:
    """A company as JSON."""
    fields = {"platform": "qcwy", "company_id": f"c{number}", "name": "某某科技", "founded_on": "2011-03-01"}
    return {**fields, "crawled_at": MOMENT, "content_hash": f"{number:032x}", "raw": "{}", **more}


def batch(rows: list[Any], batch_id: str = "run-1:api:0", **more: Any) -> dict[str, Any]:
    """The body of an upload."""
    return {"data_list": rows, "data_type": "job", "platform": "boss", "batch_id": batch_id, "schema_version": 1, **more}
