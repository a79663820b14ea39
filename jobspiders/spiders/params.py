"""Spider arguments (`-a name=value`): typed, validated before anything is crawled, documented in one place."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from jobschema.messages import Keyword
from jobspiders.errors import ArgumentsInvalidError
from jobspiders.platforms.base import SearchPlatform

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


def _split(value: Any) -> Any:
    """Text separated by commas (also full-width ones) as a list without blanks and repetitions."""
    if not isinstance(value, str):
        return value
    parts = [part.strip() for part in value.replace("，", ",").split(",")]
    return list(dict.fromkeys(part for part in parts if part))


def _switch(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    if text in _TRUE | _FALSE:
        return text in _TRUE
    raise ValueError(f"is {value!r}; valid are {', '.join(sorted(_TRUE))} and {', '.join(sorted(_FALSE))}")


def _pairs(value: Any) -> Any:
    """`experience=102,108&degree=203` as pairs."""
    if not isinstance(value, str):
        return value
    pairs = parse_qsl(value, keep_blank_values=False)
    if value.strip() and not pairs:
        raise ValueError(f"is {value!r}; give NAME=CODE pairs joined by &, as in experience=102,108&degree=203")
    return tuple(pairs)


Switch = Annotated[bool, BeforeValidator(_switch)]


class KeywordParams(BaseModel):
    """What `scrapy crawl` takes with -a, the same for every platform."""

    model_config = ConfigDict(extra="ignore", frozen=True)  # scrapyd adds _job and others

    keywords: Annotated[list[str], BeforeValidator(_split)] = Field(
        default=[], title="Keywords", description="texts to search, separated by commas; each is searched in each city"
    )
    city: Annotated[list[str], BeforeValidator(_split)] = Field(
        default=["全国"],
        title="City",
        description="city names (北京) or the platform's own codes, separated by commas; default the whole country",
    )
    pages: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        title="Pages",
        description="search pages per keyword and city at most; default as deep as the platform goes",
    )
    details: Switch = Field(default=True, title="Details", description="fetch what the list lacks of a posting (its description)")
    companies: Switch = Field(default=True, title="Companies", description="fetch companies' own pages where the platform has them")
    filters: Annotated[tuple[tuple[str, str], ...], BeforeValidator(_pairs)] = Field(
        default=(), title="Filters", description="the platform's own search parameters, as NAME=CODE joined by &"
    )

    @field_validator("keywords")
    @classmethod
    def _are_short(cls, keywords: list[str]) -> list[str]:
        for keyword in keywords:
            if len(keyword) > 100:
                raise ValueError(f"holds one of {len(keyword)} characters ({keyword[:20]}...); at most 100 are searched")
        return keywords


def read_params(arguments: dict[str, Any]) -> KeywordParams:
    """Validate spider arguments. Raises ArgumentsInvalidError naming each argument, its value and what is valid."""
    known = KeywordParams.model_fields
    unknown = [name for name in arguments if name not in known and not name.startswith("_")]
    if unknown:
        raise ArgumentsInvalidError(f"unknown spider argument {', '.join(unknown)}; valid are {', '.join(known)}")
    try:
        return KeywordParams(**arguments)
    except ValidationError as error:
        raise ArgumentsInvalidError("; ".join(_explain(part) for part in error.errors())) from None


def _explain(error: Any) -> str:
    name = str(error["loc"][0])
    what = error["msg"].removeprefix("Value error, ")
    value = "" if "is '" in what or "holds" in what else f" is {error['input']!r}:"
    return f"argument {name}{value} {what} ({KeywordParams.model_fields[name].description})"


def plan_keywords(platform: SearchPlatform, params: KeywordParams) -> list[Keyword]:
    """Every keyword in every city. Raises ArgumentsInvalidError for a city or a filter that the platform does not have."""
    unknown = [name for name, _ in params.filters if name not in platform.filter_names]
    if unknown:
        valid = ", ".join(sorted(platform.filter_names))
        raise ArgumentsInvalidError(f"argument filters: {platform.name} has no filter {', '.join(unknown)}; valid are {valid}")
    try:
        codes = dict.fromkeys(platform.city_code(city) for city in params.city)
    except ValueError as error:
        raise ArgumentsInvalidError(f"argument city: {error}") from None
    return [Keyword(platform.name, text, code, params.pages) for text in params.keywords for code in codes]
