/* The long-lived node process behind the runtime `jobspiders-node`: JSON lines on standard input and output, one vm context per
   compiled script. It ends when its standard input closes; a second thread ends it when a script spins after its parent died. */
"use strict";
const v8 = require("v8");
const vm = require("vm");
const { Worker } = require("worker_threads");

const contexts = new Map();

// The collector of V8, without a global `gc` that scripts would see.
v8.setFlagsFromString("--expose-gc");
const collect = vm.runInNewContext("gc");
v8.setFlagsFromString("--no-expose-gc");

const watchdog = new Worker(
  `const parent = require("worker_threads").workerData;
   setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, "SIGKILL"); }, 500);`,
  { eval: true, workerData: process.ppid }
);

function compile({ context, bridge, source, limit }) {
  const scope = vm.createContext(Object.create(null));
  const ask = vm.runInContext(bridge, scope, { filename: "bridge.js" });
  const evaluate = vm.runInContext("(0, eval)", scope);
  try {
    vm.runInContext(source, scope, { filename: "script.js" });
  } catch (error) {
    return { failed: said(error) };
  }
  contexts.set(context, (mode, code, argsText) => ask(evaluate, limit, mode, code, argsText));
  return { compiled: context };
}

/* What a script threw while it was compiled or run at top level: name, message and line, never the source text around it. */
function said(error) {
  let name = typeof error, message = "", line = 0;
  try {
    name = String((error && error.name) || name);
    message = String(error && error.message !== undefined ? error.message : error);
    const place = /script\.js:(\d+)/.exec(String((error && error.stack) || ""));
    line = place ? Number(place[1]) : 0;
  } catch (ignored) {
    message = "(a value that cannot be shown)";
  }
  return { kind: "thrown", name: name.slice(0, 100), message: message.slice(0, 2000), line };
}

/* Collected at once: the next context is weighed against what lives when it moves in, and garbage there would hide its own growth. */
function drop(context) {
  const dropped = contexts.delete(context);
  collect();
  return { dropped };
}

function memory() {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return { bytes: heapUsed + external + arrayBuffers };
}

function answer(line) {
  const order = JSON.parse(line);
  if (order.op === "call") return contexts.get(order.context)(order.mode, order.code, order.args);
  if (order.op === "compile") return JSON.stringify(compile(order));
  if (order.op === "drop") return JSON.stringify(drop(order.context));
  return JSON.stringify(memory());
}

let rest = "";
process.stdout.on("error", () => process.exit(0));
process.stdin.setEncoding("utf8");
process.stdin.on("end", () => process.exit(0));
// Nothing is read before the watchdog watches: a script that spins would keep it from starting.
watchdog.once("online", () => {
  process.stdin.on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop();
    for (const line of lines) process.stdout.write(answer(line) + "\n");
  });
});
