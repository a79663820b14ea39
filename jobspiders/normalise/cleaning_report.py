"""What cleaning rules would do to rows that are stored: the dry run, pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

from jobschema import Company, Job
from jobspiders.normalise.cleaning import Cleaned, CleaningRule, RuleSet
from jobspiders.platforms.base import RawCompany, RawJob

SHOWN = 60  # characters of a value
Change = tuple[str, str, str, str, str]  # platform, id, field, before, after


@dataclass(slots=True)
class CleaningReport:
    """How many rows were looked at, what each rule would do, and the first changes in words."""

    rows: int = 0
    changed: int = 0
    rejected: int = 0
    by_rule: Counter[CleaningRule] = field(default_factory=Counter)
    samples: list[Change] = field(default_factory=list)


def rehearse(rules: RuleSet, rows: Iterable[Job | Company], samples: int = 20) -> CleaningReport:
    """Apply the rules to stored rows, and keep nothing."""
    report = CleaningReport()
    for row in rows:
        report.rows += 1
        raw = as_raw(row)
        cleaned: Cleaned[Any] = rules.clean(raw, str(row.platform))
        report.by_rule.update({*cleaned.changed_by, *([cleaned.rejected_by] if cleaned.rejected_by else [])})
        if cleaned.rejected_by is not None:
            report.rejected += 1
            found = [(cleaned.rejected_by.field, getattr(raw, cleaned.rejected_by.field), "(rejected)")]
        else:
            names = dict.fromkeys(rule.field for rule in cleaned.changed_by)
            found = [(name, getattr(raw, name), getattr(cleaned.raw, name)) for name in names]
            report.changed += bool(names)
        for name, before, after in found[: max(0, samples - len(report.samples))]:
            report.samples.append((str(row.platform), _id(row), name, _show(before), _show(after)))
    return report


def as_raw(row: Job | Company) -> Any:
    """The RawJob or RawCompany that a stored row came from, as far as its texts go."""
    kind: type[Any] = RawJob if isinstance(row, Job) else RawCompany
    names = {declared.name for declared in fields(kind)} & {declared.name for declared in fields(row)} - {"raw", "recruiter"}
    return kind(**{name: getattr(row, name) for name in names})


def _id(row: Job | Company) -> str:
    return row.job_id if isinstance(row, Job) else row.company_id


def _show(value: Any) -> str:
    text = ", ".join(value) if isinstance(value, list) else str(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
