"""What goes into a script and what may come out."""

from __future__ import annotations

import pytest

from jobspiders.signers.signature import ScriptSignature, check_request, read_signature, signing_request


def test_signing_request_cuts_path_and_query_as_sent():
    request = signing_request("GET", "https://h.example/a%20b/c?x=%7C&y=#part", timestamp=5, nonce="n")
    assert (request["path"], request["query"], request["body"]) == ("/a%20b/c", "x=%7C&y=", "")
    assert check_request(request) == request


def test_signing_request_without_path_has_a_slash():
    assert signing_request("GET", "https://h.example", timestamp=5, nonce="n")["path"] == "/"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"body": b"planted-secret"}, "body is bytes"),
        ({"timestamp": "planted-secret"}, "timestamp is str"),
        ({"headers": {"planted-secret": 1}}, "headers"),
        ({"headers": None}, "headers"),
    ],
)
def test_check_request_of_another_type_is_refused_without_its_value(changes, named):
    with pytest.raises(TypeError, match=named) as caught:
        check_request(changes)
    assert "planted-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "headers", "params"),
    [({}, {}, {}), ({"headers": {"A-b": "1\t2"}}, {"A-b": "1\t2"}, {}), ({"params": {"s ign": "ü"}}, {}, {"s ign": "ü"})],
)
def test_read_signature_of_a_good_answer_is_passed_on(answer, headers, params):
    assert read_signature(answer) == ScriptSignature(headers, params)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, "null or undefined"),
        ("planted-signature", "a string"),
        ([], "an array"),
        (True, "a boolean"),
        ({"header": {}}, "unknown fields 'header'"),
        ({"headers": []}, "headers of its answer is an array"),
        ({"headers": {"a": 1}}, r"headers\['a'\] of its answer is a number"),
        ({"params": {"a": None}}, r"params\['a'\] of its answer is null"),
        ({"params": {"": "x"}}, "empty name"),
        ({"headers": {"a": "planted-signature\r\nx: y"}}, "control character"),
        ({"params": {"a": "planted-signature\n"}}, "control character"),
        ({"headers": {"a\r\nb": "x"}}, "no header name"),
        ({"headers": {"a b": "x"}}, "no header name"),
        ({"headers": {"é": "x"}}, "no header name"),
    ],
)
def test_read_signature_of_a_bad_answer_says_what_is_wrong(answer, told):
    with pytest.raises(ValueError, match=told) as caught:
        read_signature(answer)
    assert "planted-signature" not in str(caught.value)


def test_script_signature_repr_shows_no_value():
    assert "planted" not in repr(ScriptSignature({"planted": "planted"}, {"planted": "planted"}))
