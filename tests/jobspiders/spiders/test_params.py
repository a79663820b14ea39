"""Spider arguments: every wrong one is named with its value and what is valid, before anything is crawled."""

from __future__ import annotations

from typing import Any

import pytest

from jobspiders.errors import ArgumentsInvalidError
from jobspiders.spiders.params import plan_keywords, read_params


def test_read_params_everything_given_is_typed() -> None:
    params = read_params(
        {
            "keywords": "Python, Java，Python",
            "city": "北京,101020100",
            "pages": "3",
            "details": "0",
            "companies": "yes",
            "filters": "experience=102,108&degree=203",
            "_job": "scrapyd's",
        }
    )
    assert params.keywords == ["Python", "Java"]
    assert params.city == ["北京", "101020100"]
    assert (params.pages, params.details, params.companies) == (3, False, True)
    assert params.filters == (("experience", "102,108"), ("degree", "203"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pages": "many"}, r"argument pages is 'many'.*valid integer"),
        ({"pages": "0"}, r"argument pages is '0'.*greater than or equal to 1"),
        ({"details": "perhaps"}, r"argument details is 'perhaps'; valid are 1, on, true, yes and 0, false, no, off"),
        ({"filters": "nonsense"}, r"argument filters is 'nonsense'; give NAME=CODE"),
        ({"keyword": "Python"}, r"unknown spider argument keyword; valid are keywords, city, pages"),
        ({"keywords": "x" * 101}, r"argument keywords holds one of 101 characters"),
        ({"pages": "x", "details": "y"}, r"pages.*details"),
    ],
)
def test_read_params_wrong_value_is_explained(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ArgumentsInvalidError, match=message):
        read_params(arguments)


def test_plan_keywords_every_text_in_every_city(platform: Any) -> None:
    planned = plan_keywords(platform, read_params({"keywords": "a,b", "city": "北京,1,上海", "pages": "2"}))
    assert [(keyword.text, keyword.city_code, keyword.depth) for keyword in planned] == [
        ("a", "1", 2),
        ("a", "2", 2),
        ("b", "1", 2),
        ("b", "2", 2),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"keywords": "a", "city": "火星"}, r"argument city: city '火星' is not known; valid are 北京, 上海, 全国"),
        ({"keywords": "a", "filters": "shoe=43"}, r"boss has no filter shoe; valid are degree, salary"),
    ],
)
def test_plan_keywords_what_the_platform_lacks_is_named(platform: Any, arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ArgumentsInvalidError, match=message):
        plan_keywords(platform, read_params(arguments))
