"""City names and codes."""

from __future__ import annotations

import pytest

from jobspiders.platforms.cities import QCWY_PROVINCES


@pytest.mark.parametrize(
    ("name", "beijing", "suzhou", "country"),
    [("boss", "101010100", "101190400", "100010000"), ("qcwy", "010000", "070300", "000000"), ("zhilian", "530", "639", "489")],
)
def test_city_is_known_by_name_and_any_code_passes(made, name, beijing, suzhou, country):
    platform = made.platform(name)

    assert [platform.city_code(city) for city in ("北京", "北京市", " 苏州 ", "全国", "123456")] == [
        beijing,
        beijing,
        suzhou,
        country,
        "123456",
    ]


def test_unknown_city_lists_the_known_ones_and_says_that_codes_are_taken(made):
    with pytest.raises(ValueError, match=r"city 'Atlantis' is not known for qcwy: .*北京, 上海.*code in digits \(such as 010000\)"):
        made.platform("qcwy").city_code("Atlantis")


def test_provinces_of_qcwy_cover_every_listed_city(made):
    qcwy = made.platform("qcwy")
    codes = {qcwy.city_code(city) for city in ("北京", "深圳", "东莞", "乌鲁木齐", "西宁")}

    assert all(f"{code[:2]}0000" in QCWY_PROVINCES for code in codes)
