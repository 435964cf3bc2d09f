import { test } from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runs } from "./processes.mjs";
import { run } from "./suite.mjs";
import { describeSlowest, testsIn } from "./times.mjs";

// A scene has files of tests, and runs them. go returns {code, lines}.
function scene(t) {
  const cwd = mkdtempSync(path.join(tmpdir(), "tidemark-suite-"));
  t.after(() => rmSync(cwd, { recursive: true }));
  const job = (name, source, more) => {
    writeFileSync(path.join(cwd, name), source);
    return { name, command: ["node", "--test", "--test-reporter=spec", name], ...more };
  };
  const go = async (jobs, options) => {
    const lines = [];
    const env = process.env.NODE_TEST_CONTEXT;
    delete process.env.NODE_TEST_CONTEXT; // of this test, which runs files of tests
    try {
      return { code: await run(jobs, { slots: 2, cwd, dir: path.join(cwd, "logs"), say: (line) => lines.push(line), ...options }), lines };
    } finally {
      process.env.NODE_TEST_CONTEXT = env;
    }
  };
  return { cwd, job, go, read: (name) => readFileSync(path.join(cwd, name), "utf8") };
}

const passing = `require("node:test").test("fine", () => {})`;
const failing = `require("node:test").test("broken", () => { throw new Error("always") })`;
const failingOnce = `
  const { existsSync, writeFileSync } = require("node:fs");
  require("node:test").test("unsteady", () => {
    if (existsSync("was-here")) return;
    writeFileSync("was-here", "");
    throw new Error("the first time only");
  });`;

test("a job that passes is one line, and the run passes", async (t) => {
  const { job, go } = scene(t);
  const { code, lines } = await go([job("a.cjs", passing), job("b.cjs", passing)]);
  assert.equal(code, 0);
  assert.equal(lines.filter((line) => /^ok .* [ab]\.cjs$/.test(line)).length, 2);
  assert.match(lines.at(-1), /^2 of 2 passed/);
});

test("a file that fails once and then passes is FLAKY: the run passes, and its last line names the file", async (t) => {
  const { job, go, read } = scene(t);
  const { code, lines } = await go([job("unsteady.cjs", failingOnce), job("b.cjs", passing)]);
  assert.equal(code, 0);
  assert.match(lines.at(-1), /^FLAKY unsteady\.cjs/);
  assert.ok(lines.some((line) => line.includes("the first time only")), "its failure is shown");
  assert.match(read("logs/unsteady.cjs.log"), /the first time only/); // the second time keeps it
});

test("a file that fails twice fails the run, which names it last", async (t) => {
  const { job, go } = scene(t);
  const { code, lines } = await go([job("unsteady.cjs", failingOnce), job("broken.cjs", failing)]);
  assert.equal(code, 1);
  assert.match(lines.at(-1), /^FAIL broken\.cjs: it failed twice/);
  assert.match(lines.at(-2), /^FLAKY unsteady\.cjs/);
});

test("a command that does not start, or that a signal ends, has failed", async (t) => {
  const { go } = scene(t);
  const { code, lines } = await go([
    { name: "absent", command: ["/there/is/no/such/command"] }, { name: "killed", command: ["sh", "-c", "kill -9 $$"] },
  ]);
  assert.equal(code, 1);
  assert.deepEqual(lines.slice(-2).sort(), ["FAIL absent: it failed twice.", "FAIL killed: it failed twice."]);
});

// A job that never ends, nor does its child, which has a process group of its own. The
// child writes both process ids to a file.
const endless = `
  require("node:child_process").spawn("sh", ["-c", "echo $PPID $$ >pids.new; mv pids.new pids; exec sleep 100000"], { detached: true });
  setInterval(() => {}, 1000);`;

async function idsIn(cwd) {
  const file = path.join(cwd, "pids");
  while (!existsSync(file)) await sleep(20);
  return readFileSync(file, "utf8").trim().split(" ");
}

async function ended(pids) {
  while (pids.some(runs)) await sleep(20);
}

test("a job that takes too long fails, and is killed with the processes it started", async (t) => {
  const { job, go, cwd } = scene(t);
  job("endless.cjs", endless);
  const { code, lines } = await go([{ name: "endless", command: ["node", "endless.cjs"] }], { limitMillis: 3000 });
  assert.equal(code, 1);
  assert.ok(lines.some((line) => line.includes("endless: ended by SIGKILL")), lines.join("\n"));
  if (existsSync(path.join(cwd, "pids"))) await ended(await idsIn(cwd)); // else it was killed before it had a child
});

test("a run that SIGTERM ends kills its jobs and the processes they started", async (t) => {
  const { job, cwd } = scene(t);
  job("endless.cjs", endless);
  writeFileSync(path.join(cwd, "runner.mjs"), `
    import { run } from ${JSON.stringify(new URL("suite.mjs", import.meta.url).href)};
    await run([{ name: "endless", command: ["node", "endless.cjs"] }], { slots: 1, cwd: ".", dir: "logs", say() {} });`);
  const runner = spawn("node", ["runner.mjs"], { cwd, stdio: "inherit" });
  const exit = once(runner, "exit");
  const pids = await idsIn(cwd);
  assert.ok(pids.every(runs), pids.join());
  runner.kill("SIGTERM");
  assert.deepEqual(await exit, [143, null]);
  await ended(pids);
});

// Each job notes when it begins and ends. Some wait for others, if they may.
test("jobs run together, those that wait beside them, and what failed afterwards", async (t) => {
  const { go, read, cwd } = scene(t);
  const note = (name, body, more) => ({ name, command: ["sh", "-c", `echo +${name} >>order; ${body} echo -${name} >>order`], ...more });
  const until = (line) => `while ! grep -q "^${line}" order; do sleep 0.02; done;`;
  const again = note("again", `test -e failed || { touch failed; echo -again >>order; exit 1; };`);
  const { code } = await go([
    again, note("a", until("[+]b")), note("b", until("[+]a")), note("waits", until("-b"), { waits: true }), note("later", "", { waits: true }),
  ]);
  assert.equal(code, 0);
  assert.ok(existsSync(path.join(cwd, "failed")));
  const order = read("order").trim().split("\n");
  assert.deepEqual(order.filter((line) => /waits|later/.test(line)), ["+waits", "-waits", "+later", "-later"]);
  assert.deepEqual(order.slice(-2), ["+again", "-again"]);
});

test("times are those of tests, not of what they are within", () => {
  const output = `=== RUN   TestA
--- PASS: TestA (3.00s)
    --- PASS: TestA/b (2.00s)
        --- PASS: TestA/b/c (1.50s)
--- PASS: TestD (0.25s)
ok  	tidemark/worker	3.2s
▶ on wazero
  ✔ answers (quickly) (1200.5ms)
  ✖ fails (30.25ms)
✖ on wazero (1300ms)
✔ by itself (7ms)
ℹ tests 3
✖ failing tests:
✖ fails (30.25ms)`;
  assert.deepEqual(testsIn(output), [
    { name: "TestA/b/c", seconds: 1.5 }, { name: "TestD", seconds: 0.25 },
    { name: "answers (quickly)", seconds: 1.2005 }, { name: "fails", seconds: 0.03025 }, { name: "by itself", seconds: 0.007 },
  ]);
});

test("the ten slowest come first", () => {
  const all = Array.from({ length: 12 }, (_, i) => ({ name: `t${i}`, seconds: i }));
  const lines = describeSlowest(all).split("\n");
  assert.equal(lines.length, 10);
  assert.match(lines[0], /^\s+11\.0s {2}t11$/);
});
