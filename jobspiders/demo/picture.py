"""The picture at the end of the demo: what a month pays, by city and platform, drawn from the rows just stored."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

import matplotlib as mpl

mpl.use("svg")  # no display, no window
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from jobschema import Platform

COLOURS = {Platform.BOSS: "#00a6a7", Platform.QCWY: "#ff7a1a", Platform.ZHILIAN: "#4457d6"}
NAMES = {Platform.BOSS: "Boss直聘", Platform.QCWY: "前程无忧", Platform.ZHILIAN: "智联招聘"}
CITIES = 8
LEAST = 5  # postings that a box needs to say anything
FONTS = ["Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "WenQuanYi Zen Hei", "sans-serif"]

Salaries = dict[str, dict[Platform, list[float]]]


def draw_salaries(rows: Iterable[tuple[str, str, float]], path: Path) -> Path:
    """Draw monthly salaries as boxes (quartiles, whiskers at 5 % and 95 %) into an SVG file.

    `rows`: (platform, city, CNY per month). The cities with the most postings are shown, dearest first.
    """
    salaries = _by_city(rows)
    cities = _choose(salaries)
    # Text stays text in the SVG: the reader's own fonts draw the Chinese, and the file can be searched.
    # matplotlib only measures it, so a machine without Chinese fonts is no reason to warn.
    style = mpl.rc_context({"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 11})
    with style, warnings.catch_warnings(action="ignore", category=UserWarning):
        height = 1.6 + 0.85 * max(len(cities), 1)
        figure, axes = plt.subplots(figsize=(10, height))
        figure.subplots_adjust(left=0.09, right=0.97, bottom=0.75 / height, top=1 - 0.5 / height)
        for position, city in enumerate(cities):
            _draw_city(axes, position, salaries[city])
        _dress(axes, cities, sum(len(values) for city in salaries.values() for values in city.values()))
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg")
        plt.close(figure)
    _name_fonts(path)
    return path


def _by_city(rows: Iterable[tuple[str, str, float]]) -> Salaries:
    salaries: Salaries = defaultdict(lambda: defaultdict(list))
    for platform, city, salary in rows:
        salaries[city or "?"][Platform(platform)].append(salary)
    return salaries


def _choose(salaries: Salaries) -> list[str]:
    def count(city: str) -> int:
        return sum(len(values) for values in salaries[city].values())

    largest = sorted((city for city in salaries if count(city) >= LEAST), key=count, reverse=True)[:CITIES]
    return sorted(largest, key=lambda city: median(value for values in salaries[city].values() for value in values))


def _draw_city(axes: Axes, position: int, by_platform: dict[Platform, list[float]]) -> None:
    for offset, platform in zip((0.26, 0.0, -0.26), Platform, strict=True):
        values = [value / 1000 for value in by_platform.get(platform, [])]
        if len(values) < LEAST:
            continue
        colour = COLOURS[platform]
        axes.boxplot(
            [values],
            positions=[position + offset],
            widths=0.2,
            orientation="horizontal",
            whis=(5, 95),
            showfliers=False,
            patch_artist=True,
            boxprops={"facecolor": colour, "edgecolor": colour, "alpha": 0.85},
            whiskerprops={"color": colour, "linewidth": 1.4},
            capprops={"color": colour, "linewidth": 1.4},
            medianprops={"color": "white", "linewidth": 2},
        )


def _dress(axes: Axes, cities: Sequence[str], count: int) -> None:
    axes.set_yticks(range(len(cities)), cities)
    axes.set_ylim(-0.6, max(len(cities), 1) - 0.4)
    axes.set_xlim(left=0)
    axes.set_xlabel("CNY per month, thousands (middle of the stated range)")
    axes.set_title(f"What a month pays: {count:,} postings by city and platform", loc="left", fontweight="bold")
    axes.grid(axis="x", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(left=False)
    handles = [Rectangle((0, 0), 1, 1, facecolor=COLOURS[platform], label=NAMES[platform]) for platform in Platform]
    axes.legend(handles=handles, loc="lower right", frameon=False)


def _name_fonts(path: Path) -> None:
    """Name fonts that can draw Chinese, in the order of preference: matplotlib only knows those of this machine."""
    families = ", ".join(f"'{name}'" if " " in name else name for name in FONTS)
    text = path.read_text("utf-8")
    path.write_text(text.replace("sans-serif", families), "utf-8")
