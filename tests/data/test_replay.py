"""`scrapy replay` over every captured envelope: the right verdict, rows, rejects listed, and never an exception."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from scrapy.settings import Settings

from jobschema import Platform, Verdict
from jobspiders.commands.replay import describe
from jobspiders.platforms import build_reader, replay_call
from jobspiders.platforms.base import Answer, CallKind

pytestmark = pytest.mark.data

ROOT = Path(__file__).parents[2]
DATA = ROOT / ".." / "shared" / "data"
JSON, HTML = "application/json", "text/html; charset=utf-8"
BOSS_CODES = {7: Verdict.TOKEN_INVALID, 24: Verdict.TOKEN_INVALID, 35: Verdict.IP_BANNED, 36: Verdict.ACCOUNT_BANNED, 37: Verdict.CHALLENGE}
QCWY_SHAPES = (Verdict.EMPTY, Verdict.CHALLENGE, Verdict.RATE_LIMITED, Verdict.SOFT_BAN)
ZHILIAN_SHAPES = (Verdict.TOKEN_INVALID, Verdict.SOFT_BAN, Verdict.SOFT_BAN, Verdict.EMPTY, Verdict.SERVER_ERROR)


@dataclass(frozen=True)
class Saved:
    """One captured answer, what asked for it and what it is."""

    platform: str
    kind: CallKind
    body: bytes
    verdict: Verdict
    content_type: str = JSON


def load(name: str) -> Any:
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"captured data is absent: {path}")
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    return [json.loads(line) for line in text.splitlines()] if ".jsonl" in path.suffixes else json.loads(text)


def saved(platform: str, kind: CallKind, document: Any, verdict: Verdict = Verdict.OK, content_type: str = JSON) -> Saved:
    body = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
    return Saved(platform, kind, body.encode("utf-8", "surrogatepass"), verdict, content_type)


def qcwy_searches() -> Iterator[Saved]:
    for line in load("qcwy/search_pc_envelopes.jsonl.gz"):
        yield saved("qcwy", CallKind.SEARCH, line["response"])


def qcwy_blocks() -> Iterator[Saved]:
    for page in load("qcwy/waf_slider_pages.json"):
        yield saved("qcwy", CallKind.SEARCH, page["body"], Verdict.CHALLENGE, HTML)
    shapes = [shape["body"] for shape in load("qcwy/error_and_block_shapes.json") if "body" in shape]
    for body, verdict in zip(shapes, QCWY_SHAPES, strict=True):
        yield saved("qcwy", CallKind.SEARCH, body, verdict, HTML if isinstance(body, str) else JSON)


def boss_searches() -> Iterator[Saved]:
    for line in load("boss/web_joblist_envelopes.jsonl.gz"):
        yield saved("boss", CallKind.SEARCH, line["response"])


def boss_details() -> Iterator[Saved]:
    for line in load("boss/miniapp_job_detail_envelopes.jsonl.gz"):
        yield saved("boss", CallKind.DETAIL, line["response"])


def boss_batches() -> Iterator[Saved]:
    details = [line["response"] for line in load("boss/miniapp_job_detail_envelopes.jsonl.gz")]
    for start in range(0, len(details), 5):
        parts = {str(number): detail for number, detail in enumerate(details[start : start + 5])}
        yield saved("boss", CallKind.BATCH, {"code": 0, "message": "Success", "zpData": parts})


def boss_companies() -> Iterator[Saved]:
    for brand in load("boss/miniapp_brandComInfoVO.jsonl.gz"):
        yield saved("boss", CallKind.COMPANY, {"code": 0, "message": "Success", "zpData": brand})


def boss_blocks() -> Iterator[Saved]:
    for shape in load("boss/error_envelopes.json"):
        yield saved("boss", CallKind.SEARCH, shape["body"], BOSS_CODES[shape["body"]["code"]])


def zhilian_answers() -> Iterator[Saved]:
    results = load("zhilian/c_i_sou_results_2018.json")
    yield saved("zhilian", CallKind.SEARCH, {"code": 200, "data": {"numFound": 600, "results": results}})
    shapes = load("zhilian/samples_search_positions_from_tests.json")
    yield saved("zhilian", CallKind.SEARCH, shapes["A_2026_09_10_reduced_real_sample"]["body"])
    yield saved("zhilian", CallKind.DETAIL, load("zhilian/samples_position_detail_2019.json")["body"])


def zhilian_blocks() -> Iterator[Saved]:
    shapes = load("zhilian/error_and_block_shapes.json")
    bodies = [shape["body"] for shape in shapes if "body" in shape]
    for body, verdict in zip(bodies, ZHILIAN_SHAPES, strict=True):
        yield saved("zhilian", CallKind.SEARCH, body, verdict)
    for mark in (mark for shape in shapes for mark in shape.get("markers", ()) if not mark.startswith("no ")):
        yield saved("zhilian", CallKind.SEARCH, f"<html><body>{mark}</body></html>", Verdict.CHALLENGE, HTML)


GROUPS: list[Callable[[], Iterator[Saved]]] = [
    qcwy_searches,
    qcwy_blocks,
    boss_searches,
    boss_details,
    boss_batches,
    boss_companies,
    boss_blocks,
    zhilian_answers,
    zhilian_blocks,
]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__)
def test_replay_every_captured_envelope_has_its_verdict_and_its_rows(group: Callable[[], Iterator[Saved]]) -> None:
    counts: Counter[str] = Counter()
    for number, one in enumerate(group()):
        reader = build_reader(one.platform, Settings())
        reading = reader.read(replay_call(one.kind), Answer(200, {"content-type": one.content_type}, one.body))
        head, *lines = [
            json.loads(json.dumps(line, ensure_ascii=False, default=str)) for line in describe(Platform(one.platform), reading, mask=True)
        ]
        assert head["verdict"] == one.verdict, f"envelope {number}: {head}"
        listed = Counter(name for line in lines for name in line)
        assert listed == +Counter({"job": head["jobs"], "company": head["companies"], "rejected": head["rejected"]})
        if one.verdict is Verdict.OK:
            assert head["jobs"] + head["companies"] > 0
            assert head["items"] == head["jobs"] + head["ads"] + head["rejected"] or one.kind is not CallKind.SEARCH
        counts.update({"envelopes": 1, f"verdict {head['verdict']}": 1, "jobs": head["jobs"], "companies": head["companies"]})
        counts.update({"rejected": head["rejected"], "ads": head["ads"]})
    print(f"\n{group.__name__}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    assert counts["envelopes"] > 0


def replay(*words: str, body: bytes = b"") -> tuple[int, list[dict[str, Any]], str]:
    """The real command: exit code, printed lines, standard error. No setting, no secret."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("BOSS_", "QCWY_", "ZHILIAN_"))}
    command = [sys.executable, "-m", "scrapy", "replay", *words]
    ran = subprocess.run(command, cwd=ROOT, env=environment, input=body, capture_output=True, timeout=60, check=False)
    return ran.returncode, [json.loads(line) for line in ran.stdout.splitlines()], ran.stderr.decode()


def without_clock(line: dict[str, Any]) -> dict[str, Any]:
    """A printed line without the moment at which it was read."""
    return {name: {**row, "crawled_at": None} if name in ("job", "company") else row for name, row in line.items()}


def test_replay_command_reads_a_captured_page_from_a_file_and_from_standard_input() -> None:
    path = DATA / "qcwy" / "samples" / "search_pc_last_partial_page_total_38_page_2.json"
    document = load(f"qcwy/samples/{path.name}")
    code, lines, errors = replay("qcwy", "search", str(path))
    assert (code, errors) == (0, "")
    assert lines[0]["verdict"] == "ok"
    assert lines[0]["jobs"] == len(document["resultbody"]["job"]["items"]) == sum("job" in line for line in lines)
    again = replay("qcwy", "search", "-", body=path.read_bytes())[1]
    assert [without_clock(line) for line in again] == [without_clock(line) for line in lines]


def test_replay_command_shows_a_captured_block_and_exits_4() -> None:
    page = load("qcwy/waf_slider_pages.json")[0]["body"].encode()
    code, lines, errors = replay("qcwy", "search", "--content-type", HTML, "-", body=page)
    assert (code, errors, [line["verdict"] for line in lines]) == (4, "", ["challenge"])


def test_replay_command_lists_a_refused_row_with_its_reason() -> None:
    document = load("qcwy/samples/search_pc_last_partial_page_total_38_page_2.json")
    del document["resultbody"]["job"]["items"][0]["jobName"]
    code, lines, _ = replay("qcwy", "search", "-", body=json.dumps(document).encode())
    assert code == 0
    assert [line["rejected"]["reason"] for line in lines[1:] if "rejected" in line] == ["jobName:missing"]
    assert lines[0]["rejected"] == 1
