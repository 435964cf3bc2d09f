import { afterEach, mock, test } from "node:test";
import assert from "node:assert/strict";
import { createClient, HttpError, safeSyncDatabase, statusOf, structuredSource } from "../dist/index.js";
import { projectSource } from "../dist/projects.js";
import { none, open, settle, write } from "./memory.mjs";

const server = { url: "http://server", token: () => "t" };
const realFetch = globalThis.fetch;
afterEach(() => (globalThis.fetch = realFetch));

// answering stands for the server: it answers in order and keeps the requests.
function answering(...answers) {
  const requests = [];
  globalThis.fetch = async (url, options) => {
    requests.push({
      url: decodeURIComponent(url),
      method: options.method,
      token: new Headers(options.headers).get("authorization"),
      body: options.body ? JSON.parse(options.body) : undefined,
    });
    const [status, body, headers] = answers.shift();
    return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
  };
  return requests;
}

const data = (data) => [200, { result: { data } }];

test("a structured pull joins its pages, of which the first fixed the timestamp", async () => {
  const page = (id, cursor) =>
    data({ changes: { customers: { ...none(), updated: [{ id }], deleted: [`-${id}`] } }, timestamp: 9, ...(cursor ? { cursor } : {}) });
  const requests = answering(page("a", "c1"), page("b", "c2"), page("c"));
  const answer = await structuredSource(createClient(server)).pull({ lastPulledAt: null, schemaVersion: 1, migration: null });
  assert.deepEqual(answer, {
    timestamp: 9,
    changes: { customers: { created: [], updated: [{ id: "a" }, { id: "b" }, { id: "c" }], deleted: ["-a", "-b", "-c"] } },
  });
  assert.deepEqual(requests.map(({ url }) => JSON.parse(url.split("input=")[1]).cursor), [undefined, "c1", "c2"]);
  assert.ok(requests.every(({ token }) => token === "Bearer t"));
});

test("the status of what tRPC throws is known", async () => {
  answering([401, { error: { message: "no", code: -32001, data: { code: "UNAUTHORIZED", httpStatus: 401 } } }]);
  const error = await structuredSource(createClient(server)).pull({ lastPulledAt: 1, schemaVersion: 1, migration: null }).catch((e) => e);
  assert.equal(statusOf(error), 401);
});

test("the status and the wait are known of an answer that is not tRPC's", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const database = open();
  const source = structuredSource(createClient(server));
  let requests = 0;
  const refuse = (status, headers) => void (globalThis.fetch = async () => (requests++, new Response("<html>", { status, headers })));
  refuse(401, { "content-type": "text/html" });
  const { phase, unauthorized, error } = await safeSyncDatabase(database, source);
  assert.deepEqual([phase, unauthorized, statusOf(error)], ["refused", true, 401]);
  refuse(429, { "retry-after": "30" });
  assert.equal((await safeSyncDatabase(database, source)).phase, "waiting");
  mock.timers.tick(29_999);
  await settle();
  assert.equal(requests, 2);
  mock.timers.tick(1);
  for (let i = 0; i < 1000 && requests < 3; i++) await settle();
  assert.equal(requests, 3);
  mock.timers.reset();
});

test("a project's pull keeps since through its pages", async () => {
  const page = (id, next_cursor) => [200, { changes: { tasks: { ...none(), updated: [{ id }] } }, timestamp: 42, next_cursor }];
  const requests = answering(page("a", "x/y"), page("b", null));
  const answer = await projectSource(server, "p 1").pull({ lastPulledAt: 7, schemaVersion: 1, migration: null });
  assert.deepEqual([answer.timestamp, answer.changes.tasks.updated], [42, [{ id: "a" }, { id: "b" }]]);
  assert.deepEqual(requests.map(({ url }) => url), [
    "http://server/api/v1/projects/p 1/sync/?since=7&page_size=1000",
    "http://server/api/v1/projects/p 1/sync/?since=7&page_size=1000&cursor=x/y",
  ]);
});

// uploaded returns the bodies of the uploads of a project whose device has the rows.
async function uploaded(create, rest = async () => {}, events = {}) {
  const database = open();
  await database.write(() => database.batch(create.map((fields) => database.get("tasks").prepareCreateFromDirtyRaw({ _changed: "", _status: "created", ...fields }))));
  await rest(database);
  const pull = [200, { changes: {}, timestamp: 7, next_cursor: null }];
  const requests = [];
  globalThis.fetch = async (url, { method, body }) => {
    if (method === "POST") requests.push(JSON.parse(body));
    const [status, json] = method === "POST" ? [200, {}] : pull;
    return new Response(JSON.stringify(json), { status, headers: { "content-type": "application/json" } });
  };
  assert.equal((await safeSyncDatabase(database, projectSource(server, "p", events))).error, null);
  return requests;
}

test("an upload has tasks only, at most 500 rows, and a batch id of its own", async () => {
  const bodies = await uploaded(Array.from({ length: 1_100 }, (_, i) => ({ id: `c${i}`, name: "n" })));
  const sent = bodies.map(({ changes }) => changes.tasks);
  assert.ok(sent.every(({ created }) => created.length <= 500));
  assert.equal(new Set(sent.flatMap((t) => t.created.map(({ id }) => id))).size, 1_100);
  assert.deepEqual(bodies.map(({ changes, last_pulled_at }) => [Object.keys(changes), last_pulled_at]), Array(3).fill([["tasks"], 7]));
  assert.equal(new Set(bodies.map(({ client_batch_id }) => client_batch_id)).size, 3);
});

test("a project rejects the rows of other tables, one by one, and uploads the tasks", async () => {
  const rejections = [];
  const events = { onRejected: (list) => rejections.push(...list) };
  const some = (database) => write(database, "notes", { title: "not a task" });
  for (const [create, uploads] of [[[{ id: "c", name: "n" }], 1], [[], 0]]) {
    const bodies = await uploaded(create, some, events);
    assert.deepEqual(bodies.map(({ changes }) => Object.keys(changes)), Array(uploads).fill(["tasks"]));
    const [{ table, mine, reason }, ...more] = rejections.splice(0);
    assert.deepEqual([table, mine.title, more], ["notes", "not a task", []]);
    assert.match(reason, /pushes tasks only: change notes through the REST API/);
  }
});

test("an upload is cut before it has more octets than the server takes", async () => {
  const bodies = await uploaded([...Array(100).fill("字".repeat(20_000)), "x".repeat(2_000_000), "y"].map((name, i) => ({ id: `c${i}`, name })));
  const octets = bodies.map((body) => Buffer.byteLength(JSON.stringify(body)));
  assert.equal(new Set(bodies.flatMap(({ changes }) => changes.tasks.created.map(({ id }) => id))).size, 102);
  assert.equal(octets.filter((n) => n > 1_900_000).length, 1, `${octets}`); // one row cannot be cut
});

test("problem+json becomes an error that says what is wrong", async () => {
  answering([409, { code: "sync_conflict", title: "Conflict", detail: "somebody was first", status: 409 }, { "retry-after": "3" }]);
  const error = await projectSource(server, "p").pull({ lastPulledAt: null }).catch((e) => e);
  assert.ok(error instanceof HttpError);
  assert.deepEqual([error.status, error.code, error.message, error.retryAfterMillis], [409, "sync_conflict", "Conflict. somebody was first", 3000]);
});
