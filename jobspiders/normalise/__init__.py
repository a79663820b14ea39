"""Raw fields -> what they mean: pure functions between a platform's reading and the pipelines. See docs/normalising.md."""

from jobspiders.normalise.capital import Capital, parse_capital
from jobspiders.normalise.contacts import mask_contacts
from jobspiders.normalise.dates import parse_date, parse_time
from jobspiders.normalise.education import parse_education
from jobspiders.normalise.employment import parse_employment
from jobspiders.normalise.errors import Unreadable
from jobspiders.normalise.experience import Experience, parse_experience
from jobspiders.normalise.place import Place, parse_place
from jobspiders.normalise.recruits import parse_recruits
from jobspiders.normalise.rows import normalise_company, normalise_job
from jobspiders.normalise.salary import Salary, parse_salary
from jobspiders.normalise.sizes import CompanySize, parse_company_size

__all__ = [
    "Capital",
    "CompanySize",
    "Experience",
    "Place",
    "Salary",
    "Unreadable",
    "mask_contacts",
    "normalise_company",
    "normalise_job",
    "parse_capital",
    "parse_company_size",
    "parse_date",
    "parse_education",
    "parse_employment",
    "parse_experience",
    "parse_place",
    "parse_recruits",
    "parse_salary",
    "parse_time",
]
