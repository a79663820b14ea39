"""Contacts go, ordinary numbers stay."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobspiders.normalise import mask_contacts
from jobspiders.normalise.contacts import may_hold_contact

MASKED = [
    ("电话13800001234", "电话[PHONE]"),
    ("13800001234（王）", "[PHONE]（王）"),
    ("联系人 138 0000 1234 李", "联系人 [PHONE] 李"),
    ("138-0000-1234", "[PHONE]"),
    ("1380000-1234", "[PHONE]"),
    ("138.0000.1234", "[PHONE]"),
    ("1 3 8 0 0 0 0 1 2 3 4", "[PHONE]"),
    ("１３８００００１２３４", "[PHONE]"),
    ("+86 13800001234", "[PHONE]"),
    ("+86-138-0000-1234", "[PHONE]"),
    ("0086 13800001234", "[PHONE]"),
    ("8613800001234", "[PHONE]"),
    ("tel13800001234", "tel[PHONE]"),
    ("V13800001234", "V[PHONE]"),
    ("电话\n13800001234", "电话\n[PHONE]"),
    ("0571-80000123", "[PHONE]"),
    ("0571-8000 0123", "[PHONE]"),
    ("(010)60000123", "[PHONE]"),
    ("（010）60000123", "[PHONE]"),
    ("0571—80000123转801", "[PHONE]"),
    ("+86 571-8000 0123", "[PHONE]"),
    ("400-123-4567", "[PHONE]"),
    ("4001234567", "[PHONE]"),
    ("电话：8000 0123", "电话：[PHONE]"),
    ("Tel: 60000123", "Tel: [PHONE]"),
    ("简历发hr@example.com。", "简历发[EMAIL]。"),
    ("hr＠example.com.cn", "[EMAIL]"),
    ("hr @ example.cn", "[EMAIL]"),
    ("微信:zhang_san88", "微信:[WECHAT]"),
    ("微信号：zhangsan", "微信号：[WECHAT]"),
    ("微信号 zhang2024", "微信号 [WECHAT]"),
    ("加V：zhang-san", "加V：[WECHAT]"),
    ("V信：zhangsan1", "V信：[WECHAT]"),
    ("薇信：zhangsan", "薇信：[WECHAT]"),
    ("vx abc12345", "vx [WECHAT]"),
    ("VX：abcdef", "VX：[WECHAT]"),
    ("wx:abcdef", "wx:[WECHAT]"),
    ("WeChat: hello_world", "WeChat: [WECHAT]"),
    ("微信：123456789", "微信：[WECHAT]"),
    ("手机微信同号13800001234", "手机微信同号[PHONE]"),
    ("QQ:12345678", "QQ:[QQ]"),
    ("qq群 123456789", "qq群 [QQ]"),
    ("扣扣：１２３４５６７", "扣扣：[QQ]"),
    ("企鹅12345678", "企鹅[QQ]"),
    ("QQ:12345678+86 571-8000 0123", "QQ:[QQ][PHONE]"),  # the second is free only once the first is gone
    ("电话13800001234，编号90fb13800001235", "电话[PHONE]，编号90fb13800001235"),
    ("电话13800001234，坐标120.13800001235", "电话[PHONE]，坐标120.13800001235"),
]
KEPT = [
    "",
    "985/211优先",
    "薪资15000-25000元",
    "8000-12000元/月·13薪",
    "底薪150 6000-8000元",
    "2023-05-31 13:30:22",
    "2019-2024年",
    "坐标120.15938412,30.13812345",
    "CC000544460J40700710516",
    "CCL1514334500J40825123514",
    "1714842858000",
    "90fb07dd13800001234nNz3di4ElpY",
    "微信小程序、微信公众号运营",
    "熟悉微信、Android开发",
    "负责微信H5",
    "熟悉QQ音乐",
    "QQ 10000人的群",
    "员工13000人以上",
    "vue3与vx组件",
    "职位编号152934733",
    "电话销售8000-12000元",
    "电话：2023-05-31前",
    "@提及同事",
    "每周5天，9:00-18:00",
]
CONTACTS = st.sampled_from([text for text, _ in MASKED])
PROSE = st.text(alphabet='职位描述，。 \n\t\\"0123456789abcvxQ微信电话:：@-（）１８', max_size=12)


@pytest.mark.parametrize(("text", "masked"), MASKED)
def test_mask_contacts_contact_is_masked(text: str, masked: str) -> None:
    assert mask_contacts(text) == masked


@pytest.mark.parametrize("text", KEPT)
def test_mask_contacts_ordinary_text_is_kept(text: str) -> None:
    assert mask_contacts(text) == text


@given(parts=st.lists(CONTACTS | PROSE, max_size=6) | st.text().map(lambda text: [text]))
def test_mask_contacts_masked_text_stays_as_it_is(parts: list[str]) -> None:
    masked = mask_contacts("".join(parts))
    assert mask_contacts(masked) == masked


@given(before=PROSE, contact=CONTACTS, after=PROSE)
def test_may_hold_contact_text_that_masking_changes_always_hits(before: str, contact: str, after: str) -> None:
    text = before + contact + after
    if mask_contacts(text) != text:
        assert may_hold_contact(text.encode())
        assert may_hold_contact(orjson.dumps({"id": "x", "text": text}))


@pytest.mark.parametrize(("text", "masked"), MASKED)
@pytest.mark.parametrize("around", ["{}", "\n{}\n", "说明：{}", "（{}）", "\x01{}", '"{}"', "\t{}，"])
def test_may_hold_contact_inside_json_hits(text: str, masked: str, around: str) -> None:
    written = around.format(text)
    assert mask_contacts(written) == around.format(masked)
    assert may_hold_contact(orjson.dumps([written]))
