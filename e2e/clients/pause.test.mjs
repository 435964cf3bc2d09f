// The client kit while a space is paused, and after it goes on: rows, a project, their
// notifications, and a document. On the self-hosted server.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { WebsocketProvider } from "y-websocket";
import { callJson, createClient, socketUrl, structuredSource, subscribe, syncState, syncTriggers, ticketSocket } from "../../web/client/dist/index.js";
import { projectPath, projectSource } from "../../web/client/dist/projects.js";
import { doors, token } from "../doors.mjs";
import { until } from "../until.mjs";
import { open, served } from "./kit.mjs";

globalThis.WebSocket ??= WebSocket;
const door = doors.wazero();
before(() => door.start());
after(() => door.close());

const tables = { customers: served.customers, tasks: { name: "string?", server_version: "number" } };

const create = (database, table, name, title) =>
  database.write(() => database.get(table).create((record) => {
    record._setRaw(name, title);
    if (table === "customers") record._setRaw("updated_at", Date.now());
  }));
const titles = async (database, table, name) => (await database.get(table).query().fetch()).map(({ _raw }) => _raw[name]).sort();

/** The times at which requests began since the test cleared it, by token: each part of a device has its own. */
const asked = new Map();
const { fetch } = globalThis;
globalThis.fetch = (url, init) => {
  const bearer = new Headers(init?.headers).get("authorization");
  asked.set(bearer, [...(asked.get(bearer) ?? []), performance.now()]);
  return fetch(url, init);
};

let tokens = 0;
function serverOf(space, sub, claims = { spaces: [space] }) {
  const jwt = token(sub, { ...claims, jti: `${++tokens}` });
  return { url: door.url, space, token: () => jwt };
}

/** All that one person has open in a space. */
function device(space, sub, project) {
  const server = () => serverOf(space, sub);
  const rows = open(tables), tasks = open(tables), doc = new Y.Doc();
  const provider = new WebsocketProvider(socketUrl(server(), "/yjs"), "note", doc, { WebSocketPolyfill: ticketSocket(server()), disableBc: true });
  const heard = { opened: 0, closed: 0, refused: [] };
  const stops = [
    syncTriggers(rows, structuredSource(createClient(server())), { server: server() }),
    syncTriggers(tasks, projectSource(server(), project), { server: server(), path: `${projectPath(project)}/subscribe` }),
    subscribe(server(), { onNotification() {}, onConnected: (is) => heard[is ? "opened" : "closed"]++, onRefused: (code) => heard.refused.push(code) }),
  ];
  provider.on("closed", ({ code }) => heard.refused.push(code));
  return {
    rows, tasks, text: doc.getText("note"), provider, heard, states: [syncState(rows), syncState(tasks)],
    end() {
      for (const stop of stops) stop();
      provider.destroy();
      doc.destroy();
    },
  };
}

test("a device in a paused space keeps its work, asks as the server says, and goes on by itself after that", async () => {
  const operator = serverOf("acme", "operator", { spaces: { acme: "spaces:admin" } });
  const project = (await callJson(serverOf("acme", "ann"), "POST", "/api/v1/projects/", { name: "Engine" })).id;
  const [here, there] = [device("acme", "ann", project), device("acme", "ann", project)];
  const settled = ({ states }) => states.every((state) => state.get().phase === "idle" && state.get().unsynced === 0);
  try {
    await create(here.rows, "customers", "contact_name", "before");
    here.text.insert(0, "before ");
    await until(() => [here, there].every((d) => settled(d) && d.provider.synced && d.heard.opened === 1), "all are connected");
    await until(() => there.text.toString() === "before ", "the note arrives");

    while ((await callJson(operator, "POST", "/pause")).more) await sleep(100);
    asked.clear();
    await until(() => [here, there].every((d) => !d.provider.synced && d.heard.closed === 1), "the sockets are closed");
    await create(here.rows, "customers", "contact_name", "meanwhile");
    await create(here.tasks, "tasks", "name", "meanwhile");
    here.text.insert(here.text.length, "meanwhile ");
    await until(() => here.states.every((state) => state.get().phase === "waiting"), "the syncs wait");
    for (const state of here.states) {
      const { error, unsynced, unauthorized } = state.get();
      assert.match(error.message, /The space is paused: ask again in 5 s/);
      assert.deepEqual([unsynced, unauthorized], [1, false]);
    }
    await sleep(12_000);
    assert.ok(asked.size >= 10, `${asked.size}: two syncs with work and eight sockets ask`);
    for (const times of asked.values()) {
      assert.ok(times.length >= 2, "each asks again");
      for (const [i, at] of times.slice(1).entries()) assert.ok(at - times[i] > 4_900, `after ${at - times[i]} ms`);
    }
    assert.deepEqual([here, there].flatMap(({ heard }) => heard.refused), []);
    assert.ok(here.states.every((state) => state.get().unsynced === 1));

    await callJson(operator, "POST", "/resume");
    await until(() => [here, there].every((d) => settled(d)), "all are synced");
    await until(() => [here, there].every((d) => d.provider.synced), "all notes are synced");
    await until(() => [here, there].every((d) => d.heard.opened === 2), "all are connected again");
    await until(async () => (await titles(there.rows, "customers", "contact_name")).length === 2, "the row arrives");
    await until(async () => (await titles(there.tasks, "tasks", "name")).length === 1, "the task arrives");
    await until(() => there.text.toString() === "before meanwhile ", "the note arrives");
    await create(there.rows, "customers", "contact_name", "after");
    await until(async () => (await titles(here.rows, "customers", "contact_name")).length === 3, "the notification arrives");
  } finally {
    here.end();
    there.end();
  }
});
