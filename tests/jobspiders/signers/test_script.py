"""ScriptSigner as the signing middleware uses it: right answers to the right callers, choice of engine, clear errors."""

from __future__ import annotations

import asyncio
import logging
import traceback

import pytest

from jobspiders.signers.errors import EngineUnavailable, ScriptError, SigningError, SigningTimeout
from jobspiders.signers.script import ScriptSigner

RUNTIMES = ["quickjs", "node"]
SECRET = "planted-Secret/9"
HEADERS = {"mpt": "planted-token-123", "cookie": "wt2=planted-cookie"}


@pytest.mark.parametrize("runtime", [*RUNTIMES, "node-per-call"])
def test_sign_adds_what_the_script_answers(runtime, with_signer, make_request, expected):
    async def use(signer):
        return await signer.sign(make_request("hello", "key"))

    assert with_signer(use, runtime=runtime, timeout=20).headers == {"x-sign": expected("key", "hello")}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_sign_by_200_callers_at_once_answers_each_its_own(runtime, with_signer, make_request, expected):
    async def use(signer):
        return await asyncio.gather(*(signer.sign(make_request(f"body {n}", f"key {n}")) for n in range(200)))

    answers = with_signer(use, runtime=runtime, max_waiting=16)
    assert [answer.headers["x-sign"] for answer in answers] == [expected(f"key {n}", f"body {n}") for n in range(200)]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_script_sees_every_documented_field(runtime, with_signer, make_request):
    source = "function sign(request) { return { params: { seen: JSON.stringify(request, Object.keys(request).sort()) } }; }"

    async def use(signer):
        return (await signer.sign(make_request("b", "s"))).params["seen"]

    assert with_signer(use, source=source, runtime=runtime) == (
        '{"body":"b","headers":{},"method":"POST","nonce":"n","path":"/a/b","query":"c=d%20e&f=","secret":"s","timestamp":1,'
        '"url":"https://example.org/a/b?c=d%20e&f="}'
    )


def test_script_with_another_function_name_is_called_by_it(with_signer, make_request):
    async def use(signer):
        return (await signer.sign(make_request("b"))).params

    source = "const zp = { stamp(r) { return { params: { b: r.body } }; } };"
    assert with_signer(use, source=source, function="zp.stamp") == {"b": "b"}


@pytest.mark.parametrize(
    ("absent", "chosen"),
    [((), "quickjs"), (("quickjs",), "node"), (("node",), "quickjs")],
)
def test_auto_takes_the_first_engine_there_is(absent, chosen, with_signer, make_request, expected, find_without, caplog):
    caplog.set_level(logging.INFO, "jobspiders.signers")

    async def use(signer):
        answers = [await signer.sign(make_request()) for _ in range(3)]
        return answers[2].headers["x-sign"], await signer.open(), signer.state().engine

    assert with_signer(use, find_runtime=find_without(*absent)) == (expected("key", "hello"), chosen, chosen)
    assert [record.message for record in caplog.records if f"runs on {chosen}" in record.message] == [caplog.records[0].message]


def test_auto_passes_over_an_engine_whose_self_test_fails(with_signer, make_request, caplog):
    caplog.set_level(logging.INFO, "jobspiders.signers")
    # WebAssembly: node has it, QuickJS has not.
    source = "function sign(request) { return { params: { kind: typeof new WebAssembly.Memory({ initial: 1 }).buffer } }; }"

    async def use(signer):
        return (await signer.sign(make_request())).params, signer.state().engine

    assert with_signer(use, source=source) == ({"kind": "object"}, "node")
    assert "passed over: quickjs: " in caplog.text


def test_auto_with_no_engine_says_what_to_install(with_signer, make_request, find_without):
    async def use(signer):
        with pytest.raises(EngineUnavailable, match="install quickjs-ng or node") as caught:
            await signer.sign(make_request())
        return str(caught.value)

    told = with_signer(use, find_runtime=find_without("quickjs", "node", "node-per-call"))
    assert all(name in told for name in ("quickjs:", "node:", "node-per-call:", "signing-engine-unavailable"))


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_script_that_fails_the_self_test_on_every_engine_is_a_script_error(runtime, with_signer):
    async def use(signer):
        for _ in range(2):
            with pytest.raises(ScriptError, match=r"\(inline\), function sign\(request\): .*SyntaxError"):
                await signer.open()

    with_signer(use, source="function sign( {", runtime=runtime)


def test_sample_given_by_the_caller_is_what_the_self_test_uses(with_signer, make_request):
    source = "function sign(request) { if (request.secret !== 'key') throw new Error('no key'); return {}; }"

    async def use(signer):
        return await signer.open()

    assert with_signer(use, source=source, sample=make_request()) == "quickjs"


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("{ headers: { 'x-sign': 5 } }", r"headers\['x-sign'\] of its answer is a number, not a string"),
        ("{ headers: { 'x': 'a\\r\\nb: c' } }", "control character"),
        ("'text'", "it answered a string, not an object"),
        ("undefined", "it answered null or undefined"),
        ("{ params: { p: 'x'.repeat(300000) } }", "characters, more than allowed"),
    ],
)
def test_bad_answer_is_a_script_error_and_the_next_call_works(runtime, answer, told, with_signer, make_request):
    source = f"function sign(request) {{ return request.body === 'bad' ? {answer} : {{ params: {{ ok: 'yes' }} }}; }}"

    async def use(signer):
        with pytest.raises(ScriptError, match=told):
            await signer.sign(make_request("bad"))
        assert (await signer.sign(make_request())).params == {"ok": "yes"}
        return signer.state().recycled

    assert with_signer(use, source=source, runtime=runtime) == 1


@pytest.mark.parametrize("runtime", [*RUNTIMES, "node-per-call"])
@pytest.mark.parametrize(
    "fault",
    [
        "throw new Error('cannot sign with ' + request.secret + ' and ' + request.headers.mpt)",
        "throw request.secret",
        "throw { name: request.secret, message: JSON.stringify(request) }",
        "throw new Error(encodeURIComponent(request.secret) + request.secret.split('').reverse().join(''))",
        "throw new Error(request.secret.slice(0, 9))",
        "throw new Error('signature 9e107d9d372bb6826bd81d3542a419d6 is odd')",
        "return { headers: { x: request.secret + '\\n' } }",
        "var answer = { headers: {} }; answer.headers[request.secret + ' '] = 'x'; return answer",
        "var answer = {}; answer[request.headers.cookie] = 'x'; return answer",
        "eval(request.secret + '(')",
        "new Function(request.headers.mpt + ' (')",
    ],
)
def test_no_error_tells_a_secret(runtime, fault, with_signer, make_request, caplog):
    caplog.set_level(logging.DEBUG)
    source = f"function sign(request) {{ if (request.secret === 'sample-secret') return {{}}; {fault}; }}"

    async def use(signer):
        with pytest.raises(ScriptError) as caught:
            await signer.sign(make_request(secret=SECRET, headers=HEADERS))
        error = caught.value
        assert error.__cause__ is None
        assert error.__context__ is None
        return "".join(traceback.format_exception(error)) + repr(error) + repr(signer)

    told = with_signer(use, source=source, runtime=runtime, timeout=20) + caplog.text
    for planted in ("planted-S", "planted-t", "planted-c", "9e107d9d", "9/terceS"):
        assert planted not in told


def test_error_of_the_self_test_tells_no_secret_of_the_sample(with_signer, make_request):
    async def use(signer):
        with pytest.raises(ScriptError) as caught:
            await signer.open()
        return str(caught.value)

    source = "function sign(request) { throw request.secret + request.headers.mpt; }"
    assert "planted" not in with_signer(use, source=source, sample=make_request(secret=SECRET, headers=HEADERS))


@pytest.mark.parametrize(("error", "is_transient"), [(ScriptError, False), (SigningTimeout, True), (EngineUnavailable, False)])
def test_errors_say_whether_to_try_again_and_where_to_read_on(error, is_transient):
    assert issubclass(error, SigningError)
    assert error.is_transient is is_transient
    assert str(error("what")) == f"what (see docs/signing.md#{error.slug})"


def test_every_error_slug_is_an_anchor_in_the_document(pytestconfig):
    headings = [
        line.lstrip("# ") for line in (pytestconfig.rootpath / "docs" / "signing.md").read_text().splitlines() if line.startswith("#")
    ]
    assert {error.slug for error in (SigningError, ScriptError, SigningTimeout, EngineUnavailable)} <= set(headings)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "either the path of a script or its source"),
        ({"script": "a.js", "source": ""}, "either the path of a script or its source"),
        ({"source": "", "function": "a b"}, "not a JavaScript function name"),
        ({"source": "", "runtime": "v8"}, "valid: auto, quickjs, node, node-per-call"),
    ],
)
def test_signer_from_wrong_values_says_what_is_valid(options, told):
    with pytest.raises(ValueError, match=told):
        ScriptSigner(**options)


def test_signer_of_a_script_that_does_not_exist_names_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.js"):
        ScriptSigner(tmp_path / "absent.js")


def test_request_of_wrong_types_is_refused_before_the_engine_starts(with_signer, make_request):
    async def use(signer):
        with pytest.raises(TypeError, match="body is bytes"):
            await signer.sign(make_request() | {"body": b"x"})
        return signer.state().engine

    assert with_signer(use) == ""
