"""Whatever the bytes are: `read` answers with a verdict, and a bad verdict carries nothing that could be stored."""

from __future__ import annotations

from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobspiders.platforms import replay_call
from jobspiders.platforms.base import Answer, CallKind

STEADY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine fails no test
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=6), inside, max_size=3),
    max_leaves=6,
)


def check(platform, kind, status, headers, body):
    reading = platform.read(replay_call(kind), Answer(status, headers, body))
    assert reading.verdict.is_good or not (reading.jobs or reading.companies)
    assert len(reading.jobs) + len(reading.rejects) <= max(reading.items, 2 * len(reading.rejects))
    for job in reading.jobs:
        assert job.job_id
        orjson.dumps(job.raw)


@pytest.fixture(scope="session")
def documents(made):
    return {
        ("boss", CallKind.SEARCH): made.boss_page([made.boss_item(), made.boss_web_item(2)]),
        ("boss", CallKind.DETAIL): made.boss_detail(),
        ("boss", CallKind.BATCH): {"code": 0, "zpData": {"a": made.boss_detail(), "b": {"code": 37}}},
        ("boss", CallKind.COMPANY): {"code": 0, "zpData": made.boss_brand()},
        ("qcwy", CallKind.SEARCH): made.qcwy_page([made.qcwy_item(), made.qcwy_item(2)]),
        ("zhilian", CallKind.SEARCH): made.zhilian_page([made.zhilian_item(), {"adResponse": {}}]),
        ("zhilian", CallKind.DETAIL): {
            "code": 200,
            "data": {"detailedPosition": made.zhilian_item(), "detailedCompany": {"companyName": "c"}},
        },
    }


@pytest.mark.parametrize("name", ["boss", "qcwy", "zhilian"])
@settings(STEADY)
@given(kind=st.sampled_from(CallKind), status=st.integers(100, 599), location=st.text(max_size=9), body=st.binary(max_size=200))
def test_read_of_any_bytes_does_not_raise(made, name, kind, status, location, body):
    check(made.platform(name), kind, status, {"location": location, "retry-after": location, "date": location}, body)


@pytest.mark.parametrize("name", ["boss", "qcwy", "zhilian"])
@settings(STEADY)
@given(kind=st.sampled_from(CallKind), document=JSON_VALUES, status=st.sampled_from([200, 200, 403, 500]))
def test_read_of_any_json_does_not_raise(made, name, kind, document, status):
    for wrapped in (
        document,
        {"code": 0, "zpData": document},
        {"code": 200, "data": document},
        {"status": "1", "resultbody": {"job": document}},
    ):
        check(made.platform(name), kind, status, {}, orjson.dumps(wrapped))


def replace_somewhere(document: Any, random: Random, value: Any) -> Any:
    """The document with one random part replaced by `value`, or removed."""
    if not isinstance(document, dict | list) or not document or random.random() < 0.1:
        return value
    if isinstance(document, dict):
        key = random.choice(list(document))
        if random.random() < 0.1:
            return {k: v for k, v in document.items() if k != key}
        return {**document, key: replace_somewhere(document[key], random, value)}
    place = random.randrange(len(document))
    return [*document[:place], replace_somewhere(document[place], random, value), *document[place + 1 :]]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("boss", kind) for kind in CallKind] + [("qcwy", CallKind.SEARCH), ("zhilian", CallKind.SEARCH), ("zhilian", CallKind.DETAIL)],
)
@settings(STEADY, max_examples=150)
@given(seed=st.integers(0, 2**32), changes=st.lists(JSON_VALUES, min_size=1, max_size=3), cut=st.floats(0, 3))
def test_read_of_a_mutated_envelope_does_not_raise(made, documents, name, kind, seed, changes, cut):
    random, document = Random(seed), documents[name, kind]
    for value in changes:
        document = replace_somewhere(document, random, value)
    body = orjson.dumps(document)
    check(made.platform(name), kind, 200, {}, body if cut >= 1 else body[: int(len(body) * cut)])


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000, b'{"code":' + b"9" * 6_000 + b"}", b'{"code":1e999}', b'{"code":NaN}']
)
def test_read_of_extreme_json_does_not_raise(made, body):
    for name in ("boss", "qcwy", "zhilian"):
        check(made.platform(name), CallKind.SEARCH, 200, {}, body)
