"""Captured 51job search items on the shelf: the recorded item as it was, its tracking made fresh, the recruiter's personal keys made up."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from sandbox import qcwy_items
from sandbox.model import Entry, Item
from sandbox.pieces import hole, quoted

if TYPE_CHECKING:
    from sandbox.captured import CapturedFolder

REQUEST = re.compile(r"(?<=req=)[0-9a-f]{32}$")
TAGS = 6  # of a posting's skills, so many are worth searching for


def read_qcwy(folder: CapturedFolder, seed: int) -> list[Entry]:
    """One entry a job id; of a job met more than once, the last recording."""
    items: dict[str, Item] = {}
    for envelope in folder.lines("qcwy/search_pc_envelopes.jsonl.gz"):
        for item in envelope["response"]["resultbody"]["job"]["items"]:
            items[item["jobId"]] = item
    return [entry_of(dressed(item, seed)) for item in items.values()]


def dressed(item: Item, seed: int) -> Item:
    """The item with holes for the request's trail and with the keys that the recording lacks."""
    facts = json.loads(item["property"])
    facts.update(jobRank=hole("K"), pageNum=hole("P"), requestId=hole("R"), keyword=hole("k"))
    trail = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    head = item["jobScheme"].partition("&property=")[0]
    link = head + "&property=" + quoted(trail.replace(hole("k"), hole("q")))
    fresh: Item = {"property": trail, "jobScheme": link, "jobHref": REQUEST.sub(hole("R"), item["jobHref"])}
    if "hrPosition" in item:
        person = qcwy_items.recruiter_facts(seed, item["jobId"], 0.5)
        fresh.update({name: person[name] for name in ("hrUid", "hrName", "smallHrLogoUrl")})
    return {**item, **fresh}


def entry_of(item: Item) -> Entry:
    """The entry of a recorded item."""
    detail = item.get("jobAreaLevelDetail", {})
    areas = (item["jobAreaCode"], item["workAreaCode"], detail.get("cityCode", ""))
    tags = item["jobTags"]
    welfare = {row["chineseTitle"] for row in item["jobWelfareCodeDataList"]}
    skills = [tag for tag in tags if tag not in (item["workYearString"], item["degreeString"]) and tag not in welfare]
    return Entry(
        job_id=item["jobId"],
        company_id=item["encCoId"],
        haystack=" ".join((item["jobName"], *tags, item["jobDescribe"])).lower(),
        areas=tuple(dict.fromkeys(filter(None, areas))),
        facets=qcwy_items.facets_of(item),
        item=lambda: item,
        tags=tuple(skills[:TAGS]),
        is_ad=bool(item.get("isAd")),
    )
