"""From settings to a configured platform: coercion, defaults, errors that name the setting and never a secret."""

from __future__ import annotations

import pytest

from jobschema import Platform
from jobspiders.platforms import build_platform


class Wrapped:
    """A secret wrapper as the settings use it."""

    def __init__(self, text):
        self._text = text

    def reveal(self):
        return self._text


@pytest.mark.parametrize(("name", "max_pages"), [("boss", 99), ("qcwy", 50), ("zhilian", 50)])
def test_platform_is_built_from_defaults(made, name, max_pages):
    platform = made.platform(name)

    assert platform.name is Platform(name)
    assert platform.needs_token is (name == "boss")
    assert platform.max_pages == max_pages


def test_values_are_coerced_from_text_and_unwrapped():
    boss = build_platform(
        "boss", {"BOSS_PAGE_SIZE": "30", "BOSS_WT2": Wrapped("w"), "PERSONAL_DATA_ENABLED": "true", "SCHEMA_REJECTED_SHARE": "0.5"}
    )
    assert (boss.options.page_size, boss.options.wt2, boss.options.personal_data, boss.options.rejected_share) == (30, "w", True, 0.5)
    assert "'w'" not in repr(boss.options)

    qcwy = build_platform("qcwy", {"QCWY_SIGN_KEY": Wrapped("secret-key"), "QCWY_PAGE_SIZE": "", "QCWY_UUID": None})
    assert (qcwy.options.sign_key, qcwy.options.page_size) == ("secret-key", 20)
    assert "secret-key" not in repr(qcwy.options) + repr(qcwy)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("lagou", {}, r"platform 'lagou' is not known: give one of boss, qcwy, zhilian"),
        ("boss", {"BOSS_PAGE_SIZE": "20"}, r"BOSS_PAGE_SIZE is 20, .* give one of 10, 15, 30"),
        ("boss", {"BOSS_PAGE_SIZE": "many"}, r"BOSS_PAGE_SIZE is 'many', .*int"),
        ("boss", {"BOSS_BATCH_SIZE": 0}, r"BOSS_BATCH_SIZE is 0, .* from 1 to 20"),
        ("boss", {"BOSS_PLATFORM": "android"}, r"BOSS_PLATFORM is 'android', .*zhipin/windows"),
        ("boss", {"BOSS_BASE_URL": "www.zhipin.com"}, r"BOSS_BASE_URL is 'www.zhipin.com', .*https://host"),
        ("boss", {"PERSONAL_DATA_ENABLED": "maybe"}, r"PERSONAL_DATA_ENABLED is 'maybe', .*true or false"),
        ("qcwy", {"QCWY_DOOR": "back"}, r"QCWY_DOOR is 'back', .*search, web, wxmini"),
        ("qcwy", {}, r"QCWY_SIGN_KEY is not set"),
        ("qcwy", {"QCWY_SIGN_KEY": ["secret-key"]}, r"QCWY_SIGN_KEY is a secret that is not shown"),
        ("zhilian", {"SCHEMA_REJECTED_SHARE": "2"}, r"SCHEMA_REJECTED_SHARE is 2.0, .* from 0 to 1"),
    ],
)
def test_bad_value_names_the_setting_the_value_and_what_is_valid(name, settings, message):
    with pytest.raises(ValueError, match=message) as caught:
        build_platform(name, settings)
    assert "secret-key" not in str(caught.value)
