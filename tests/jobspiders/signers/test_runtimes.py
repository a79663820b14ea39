"""Our runtimes as PyExecJS users meet them: through the registry, by name."""

from __future__ import annotations

import hmac
import os
import signal
import threading
from pathlib import Path

import execjs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobspiders.signers.context import EngineDied, EngineLimits, EngineMisused, EngineTimedOut, ScriptFault
from jobspiders.signers.node_runtime import NodeRuntime
from jobspiders.signers.registry import RUNTIME_NAMES, register_runtimes, registered_runtime

ENGINES = ["quickjs", "node"]
EVERY = [*ENGINES, "node-per-call"]
UMD = """
(function (root, factory) {
  if (typeof exports === "object") { module.exports = exports = factory(); }
  else if (typeof define === "function" && define.amd) { define([], factory); }
  else { root.Doubler = factory(); }
}(this, function () { return { twice: function (x) { return x + x; } }; }));
function sign(request) { return Doubler.twice(request); }
"""


@pytest.fixture(scope="module", params=ENGINES)
def hmac_context(request):
    runtime = registered_runtime(request.param)
    path = os.path.join(os.path.dirname(__file__), "hmac_md5.js")
    with open(path, encoding="utf-8") as script:
        context = runtime.compile(script.read())
    yield context
    context.close()
    runtime.close()


@pytest.fixture(params=ENGINES)
def compile_script(request):
    runtime = registered_runtime(request.param).limited(EngineLimits(timeout=0.5, max_memory=64 * 1024 * 1024, max_output=5000))
    yield runtime.compile
    runtime.close()


def test_register_runtimes_twice_registers_once():
    register_runtimes()
    register_runtimes()
    names = [name for name, _ in execjs._runtimes._runtimes if name.startswith("jobspiders-")]
    assert names == list(RUNTIME_NAMES.values())


def test_runtime_from_environment_variable_is_ours(monkeypatch):
    register_runtimes()
    monkeypatch.setenv("EXECJS_RUNTIME", "jobspiders-quickjs")
    assert execjs.get() is execjs.get("jobspiders-quickjs")
    assert execjs.eval("[1, 'a'].length") == 2


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(secret=st.text(st.characters(codec="utf-8"), max_size=100), body=st.text(st.characters(codec="utf-8"), max_size=300))
def test_hmac_script_on_any_text_agrees_with_python(hmac_context, secret, body):
    answer = hmac_context.call("sign", {"secret": secret, "body": body})
    assert answer["headers"]["x-sign"] == hmac.new(secret.encode(), body.encode(), "md5").hexdigest()


@pytest.mark.parametrize("engine", EVERY)
def test_umd_library_becomes_a_global(engine):
    assert registered_runtime(engine).compile(UMD).call("sign", "ab") == "abab"


@pytest.mark.parametrize("engine", EVERY)
@pytest.mark.parametrize(
    ("source", "call", "answer"),
    [
        ("const sign = (a) => a + 1;", ("sign", 1), 2),
        ("'use strict'; function sign(a, b) { return [a, b]; }", ("sign", "ü\n\u2028", None), ["ü\n\u2028", None]),
        ("var lib = { n: 5, sign: function () { return this.n; } };", ("lib.sign",), 5),
        ("function sign() { console.log('x'); console.error('y'); return '\\u{1F600}\\ud800'; }", ("sign",), "\U0001f600\ud800"),
        ("function sign() {}", ("sign",), None),
        (
            "function sign() { return [typeof module, typeof require, typeof exports, typeof define].join(); }",
            ("sign",),
            ",".join(["undefined"] * 4),
        ),
    ],
)
def test_call_answers_alike_on_every_engine(engine, source, call, answer):
    assert registered_runtime(engine).compile(source).call(*call) == answer


@pytest.mark.parametrize("engine", EVERY)
def test_eval_and_exec_answer_as_pyexecjs_documents(engine):
    context = registered_runtime(engine).compile("function add(x, y) { return x + y; }")
    assert (context.eval("add(1, 2) // sum"), context.exec_("return add('a', 'b');"), context.eval("")) == (3, "ab", "")


@pytest.mark.parametrize("engine", EVERY)
@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("function other() {}", "no function of that name"),
        ("var sign = 5;", "no function of that name"),
        ("async function sign() { return {}; }", "Promise"),
        ("function sign() { return sign; }", "function, which is not data"),
        ("function sign() { throw new RangeError('too far'); }", "RangeError: too far"),
        ("function sign() { throw 'text'; }", "text"),
        ("function sign() { throw { toString: function () { throw 1; } }; }", "cannot be shown"),
        ("function sign() { var a = {}; a.a = a; return a; }", "TypeError"),
        ("function sign() { return sign() + 1; }", "RangeError|InternalError"),
        ("function sign( {", "SyntaxError"),
        ("throw new Error('at the top');", "at the top"),
    ],
)
def test_faulty_script_raises_a_program_error(engine, source, told):
    with pytest.raises(execjs.ProgramError, match=told):
        registered_runtime(engine).compile(source).call("sign")


@pytest.mark.parametrize("name", ["", "a b", "a;b", "sign()", "1a", "a.", "ü"])
def test_call_of_no_function_name_is_refused(name):
    with pytest.raises(ValueError, match="not a JavaScript function name"):
        registered_runtime("quickjs").compile("").call(name)


@pytest.mark.parametrize(
    "body", ["while (true) {}", "/^(a+)+$/.exec('a'.repeat(40) + 'b')", "try { while (true) {} } finally { while (true) {} }"]
)
def test_endless_call_is_stopped_and_the_next_context_works(compile_script, body):
    context = compile_script(f"function sign() {{ {body} }}")
    with pytest.raises(EngineTimedOut, match=r"0\.5 s"):
        context.call("sign")
    assert compile_script("function sign() { return 1; }").call("sign") == 1


def test_endless_top_level_is_stopped(compile_script):
    with pytest.raises(EngineTimedOut):
        compile_script("while (true) {}")


def test_huge_answer_is_refused_without_being_passed_on(compile_script):
    with pytest.raises(ScriptFault, match=r"has 10\d\d\d characters"):
        compile_script("function sign() { return 'x'.repeat(10000); }").call("sign")


@pytest.mark.parametrize("engine", ENGINES)
def test_memory_beyond_the_limit_ends_the_engine(engine):
    runtime = registered_runtime(engine).limited(EngineLimits(timeout=20, max_memory=32 * 1024 * 1024))
    context = runtime.compile("function sign() { var all = []; while (true) all.push([all.length]); }")
    with pytest.raises(EngineDied):
        context.call("sign")
    runtime.close()


def test_memory_bytes_grows_with_what_a_script_keeps(compile_script):
    context = compile_script("var kept = []; function sign() { for (var i = 0; i < 1e5; i++) kept.push([i]); return kept.length; }")
    before = context.memory_bytes()
    assert context.call("sign") == 100_000
    assert context.memory_bytes() > before + 1_000_000


def test_memory_bytes_of_a_context_hides_nothing_behind_what_the_one_before_left(compile_script):
    source = """
    var kept = [];
    function keep(count) { for (var i = 0; i < count; i++) kept.push([i]); return kept.length; }
    function waste(count) { for (var i = 0, last; i < count; i++) last = [i]; return last[0]; }
    """
    before = compile_script(source)
    before.call("keep", 200_000)
    before.close()
    context = compile_script(source)
    context.call("keep", 100_000)
    for _ in range(10):
        context.call("waste", 200_000)  # a collector that runs now would take with it what `before` kept
    assert context.memory_bytes() > 1_000_000


@pytest.mark.parametrize("engine", ENGINES)
def test_script_sees_no_collector(engine):
    assert registered_runtime(engine).compile("function sign() { return typeof gc; }").call("sign") == "undefined"


def test_quickjs_context_on_another_thread_is_refused_with_the_reason():
    context = registered_runtime("quickjs").compile("function sign() { return 1; }")
    caught: list[Exception] = []

    def use() -> None:
        try:
            context.call("sign")
        except EngineMisused as error:
            caught.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert "another thread" in str(caught[0])
    assert context.call("sign") == 1


def test_quickjs_context_after_close_is_unavailable():
    context = registered_runtime("quickjs").compile("")
    context.close()
    with pytest.raises(execjs.RuntimeUnavailableError):
        context.eval("1")


def test_node_contexts_share_one_process_and_not_their_globals():
    runtime = NodeRuntime()
    first, second = runtime.compile("var mine = 1;"), runtime.compile("var yours = 2;")
    pid = runtime.pid
    assert (first.eval("typeof yours"), second.eval("typeof mine")) == ("undefined", "undefined")
    assert runtime.pid == pid
    runtime.close()
    assert runtime.pid is None


def test_node_context_whose_process_was_stopped_for_another_is_compiled_anew():
    runtime = NodeRuntime(EngineLimits(timeout=0.5))
    good, endless = runtime.compile("function sign() { return 1; }"), runtime.compile("function sign() { while (true) {} }")
    with pytest.raises(EngineTimedOut):
        endless.call("sign")
    with pytest.raises(EngineDied):
        good.call("sign")  # its process is gone; a new one starts only for a compile
    assert runtime.compile("").eval("1 + 1") == 2
    assert good.call("sign") == 1
    runtime.close()


def test_node_context_after_its_process_was_killed_says_so():
    runtime = NodeRuntime()
    context = runtime.compile("function sign() { return 1; }")
    os.kill(runtime.pid, signal.SIGKILL)
    with pytest.raises(EngineDied, match="status -9"):
        context.call("sign")
    runtime.close()


def test_node_process_has_nothing_of_our_environment(monkeypatch):
    monkeypatch.setenv("PLANTED", "planted-secret")
    runtime = NodeRuntime()
    runtime.compile("")
    assert b"PLANTED" not in Path(f"/proc/{runtime.pid}/environ").read_bytes()
    runtime.close()


def test_node_per_call_has_nothing_of_our_environment(monkeypatch):
    monkeypatch.setenv("PLANTED", "planted-secret")
    assert registered_runtime("node-per-call").compile("").eval("[typeof process.env.PATH, typeof process.env.PLANTED]") == [
        "string",
        "undefined",
    ]


@pytest.mark.parametrize("engine", EVERY)
def test_runtime_that_is_absent_is_not_available(engine, find_without):
    with pytest.raises(execjs.RuntimeUnavailableError):
        find_without("quickjs", "node", "node-per-call")(engine)
