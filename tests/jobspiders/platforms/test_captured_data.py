"""Every captured envelope: the right verdict, nothing refused, no personal key. Reads ../shared/data, which is not part of the project."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from jobschema import Verdict
from jobspiders.platforms import replay_call
from jobspiders.platforms.base import Answer, CallKind, Reading
from jobspiders.platforms.privacy import is_personal

pytestmark = pytest.mark.data

DATA = Path(__file__).parents[3] / ".." / "shared" / "data"


def opened(name: str) -> bytes:
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"captured data is absent: {path}")
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def lines(name: str) -> Iterator[Any]:
    return map(orjson.loads, opened(name).splitlines())


def read(made, platform: str, kind: CallKind, document: object) -> Reading:
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    reading = made.platform(platform).read(replay_call(kind), Answer(200, {"content-type": "application/json"}, body))
    assert not reading.rejects, [(reject.reason, reject.item_id) for reject in reading.rejects]
    for row in (*reading.jobs, *reading.companies):
        assert_no_personal_key(row.raw)
    return reading


def assert_no_personal_key(value: object) -> None:
    if isinstance(value, dict):
        assert not [key for key in value if is_personal(key)]
        for inner in value.values():
            assert_no_personal_key(inner)
    elif isinstance(value, list):
        for inner in value:
            assert_no_personal_key(inner)
    elif isinstance(value, str) and value[:1] in ("{", "["):
        try:
            inner = orjson.loads(value)
        except orjson.JSONDecodeError:
            return  # a posting's text may begin with a bracket
        assert_no_personal_key(inner)


def test_every_qcwy_search_is_read_whole(made):
    jobs = set()
    for number, line in enumerate(lines("qcwy/search_pc_envelopes.jsonl.gz")):
        held = line["response"]["resultbody"]["job"]
        reading = read(made, "qcwy", CallKind.SEARCH, line["response"])
        assert reading.verdict is Verdict.OK, f"line {number}"
        assert [job.job_id for job in reading.jobs] == [item["jobId"] for item in held["items"]]
        assert (reading.total, reading.capped) == (held["totalCount"], held["totalCount"] >= 1000)
        assert {company.company_id for company in reading.companies} == {item["encCoId"] for item in held["items"]}
        assert all(job.description is not None and job.url.startswith("https://") and "?" not in job.url for job in reading.jobs)
        jobs |= {job.job_id for job in reading.jobs}
    assert len(jobs) > 5_000


def test_every_qcwy_item_whose_area_is_told_has_its_city(made):
    for line in lines("qcwy/search_pc_envelopes.jsonl.gz"):
        for job in read(made, "qcwy", CallKind.SEARCH, line["response"]).jobs:
            assert job.city or "jobAreaLevelDetail" not in job.raw


def test_qcwy_slider_pages_are_challenges(made):
    pages = json.loads(opened("qcwy/waf_slider_pages.json"))
    assert [read(made, "qcwy", CallKind.SEARCH, page["body"].encode()).verdict for page in pages] == [Verdict.CHALLENGE] * len(pages)


def test_qcwy_error_shapes_have_their_verdicts(made):
    bodies = [shape["body"] for shape in json.loads(opened("qcwy/error_and_block_shapes.json")) if "body" in shape]
    verdicts = [read(made, "qcwy", CallKind.SEARCH, body).verdict for body in bodies]
    assert verdicts == [Verdict.EMPTY, Verdict.CHALLENGE, Verdict.RATE_LIMITED, Verdict.SOFT_BAN]


def test_every_qcwy_sample_file_is_read(made):
    opened("qcwy/waf_slider_pages.json")  # skips when the data is absent
    for path in sorted((DATA / "qcwy" / "samples").glob("*.json")):
        document = json.loads(path.read_bytes())
        if isinstance(document, list):
            document = {"status": "1", "resultbody": {"job": {"items": document, "totalCount": len(document)}}}
        assert read(made, "qcwy", CallKind.SEARCH, document).verdict is Verdict.OK, path.name


def test_every_boss_web_list_is_read_whole(made):
    for line in lines("boss/web_joblist_envelopes.jsonl.gz"):
        data = line["response"]["zpData"]
        reading = read(made, "boss", CallKind.SEARCH, line["response"])
        assert (reading.verdict, reading.has_more, reading.total) == (Verdict.OK, data["hasMore"], data["totalCount"])
        assert [job.job_id for job in reading.jobs] == [item["encryptJobId"] for item in data["jobList"]]
        assert all(job.handle["securityId"] and job.company_id and job.employment for job in reading.jobs)


def test_every_boss_mini_program_item_is_read_as_a_search_item(made):
    items = list(lines("boss/miniapp_list_items_from_relatedJobList.jsonl.gz"))
    reading = read(made, "boss", CallKind.SEARCH, {"code": 0, "message": "Success", "zpData": {"list": items, "hasMore": False}})
    assert (reading.verdict, len(reading.jobs)) == (Verdict.OK, len(items))


def test_every_boss_detail_is_read_with_its_company_alone_and_in_batches(made):
    documents = [line["response"] for line in lines("boss/miniapp_job_detail_envelopes.jsonl.gz")]
    for document in documents:
        reading = read(made, "boss", CallKind.DETAIL, document)
        (job,), (company,) = reading.jobs, reading.companies
        assert reading.verdict is Verdict.OK
        assert job.description
        assert job.longitude
        assert job.company_id == company.company_id
        assert company.full_name
    for start in range(0, len(documents), 5):
        part = documents[start : start + 5]
        reading = read(made, "boss", CallKind.BATCH, {"code": 0, "zpData": {str(number): document for number, document in enumerate(part)}})
        assert (reading.verdict, len(reading.jobs)) == (
            Verdict.OK,
            len({document["zpData"]["jobBaseInfoVO"]["encryptJobId"] for document in part}),
        )


def test_every_boss_company_is_read_as_a_brand_page(made):
    for brand in lines("boss/miniapp_brandComInfoVO.jsonl.gz"):
        assert read(made, "boss", CallKind.COMPANY, {"code": 0, "zpData": brand}).verdict is Verdict.OK


def test_every_boss_error_has_its_verdict(made):
    expected = {
        7: Verdict.TOKEN_INVALID,
        24: Verdict.TOKEN_INVALID,
        35: Verdict.IP_BANNED,
        36: Verdict.ACCOUNT_BANNED,
        37: Verdict.CHALLENGE,
    }
    bodies = [shape["body"] for shape in json.loads(opened("boss/error_envelopes.json"))]
    assert len(bodies) == 6
    for body in bodies:
        assert read(made, "boss", CallKind.SEARCH, body).verdict is expected[body["code"]]


def test_boss_city_codes_agree_with_the_captured_map(made):
    boss, known = made.platform("boss"), json.loads(opened("boss/city_code_map.json"))
    agreed = 0
    for name, code in known.items():
        try:
            assert boss.city_code(name) == str(code)
            agreed += 1
        except ValueError:
            continue
    assert agreed > 40


def test_zhilian_results_of_2018_are_read_whole(made):
    items = json.loads(opened("zhilian/c_i_sou_results_2018.json"))
    reading = read(made, "zhilian", CallKind.SEARCH, {"code": 200, "data": {"numFound": 600, "results": items}})
    assert (reading.verdict, len(reading.jobs), reading.has_more) == (Verdict.OK, len(items), True)
    assert all(job.city and job.city_code and job.experience_text and job.education_text for job in reading.jobs)


def test_zhilian_shapes_of_today_are_read(made):
    shapes = json.loads(opened("zhilian/samples_search_positions_from_tests.json"))
    reduced = read(made, "zhilian", CallKind.SEARCH, shapes["A_2026_09_10_reduced_real_sample"]["body"])
    assert (reduced.verdict, len(reduced.jobs), reduced.ads, reduced.has_more) == (Verdict.OK, 2, 1, True)
    items = [shapes["B_jobhive_item"]["item"], shapes["C_recommendation_item"]["item"]]
    cards = read(made, "zhilian", CallKind.SEARCH, {"code": 200, "data": {"isEndPage": 1, "list": items}})
    assert [bool(job.description) for job in cards.jobs] == [True, False]


def test_zhilian_cards_of_2026_are_read_as_items(made):
    rows = list(csv.DictReader(opened("zhilian/sou_cards_2026.csv.gz").decode().splitlines()))
    items = []
    for number, row in enumerate(rows):
        places = [*row.pop("workCity_district_street").split("·"), "", ""]
        items.append({**row, "number": f"CC{number:09d}", "workCity": places[0], "cityDistrict": places[1], "streetName": places[2]})
    reading = read(made, "zhilian", CallKind.SEARCH, {"code": 200, "data": {"isEndPage": 1, "list": items}})
    assert (reading.verdict, len(reading.jobs)) == (Verdict.OK, len(rows))


def test_zhilian_detail_of_2019_is_read_with_its_company(made):
    reading = read(made, "zhilian", CallKind.DETAIL, json.loads(opened("zhilian/samples_position_detail_2019.json"))["body"])
    assert (reading.verdict, len(reading.jobs), len(reading.companies)) == (Verdict.OK, 1, 1)


def test_zhilian_error_shapes_have_their_verdicts(made):
    shapes = json.loads(opened("zhilian/error_and_block_shapes.json"))
    verdicts = [read(made, "zhilian", CallKind.SEARCH, shape["body"]).verdict for shape in shapes if "body" in shape]
    assert verdicts == [Verdict.TOKEN_INVALID, Verdict.SOFT_BAN, Verdict.SOFT_BAN, Verdict.EMPTY, Verdict.SERVER_ERROR]
    for shape in shapes:
        for mark in shape.get("markers", ()):
            if not mark.startswith("no "):
                page = f"<html><body>{mark}</body></html>".encode()
                assert read(made, "zhilian", CallKind.SEARCH, page).verdict is Verdict.CHALLENGE, mark
