// What some clients do, with secrets that no line of a log may hold, and what a host must count
// and say of it. Each host has a test that tells this story.
import assert from "node:assert/strict";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { token } from "../doors.mjs";
import { isUpdate, update } from "../perf/rooms/client.mjs";
import { until } from "../until.mjs";

const row = "MARKED-CONTENT-OF-A-ROW", text = "MARKED-TEXT-OF-A-DOCUMENT", lie = "MARKED-TOKEN-OF-NOBODY";
const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const operator = "an-operator-with-a-name";
export const room = "a-room-with-a-name", space = "a-space-with-a-name", subject = "a-subject-with-a-name";

const customer = (id, updated, status = "created") =>
  ({ id, _status: status, _changed: "", contact_name: row, company_name: "c", notes: row, created_at: 1, updated_at: updated });
const push = (changes, lastPulledAt) => JSON.stringify({ changes: { customers: { created: [], updated: [], deleted: [], ...changes } }, lastPulledAt });
const pull = (since) => `/trpc/sync.pull?input=${encodeURIComponent(JSON.stringify({ lastPulledAt: since, schemaVersion: 1, migration: null }))}`;

// upgrade opens a socket. It returns the socket, with the messages that it has heard, and the id that
// the response names.
function upgrade(url) {
  const ws = new WebSocket(url.replace("http", "ws"));
  ws.heard = [];
  ws.on("message", (data) => ws.heard.push(data));
  return new Promise((resolve, reject) => {
    let id;
    ws.once("upgrade", (response) => (id = response.headers["x-request-id"]));
    ws.once("open", () => resolve({ ws, id }));
    ws.once("error", reject);
  });
}

// tell tells the story to the host at url. It returns the ids of its requests, those of them that change
// nothing and succeed, and the secrets.
export async function tell(url) {
  const jwt = token(subject, { spaces: ["", space] });
  const ids = [], quiet = [];
  const secrets = [row, text, lie, jwt, jwt.split(".")[2]];
  const ask = async (path, { method = "GET", body, headers = {}, status = 200 } = {}) => {
    const response = await fetch(url + path, {
      method, body, headers: { authorization: `Bearer ${jwt}`, "content-type": "application/json", ...headers },
    });
    const got = await response.text();
    assert.equal(response.status, status, `${method} ${path}: ${got}`);
    const id = response.headers.get("x-request-id");
    assert.match(id ?? "", /^[\w.-]{1,128}$/, `the id of ${method} ${path}`);
    ids.push(id);
    if (["GET", "OPTIONS"].includes(method) && status < 400) quiet.push(id);
    return { id, got, exposed: response.headers.get("access-control-expose-headers") };
  };
  const post = (path, body, more) => ask(path, { method: "POST", body, ...more });

  // The ids.
  assert.equal((await ask("/healthz", { headers: { "x-request-id": "mine-1" } })).id, "mine-1");
  assert.notEqual((await ask("/healthz", { headers: { "x-request-id": "not sane" } })).id, "not sane");
  assert.match((await ask(pull(null))).exposed, /\bx-request-id\b/);
  const problem = await ask("/api/v1/projects/none/", { status: 404, headers: { "x-request-id": "mine-2", traceparent } });
  assert.deepEqual([problem.id, JSON.parse(problem.got).request_id, JSON.parse(problem.got).traceparent], ["mine-2", "mine-2", traceparent]);
  const untraced = JSON.parse((await ask(`/s/${space}/api/v1/projects/none/`, { status: 404, headers: { traceparent: "none" } })).got);
  assert.deepEqual([typeof untraced.request_id, untraced.traceparent], ["string", undefined]);

  // Rows: 3 are created, 1 is updated, 1 is superseded, 1 is deleted; 3 pulled.
  const { ws } = await subscribed(ask, url, secrets, [ids, quiet]);
  const pushed = async (changes, since) => JSON.parse((await post("/trpc/sync.push", push(changes, since))).got).result.data.timestamp;
  const first = await pushed({ created: [customer("a", 10), customer("b", 10), customer("c", 10)] }, 1);
  const second = await pushed({ updated: [customer("a", 20, "updated")] }, first);
  await pushed({ updated: [{ ...customer("a", 5, "updated"), company_name: "too late" }] }, first);
  const last = await pushed({ deleted: ["b"] }, second);
  await ask(pull(first - 1));
  await until(() => ws.heard.some((data) => JSON.parse(data).stamp >= last), "the last push is told", 60_000);
  await post("/trpc/sync.push", `{"changes":{"customers":${JSON.stringify(row)}}}`, { status: 400 });
  await post("/trpc/sync.push", row, { status: 400 });
  await post(`/s/${space}/trpc/sync.push`, push({ created: [customer("d", 10)] }, 1));
  await post("/api/v1/projects/", JSON.stringify({ name: row, unknown: row }), { status: 400 });
  await ask("/nothing/here", { status: 404 });
  await ask(pull(null), { headers: { authorization: `Bearer ${lie}` }, status: 401 });
  await ask("/trpc/sync.pull", { method: "OPTIONS", status: 204, headers: { origin: "https://a.example", "access-control-request-method": "GET" } });

  // A document: 1 update by HTTP, 1 by a socket.
  const edit = (word) => {
    const doc = new Y.Doc();
    doc.getText("t").insert(0, word);
    return Y.encodeStateAsUpdate(doc);
  };
  await post(`/yjs/${room}`, edit(text), { status: 204, headers: { "content-type": "application/octet-stream" } });
  await post(`/yjs/${room}`, text, { status: 400, headers: { "content-type": "application/octet-stream" } });
  const member = await upgrade(`${url}/yjs/${room}?token=${jwt}`);
  assert.match(member.id, /^[\w.-]{1,128}$/);
  for (const list of [ids, quiet]) list.push(member.id);
  member.ws.send(update(edit(text)));
  await until(() => member.ws.heard.some(isUpdate), "the update is sent to all", 60_000);
  const changes = await operate(post, secrets);
  const stranger = await upgrade(`${url}/yjs/${room}?token=${lie}`); // accepted to be closed
  assert.match(stranger.id, /^[\w.-]{1,128}$/);
  return { ids, quiet, secrets, changes, sockets: [ws, member.ws] };
}

// operate does what an operator does. It returns the changes of which the log must tell, and adds
// the tokens to the secrets.
async function operate(post, secrets) {
  const jwt = token(operator, { scope: "sync:admin sync:read sync:write yjs:write", spaces: ["", space] });
  const headers = { authorization: `Bearer ${jwt}` };
  const changes = [];
  const change = async (action, path, body, status, { of = null, method = "POST", ...more } = {}) => {
    const { id, got } = await post(path, body, { status, headers, method });
    changes.push({ action, request_id: id, subject: operator, space: of, ...more });
    return got;
  };
  const made = JSON.parse(await change("auth.token", "/auth/token",
    JSON.stringify({ sub: subject, scope: "sync:read", spaces: [space], claims: { teams: [text] } }), 201));
  secrets.push(jwt, jwt.split(".")[2], made.token, ...made.token.split(".").slice(1));
  await change("sync.purge", `/s/${space}/sync/purge`, "{}", 200, { of: space });
  await change("sync.row.edit", "/sync/row?table=customers&id=c", JSON.stringify({ set: { notes: `${row} again` } }), 200,
    { method: "PATCH", table: "customers", id: "c" });
  await change("documents.versions.keep", `/yjs/${room}/versions`, text, 201);
  await change("auth.revoke", "/auth/revoke", JSON.stringify({ jti: made.jti }), 200);
  await post("/auth/token", JSON.stringify({ sub: subject, scope: "projects:write" }), { status: 403, headers }); // is no change
  return changes;
}

// subscribed opens a socket of the rows by a ticket.
async function subscribed(ask, url, secrets, lists) {
  const { ticket } = JSON.parse((await ask("/auth/ticket", { method: "POST", body: "{}" })).got);
  secrets.push(ticket);
  const { ws, id } = await upgrade(`${url}/sync/subscribe?ticket=${ticket}`);
  for (const list of lists) list.push(id);
  await until(() => ws.heard.length > 0, "the greeting", 60_000);
  return { ws };
}

// counts are what the story must count at least: by name, and by labels in the order of package metric.
export const counts = {
  "tidemark_push_rows_total customers created": 4,
  "tidemark_push_rows_total customers updated": 2, // one by an operator
  "tidemark_push_rows_total customers superseded": 1,
  "tidemark_push_rows_total customers deleted": 1,
  "tidemark_pull_rows_total customers": 3,
  "tidemark_notifications_total": 1,
  "tidemark_yjs_updates_total": 2,
  "tidemark_yjs_compactions_total done": 1,
};

// routes are those of the story, and the statuses that it gets there.
export const routes = [
  "GET /healthz 200", "GET /trpc/sync.pull 200", "GET /trpc/sync.pull 401", "POST /trpc/sync.push 200", "POST /trpc/sync.push 400",
  "OPTIONS /trpc/{procedures} 204", "POST /s/{space}/trpc/sync.push 200", "POST /api/v1/projects/ 400", "GET /api/v1/projects/{project_id}/ 404",
  "POST /yjs/{room} 204", "POST /yjs/{room} 400", "GET /yjs/{room} 101", "GET /sync/subscribe 101", "POST /auth/ticket 200", "GET unknown 404",
];

// checkLog checks that lines are objects of JSON, that each request has one, and each change another, and
// that no secret is there.
export function checkLog(lines, { ids, secrets, changes }) {
  const records = lines.map((line) => JSON.parse(line));
  for (const record of records) assert.deepEqual([typeof record.level, typeof record.msg], ["string", "string"], JSON.stringify(record));
  const requests = records.filter(({ msg }) => msg === "request");
  for (const id of ids) {
    const line = requests.find(({ request_id: of }) => of === id);
    assert.ok(line, `no line of the request ${id}`);
    assert.deepEqual(["method", "path", "status", "duration_ms"].filter((name) => line[name] === undefined), []);
    assert.doesNotMatch(line.path, /[?]/);
  }
  assert.equal(requests.find(({ request_id: of }) => of === "mine-2").traceparent, traceparent);
  const said = records.filter(({ msg }) => msg === "change");
  const wanted = changes.map((change, i) => ({ ...said[i], ...change }));
  assert.deepEqual(said, wanted);
  const all = lines.join("\n");
  for (const secret of secrets.filter((s) => s !== row)) assert.ok(!all.includes(secret), `the log holds ${secret}`);
  const withRow = lines.filter((line) => line.includes(row));
  assert.deepEqual(withRow, [], "the log holds a row");
}
