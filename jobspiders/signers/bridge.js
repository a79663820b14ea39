/* What every engine puts around an operator's script, so that all engines answer alike: one function that runs one call and
   returns ASCII JSON text {"kind": ...}. It captures what it needs before the script runs, and nothing a script throws gets past it.
   evaluate: eval in the script's scope; limit: the longest answer, in characters; mode: "call" (code is a function's name,
   argsText its arguments as a JSON array) or "eval" (code is an expression). */
(function () {
  "use strict";
  var toText = JSON.stringify, fromText = JSON.parse, callers = {}, absent = {};
  var root = typeof globalThis === "object" ? globalThis : Function("return this")();
  var silent = function () {};
  if (typeof root.console !== "object") {
    root.console = { log: silent, info: silent, warn: silent, error: silent, debug: silent, trace: silent };
  }

  function escaped(letter) {
    return "\\u" + ("000" + letter.charCodeAt(0).toString(16)).slice(-4);
  }

  function ascii(text) {
    return /[^ -~]/.test(text) ? text.replace(/[^ -~]/g, escaped) : text;
  }

  function thrown(error) {
    var name = typeof error, message = "";
    try {
      if (error !== null && name === "object") {
        name = String(error.name || "object");
        message = String(error.message === undefined ? error : error.message);
      } else {
        message = String(error);
      }
    } catch (ignored) {
      message = "(a value that cannot be shown)";
    }
    return { kind: "thrown", name: name.slice(0, 100), message: message.slice(0, 2000) };
  }

  function caller(evaluate, name) {
    if (!Object.prototype.hasOwnProperty.call(callers, name)) {
      callers[name] = evaluate(
        "(function (given, absent) { return typeof " + name + " === 'function' ? " + name + "(...given) : absent; })"
      );
    }
    return callers[name];
  }

  function answer(value, limit) {
    if (value === absent) return { kind: "absent" };
    if (value === undefined) return { kind: "undefined" };
    if (value !== null && typeof value === "object" && typeof value.then === "function") return { kind: "promise" };
    var text = toText(value);
    if (text === undefined) return { kind: "unserialisable", type: typeof value };
    if (text.length > limit) return { kind: "huge", length: text.length };
    return '{"kind":"value","value":' + text + "}";
  }

  return function (evaluate, limit, mode, code, argsText) {
    var reply;
    try {
      reply = answer(mode === "call" ? caller(evaluate, code)(fromText(argsText), absent) : evaluate("(" + code + "\n)"), limit);
    } catch (error) {
      reply = thrown(error);
    }
    return ascii(typeof reply === "string" ? reply : toText(reply));
  };
})()
