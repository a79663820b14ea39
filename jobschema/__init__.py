"""The contract of the house: rows, enums and wire messages that the crawler, the storehouse and the control plane agree on.

Standard library only. A column is added in `rows.py`, in one line; items, tables, feeds and docs follow.
"""

from jobschema.columns import Column, Kind, columns
from jobschema.enums import Education, Employment, Period, Platform, Verdict
from jobschema.rows import Company, Job, PendingCompany

__all__ = [
    "Column",
    "Company",
    "Education",
    "Employment",
    "Job",
    "Kind",
    "PendingCompany",
    "Period",
    "Platform",
    "Verdict",
    "columns",
]
