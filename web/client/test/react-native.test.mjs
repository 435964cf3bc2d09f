// The kit where React Native's globals are. This process has no others: the kit must not have been loaded before.
import { register } from "node:module";
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Phone } from "./react-native.mjs";

const { exports } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url)));
const entries = Object.keys(exports).filter((name) => name !== "./package.json");
register("./metro-hooks.mjs", import.meta.url);
const phone = new Phone().install();
const { none, open, settle } = await import("./memory.mjs");

const load = (name) => import(`tidemark-client${name.slice(1)}`);

test("every entry can be loaded", async () => {
  for (const name of entries) assert.ok(Object.keys(await load(name)).length > 0, name);
  assert.deepEqual(Object.keys(await load("./react")).filter((name) => /Lexical/.test(name)), []);
});

test("a UUID is random without crypto, and its bits are spread", async () => {
  const { uuid } = await load(".");
  const all = Array.from({ length: 2000 }, uuid);
  assert.equal(new Set(all).size, all.length);
  for (const id of all) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  for (let bit = 0; bit < 128; bit++) {
    const ones = all.filter((id) => (BigInt(`0x${id.replaceAll("-", "")}`) >> BigInt(bit)) & 1n).length;
    const fixed = [76, 77, 78, 79, 62, 63].includes(bit); // the version and the variant
    assert.ok(fixed ? ones === 0 || ones === all.length : ones > 850 && ones < 1150, `bit ${bit}: ${ones}`);
  }
});

test("Yjs takes its random numbers from the kit", async () => {
  const { Doc } = await import("yjs");
  assert.equal(new Set(Array.from({ length: 100 }, () => new Doc().clientID)).size, 100);
});

test("rows are pulled and pushed", async () => {
  const { createClient, safeSyncDatabase, structuredSource } = await load(".");
  const asked = [];
  phone.respond = async (url) => (asked.push(url), { result: { data: { timestamp: 5, changes: { notes: none(), tasks: none() } } } });
  const state = await safeSyncDatabase(open(), structuredSource(createClient({ url: "http://server", token: () => "t" })));
  assert.deepEqual([state.phase, state.error], ["idle", null]);
  assert.match(asked[0], /^http:\/\/server\/trpc\/sync\.pull\?input=/);
});

for (const [name, response] of [
  ["never begins", () => new Promise(() => {})],
  ["stops in the middle", async () => ({ ok: true, status: 200, headers: { get: () => null }, text: () => new Promise(() => {}) })],
]) {
  test(`a response that ${name} fails after the time limit`, async () => {
    const { callJson } = await load(".");
    const real = globalThis.fetch;
    globalThis.fetch = response;
    try {
      const call = callJson({ url: "http://server", token: () => "t", timeoutMillis: 20 }, "GET", "/x");
      await assert.rejects(call, { name: "TimeoutError" });
    } finally {
      globalThis.fetch = real;
    }
  });
}

test("a socket that was closed while it connected closes when it opens", async () => {
  const { ticketSocket } = await load(".");
  phone.respond = async () => ({ ticket: "x" });
  const heard = [];
  const socket = new (ticketSocket({ url: "http://server", token: () => "t" }))("ws://server/x");
  socket.onopen = () => heard.push("open");
  socket.onclose = ({ code, reason }) => heard.push([code, reason]);
  await settle();
  const real = phone.sockets.at(-1);
  socket.close();
  assert.equal(real.readyState, 0);
  real.open();
  assert.deepEqual([real.readyState, heard], [2, []]);
  real.onclose({}); // of a connection that broke
  assert.deepEqual(heard, [[1006, ""]]);
});

test("a room reads, edits and stores its document", async () => {
  const { openRooms, Room } = await load("./documents");
  const stored = [];
  const store = { load: async () => ({ updates: [], unsaved: false }), append: async (update, unsaved) => void stored.push(unsaved), saved: async () => {}, compact: async () => [], close() {} };
  const documents = { open: () => store, unsaved: async () => [], unsavedNow: () => [], remove: async () => {} };
  const room = new Room("note", { server: { url: "http://server", token: () => "t" }, subject: "ada", documents });
  room.connect();
  await settle();
  phone.sockets.at(-1).open();
  room.doc.getText("t").insert(0, "Hello");
  await settle();
  assert.deepEqual([stored, room.unsaved, openRooms().length, phone.sockets.at(-1).binaryType], [[true], true, 1, "arraybuffer"]);
  await room.destroy();
});
