"""The words of a title that one would search for: where a recording holds no skills, they stand in for them."""

from __future__ import annotations

import re

LATIN = re.compile(r"[A-Za-z][A-Za-z+#.]{1,15}")
NOUNS = (
    "产品经理", "项目经理", "运营", "开发", "前端", "后端", "测试", "算法", "数据分析", "数据", "爬虫", "设计", "销售", "市场", "工程师",
    "大模型", "智能体", "人力资源",
    "财务", "客服", "全栈", "架构师", "解决方案",
)  # fmt: skip


def words_of(title: str) -> list[str]:
    """Latin words and known nouns of a title, in order of appearance, without repeats."""
    words = [word.strip(".") for word in LATIN.findall(title)] + [noun for noun in NOUNS if noun in title]
    return list(dict.fromkeys(words))
