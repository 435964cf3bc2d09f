// What a client writes to a server of any release, and all that it reads back: rows of two tables
// with tombstones, a project, documents with versions, the end of a session, and a space where
// the release has spaces.
import assert from "node:assert/strict";
import * as Y from "yjs";
import { token } from "../doors.mjs";
import { until } from "../until.mjs";

const owner = "ann", gone = "eve";
const root = token(owner, { scope: "sync:read sync:write projects:read projects:write yjs:read yjs:write sync:admin" });
const inSpace = token(owner, { spaces: ["team"] });

// ask returns the body of a 2xx response, as JSON if it is that, or else as bytes.
async function ask(url, method, path, body, bearer = root) {
  const headers = { authorization: `Bearer ${bearer}` };
  if (body !== undefined && !(body instanceof Uint8Array) && typeof body !== "string") {
    headers["content-type"] = "application/json";
    body = JSON.stringify(body);
  }
  const response = await fetch(url + path, { method, headers, body });
  assert(response.ok, `${method} ${path}: ${response.status} ${response.ok ? "" : await response.text()}`);
  if (response.headers.get("content-type")?.startsWith("application/json")) return response.json();
  return new Uint8Array(await response.arrayBuffer());
}

const pulled = `/trpc/sync.pull?input=${encodeURIComponent('{"lastPulledAt":null}')}`;
const pull = (url, bearer) => ask(url, "GET", pulled, undefined, bearer).then(({ result }) => result.data);

const push = (url, lastPulledAt, changes, bearer) => ask(url, "POST", "/trpc/sync.push", { lastPulledAt, changes }, bearer);

const table = (updated, deleted = []) => ({ created: [], updated, deleted });
const times = { created_at: 1_700_000_000_000, updated_at: 1_700_000_000_000 };

// update is a document of two roots, as one client wrote it.
function update(clientID, ...edits) {
  const doc = Object.assign(new Y.Doc(), { clientID });
  for (const edit of edits) edit(doc);
  return Y.encodeStateAsUpdate(doc);
}

const hello = (doc) => doc.getText("note").insert(0, "Met her at the fair. Žluťoučký 🐎");
const more = (doc) => {
  doc.getText("note").format(0, 3, { bold: true });
  doc.getText("note").delete(4, 4);
  doc.getMap("map").set("nested", new Y.Map([["n", 1]]));
};

/** Writes to an empty server that copies documents at once (YJS_COPY_MILLIS). */
export async function write(url) {
  await push(url, 1, {
    customers: table(["a", "b", "c"].map((id) => ({ id, contact_name: `Customer ${id} ž🐎`, company_name: null, notes: "n".repeat(300), ...times }))),
    products: table([{ id: "p", title: "Plough", price: 12.5, discounts: 0, ...times }]),
  });
  const { timestamp } = await pull(url);
  await push(url, timestamp, {
    customers: table([{ id: "a", contact_name: "Ada Lovelace", ...times, updated_at: times.updated_at + 1 }], ["b"]),
  });

  await ask(url, "POST", "/api/v1/projects/", { id: "engine", name: "Engine" });
  const project = (path, body) => ask(url, "POST", `/api/v1/projects/engine/${path}`, body);
  await project("tasks/", { id: "t1", name: "Design", is_milestone: true });
  await project("tasks/", { id: "t2", name: "Build", parent_id: "t1", duration_days: 2.5 });
  await project("tasks/", { id: "t3", name: "Forget" });
  await project("dependencies/", { id: "d1", predecessor_id: "t1", successor_id: "t2", lag_days: 1.5 });
  await project("calendars/", { id: "c1", name: "C", working_days: [1, 2, 3], exceptions: ["2026-12-25"] });
  await project("memberships/", { id: "m1", user_id: "ben", role: "Viewer" });
  await ask(url, "DELETE", "/api/v1/projects/engine/tasks/t3/");

  await ask(url, "POST", "/yjs/note", update(1, hello));
  await ask(url, "POST", "/yjs/note/versions", "first");
  await ask(url, "POST", "/yjs/note", update(1, hello, more));
  await ask(url, "POST", "/yjs/deleted", update(2, hello));
  await ask(url, "DELETE", "/yjs/deleted");
  await ask(url, "POST", "/yjs/other", update(3, hello, more));
  await until(async () => (await ask(url, "GET", "/yjs/?prefix=")).rooms.length === 2, "the documents have copies");

  await ask(url, "POST", "/auth/revoke", { sub: gone });
  if (await hasSpaces(url)) {
    await push(`${url}/s/team`, 1, { customers: table([{ id: "s", contact_name: "Of the team", ...times }]) }, inSpace);
    await ask(`${url}/s/team`, "POST", "/yjs/note", update(4, hello), inSpace);
  }
}

// Without a space the server returns 404 to those who may read it.
const hasSpaces = async (url) => (await fetch(`${url}/s/team${pulled}`, { headers: { authorization: `Bearer ${inSpace}` } })).status !== 404;

/** Returns all that write wrote, as JSON. A space is read only if the server that wrote it had one. */
export async function read(url, { space } = {}) {
  const byID = (rows) => rows.sort((a, b) => (a.id < b.id ? -1 : 1));
  const text = async (path) => {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, await ask(url, "GET", path));
    return [doc.getText("note").toDelta(), doc.getMap("map").toJSON()];
  };
  const rows = async (url, bearer) => {
    const { changes } = await pull(url, bearer);
    for (const t of Object.values(changes)) byID(t.updated);
    return changes;
  };
  const copy = await ask(url, "GET", "/api/v1/projects/engine/sync/?since=0");
  for (const t of Object.values(copy.changes)) byID(t.updated);
  const versions = await ask(url, "GET", "/yjs/note/versions");
  const revoked = await fetch(`${url}/trpc/sync.pull`, { headers: { authorization: `Bearer ${token(gone, { iat: 1_700_000_000 })}` } });
  const told = {
    rows: await rows(url),
    projects: await ask(url, "GET", "/api/v1/projects/"),
    copy,
    rooms: (await ask(url, "GET", "/yjs/?prefix=")).rooms.map(({ room, name }) => room ?? name).sort(),
    documents: { note: await text("/yjs/note"), other: await text("/yjs/other") },
    deleted: (await fetch(`${url}/yjs/deleted?format=json`, { headers: { authorization: `Bearer ${root}` } })).status,
    versions,
    first: await text(`/yjs/note/versions/${versions.versions[0].id}`),
    revoked: revoked.status,
  };
  if (space ?? (await hasSpaces(url))) {
    const team = `${url}/s/team`;
    told.space = { rows: await rows(team, inSpace), note: await ask(team, "GET", "/yjs/note?format=json", undefined, inSpace) };
  }
  return JSON.parse(JSON.stringify(told));
}
