// What an operator sees of a server with some traffic: the same on both hosts, but for what a host cannot know.
import assert from "node:assert/strict";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { token } from "../doors.mjs";
import { isUpdate, update } from "../perf/rooms/client.mjs";
import { until } from "../until.mjs";

const operator = token("ops", { scope: "sync:admin" });
const user = token("ann", { spaces: ["", "team"] });

const ask = async (url, path, { method = "GET", body, as = user, status = 200, type = "application/json" } = {}) => {
  const headers = { "content-type": type, ...(as && { authorization: `Bearer ${as}` }) };
  const response = await fetch(url + path, { method, body, headers });
  const got = await response.text();
  assert.equal(response.status, status, `${method} ${path}: ${got}`);
  return got;
};

export const overview = async (url) => JSON.parse(await ask(url, "/overview", { as: operator }));

// warnings returns the texts of the warnings of a code.
export const warnings = async (url, code) => (await overview(url)).warnings.filter((warning) => warning.code === code);

// counted returns what the minutes of an overview have together.
const counted = ({ minutes }) => {
  const all = {};
  for (const minute of minutes) for (const [name, n] of Object.entries(minute)) all[name] = (all[name] ?? 0) + n;
  return all;
};

// shape is the members of a value, with the types of those that are no objects.
const shape = (value) => {
  if (Array.isArray(value)) return value.slice(0, 1).map(shape);
  if (value === null || typeof value !== "object") return value === null ? "null" : typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shape(member)]));
};

const numbers = (...names) => Object.fromEntries(names.map((name) => [name, "number"]));

// members are those of a response, in their order. of has those that depend on the host.
const members = (of) => ({
  now: "number",
  server: { host: "string", version: "string", of: "string", since: "number" },
  ...numbers("abi", "storage", "tables_version"),
  minutes: [numbers("at", "requests", "errors", "refused", "pushed_rows", "pulled_rows", "notifications", "updates", "sockets")],
  sockets: numbers("sync", "yjs", "space", "space_yjs"),
  instances: of.instances,
  memory_bytes: "number",
  objects_open: of.objects_open,
  copies_behind_seconds: "number",
  ended: numbers("memory", "too_long", "failed"),
  webhooks: { on: "boolean", ...numbers("waiting", "failing") },
  backup: of.backup,
  spaces: "number",
  warnings: of.warnings,
});

const customer = (id) => ({ id, contact_name: id, company_name: "c", notes: "", created_at: 1, updated_at: 10 });
const push = (rows) => JSON.stringify({ changes: { customers: { created: rows.map(customer), updated: [], deleted: [] } }, lastPulledAt: 1 });

async function open(url) {
  const ws = new WebSocket(url.replace("http", "ws"));
  ws.heard = [];
  ws.on("message", (data) => ws.heard.push(data));
  await new Promise((resolve, reject) => ws.once("open", resolve).once("error", reject));
  return ws;
}

// tell has some clients do things, and checks that the server at url counts exactly these. host is what
// its overview says of the server, and of the types of members that depend on it.
export async function tell(url, { server, ...of }) {
  const begun = Date.now();
  const before = await overview(url);
  assert.deepEqual(shape(before), members(of));
  assert.deepEqual(Object.keys(before), Object.keys(members(of)), "the order of the members");
  assert.deepEqual({ ...before.server, since: 0, version: "" }, { ...server, since: 0, version: "" });
  const subscriber = await open(`${url}/sync/subscribe?token=${user}`);
  const editor = await open(`${url}/s/team/yjs/plan?token=${user}`);
  await until(() => subscriber.heard.length > 0, "the greeting", 60_000);
  await ask(url, "/trpc/sync.push", { method: "POST", body: push(["a", "b", "c"]) });
  await until(() => subscriber.heard.length > 1, "the push is told", 60_000);
  await ask(url, "/s/team/trpc/sync.push", { method: "POST", body: push(["d", "e"]) });
  for (let i = 0; i < 4; i++) await ask(url, "/sync/pull");
  const doc = new Y.Doc();
  doc.getText("t").insert(0, "text");
  editor.send(update(Y.encodeStateAsUpdate(doc)));
  await until(() => editor.heard.some(isUpdate), "the update is sent", 60_000);
  for (let i = 0; i < 7; i++) await ask(url, "/healthz");
  await ask(url, "/nothing", { status: 404 });
  await ask(url, "/overview", { status: 403 });
  await ask(url, "/overview", { status: 401, as: null });
  await ask(url, "/overview?since=5", { status: 400, as: operator });
  await ask(url, "/s/team/overview", { status: 404 });
  const after = await overview(url);
  const first = counted(before), last = counted(after);
  const more = Object.fromEntries(["requests", "errors", "refused", "pushed_rows", "pulled_rows", "notifications", "updates"].map((name) => [name, last[name] - first[name]]));
  // 2 sockets, 2 pushes, 4 pulls, 7 times healthz, 5 that are refused, and the first overview
  assert.deepEqual(more, { requests: 21, errors: 0, refused: 5, pushed_rows: 5, pulled_rows: 12, notifications: 1, updates: 1 });
  assert.deepEqual(after.sockets, { sync: 1, yjs: 0, space: 0, space_yjs: 1 });
  assert.deepEqual([after.spaces, after.webhooks, after.ended], [1, { on: false, waiting: 0, failing: 0 }, { memory: 0, too_long: 0, failed: 0 }]);
  assert.ok(after.memory_bytes > 1 << 20 && after.server.since <= before.now && after.now >= begun);
  const { minutes } = after;
  for (const [i, { at }] of minutes.entries()) assert.equal(at, minutes[0].at + i * 60_000, "no minute is missing");
  assert.ok(minutes[0].at <= after.server.since && minutes.at(-1).at <= after.now && minutes.at(-1).at + 60_000 > after.now && minutes.length <= 60);
  assert.equal(minutes.at(-1).sockets, 2);
  for (const socket of [subscriber, editor]) socket.close();
  await until(async () => Object.values((await overview(url)).sockets).every((n) => n === 0), "the sockets are closed", 60_000);
}

// fill fills a space of a server whose LIMIT_SPACE_BYTES is 1 MiB, and checks that the overview names it.
export async function fill(url) {
  const notes = "x".repeat(100_000);
  const rows = (n) => JSON.stringify({ changes: { customers: { created: [{ ...customer(`full-${n}`), notes }], updated: [], deleted: [] } }, lastPulledAt: 1 });
  const push = async (n) => (await fetch(`${url}/s/team/trpc/sync.push`, {
    method: "POST", body: rows(n), headers: { "content-type": "application/json", authorization: `Bearer ${user}` },
  })).status;
  for (let n = 0; n < 4; n++) assert.equal(await push(n), 200);
  assert.deepEqual(await warnings(url, "space_full"), []);
  let n = 4;
  while ((await push(n)) === 200) n++;
  let named;
  await until(async () => {
    named = await warnings(url, "space_full");
    return named.length > 0 && !/ 9\d %/.test(named[0].text);
  }, () => `the space is named: ${JSON.stringify(named)}`, 60_000);
  assert.match(named[0].text, /^The space "team" is at 1\d\d % of LIMIT_SPACE_BYTES\. At 100 % it takes deletions only\.$/);
  assert.deepEqual([named.length, named[0].code, named[0].space, named[0].room], [1, "space_full", "team", undefined]);
}

// fail asks a server without its projects.
export async function fail(url) {
  assert.deepEqual(await warnings(url, "errors"), []);
  await ask(url, "/api/v1/projects/", { status: 500 });
  const [{ text }] = await warnings(url, "errors");
  assert.match(text, /^1 of \d+ requests within the last hour failed with a status of 500 or more\. The log has their reasons\.$/);
}
