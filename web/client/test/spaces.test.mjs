import { afterEach, beforeEach, describe, mock, test } from "node:test";
import assert from "node:assert/strict";
import { baseUrl, callJson, ClosedError, createClient, isSpaceName, safeSyncDatabase, socketUrl, storageName, structuredSource, subscribe, syncState, syncTriggers } from "../dist/index.js";
import { projectPath, projectSource } from "../dist/projects.js";
import { none, open, rows, settle, write } from "./memory.mjs";

const token = () => "t";
const server = { url: "http://server", space: "team-x", token };
const real = { fetch: globalThis.fetch, WebSocket: globalThis.WebSocket };
let requests, sockets, respond;

class FakeSocket {
  constructor(url) {
    this.url = url;
    sockets.push(this);
  }
  close() {}
  send() {}
  end(code, reason) {
    this.onclose({ code, reason });
  }
}

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  [requests, sockets] = [[], []];
  respond = (path) => (path.endsWith("/auth/ticket") ? [200, { ticket: "k" }] : [200, { changes: {}, timestamp: 1, next_cursor: null, result: { data: { changes: {}, timestamp: 1 } } }]);
  globalThis.WebSocket = FakeSocket;
  globalThis.fetch = async (url, { method, headers }) => {
    const { pathname } = new URL(url);
    requests.push({ path: `${method} ${pathname}`, token: new Headers(headers).get("authorization") });
    const [status, body] = respond(pathname);
    return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
  };
});
afterEach(() => {
  mock.timers.reset();
  Object.assign(globalThis, real);
});

describe("the space of a server", () => {
  test("is in every URL that the kit makes", async () => {
    const args = { lastPulledAt: null, schemaVersion: 1, migration: null };
    const source = structuredSource(createClient(server));
    await source.pull(args);
    await source.push({ changes: {}, lastPulledAt: 1 });
    const project = projectSource(server, "p");
    await project.pull(args);
    await project.push({ changes: { tasks: { ...none(), deleted: ["d"] } }, lastPulledAt: 1 });
    await callJson(server, "GET", "/yjs/room?format=json");
    const stops = [subscribe(server, { onNotification() {} }), subscribe(server, { path: `${projectPath("p")}/subscribe`, onNotification() {} })];
    const stop = syncTriggers(open(), source, { server });
    await settle();
    assert.ok(requests.length >= 9, JSON.stringify(requests));
    assert.deepEqual(requests.filter(({ path }) => !/^[A-Z]+ \/s\/team-x\//.test(path)), []);
    assert.equal(sockets.length, 3);
    assert.deepEqual(sockets.filter(({ url }) => !url.startsWith("ws://server/s/team-x/")), []);
    assert.equal(socketUrl(server, "/yjs"), "ws://server/s/team-x/yjs");
    for (const end of [...stops, stop]) end();
  });

  test("is the root if it is absent or empty", () => {
    for (const space of [{}, { space: "" }, { space: undefined }]) assert.equal(baseUrl({ url: "http://server", token, ...space }), "http://server");
  });

  test("has a name from which no other URL can come", () => {
    for (const name of ["a", "9", "A.b_c-d", "x".repeat(64)]) assert.ok(isSpaceName(name), name);
    for (const name of ["..", ".a", "-a", "a/b", "a%2Fb", "a?b", "a b", "å", "a\n", "x".repeat(65)]) {
      assert.ok(!isSpaceName(name), name);
      assert.throws(() => baseUrl({ ...server, space: name }), /no space can have the name/);
    }
  });
});

describe("the name of what a device stores", () => {
  test("differs for every server, subject, space and part, also if upper and lower case are the same", () => {
    const texts = ["", "a", "A", "a,b", "a,", ",a", "%2C", "%2c", "a/b", "../a", "å", "Å", "0", "yjs"];
    const names = new Map();
    const add = (name, what) => {
      const key = name.toLowerCase();
      assert.equal(names.get(key), undefined, `${what} and ${names.get(key)} have the name ${name}`);
      assert.match(name, /^[a-zA-F0-9.,_%-]+$/);
      names.set(key, what);
    };
    for (const url of ["http://a", "http://a,b"]) {
      for (const subject of texts) {
        for (const space of ["", "a", "A", "yjs", "a.b"]) {
          add(storageName({ url, space }, subject), JSON.stringify([url, subject, space]));
          for (const part of texts) add(storageName({ url, space }, subject, part), JSON.stringify([url, subject, space, part]));
        }
      }
    }
  });

  test("begins alike for all that a subject has on a server, and for nobody else", () => {
    const prefix = storageName({ url: "http://a" }, "ann");
    assert.ok(storageName({ url: "http://a", space: "team" }, "ann", "0").startsWith(prefix));
    for (const subject of ["ann2", "an", "ann,", "Ann"]) assert.ok(!storageName({ url: "http://a", space: "team" }, subject, "0").startsWith(prefix), subject);
  });
});

describe("a space that the server closed for good", () => {
  for (const [code, reason, text] of [
    [4404, "the space was deleted", /deleted this space/],
    [4404, "the document was deleted", /^Somebody deleted this\.$/],
    [4403, "The token's spaces do not include this one: the claim spaces must name it", /does not include this space/],
    [4403, "The token's scope lacks yjs:read", /does not allow this/],
    [4413, "the space holds LIMIT_SPACE_BYTES: connect again to read", /full \(LIMIT_SPACE_BYTES\).*deletions/],
    [4413, "the document is too large", /too large/],
    [4401, "", /Sign in again/],
    [4499, "something newer", /4499.*something newer/],
  ]) {
    test(`is told in plain words: ${code} ${reason}`, () => assert.match(new ClosedError(code, reason).message, text));
  }

  test("is not made again by the sync of a device that had it open", async () => {
    const database = open();
    const source = { pushes: 0, pull: async () => ({ changes: {}, timestamp: 1 }), push: async () => void source.pushes++ };
    const stop = syncTriggers(database, source, { server });
    await settle();
    sockets[0].end(4404, "the space was deleted");
    await write(database, "notes", { title: "kept", updated_at: 1 });
    mock.timers.tick(600_000);
    await settle();
    const { phase, error, unsynced } = syncState(database).get();
    assert.deepEqual([phase, error.code, unsynced, source.pushes], ["refused", 4404, 1, 0]);
    assert.equal((await rows(database, "notes"))[0].title, "kept");
    stop();
    await settle();
    assert.equal(source.pushes, 0, "nor by the stop");
    assert.equal((await safeSyncDatabase(database, source)).phase, "idle", "but when the app asks for it");
    assert.equal(source.pushes, 1);
  });

  test("ends a sync that was under way, and its next attempt", async () => {
    const database = open();
    const fails = [];
    const source = { pull: () => new Promise((_, reject) => fails.push(reject)), push: async () => {} };
    const stop = syncTriggers(database, source, { server });
    await settle();
    const second = safeSyncDatabase(database, source); // waits for the first
    sockets[0].end(4404, "the space was deleted");
    fails[0](Object.assign(new Error("busy"), { status: 503 }));
    await settle();
    assert.equal((await second).phase, "refused");
    mock.timers.tick(600_000);
    await settle();
    assert.deepEqual([fails.length, syncState(database).get().error.code], [1, 4404]);
    stop();
  });

  test("that the token does not include is not asked for again, and the sync says why", async () => {
    respond = () => [403, { error: { message: "The token's spaces do not include this one: the claim spaces must name it", code: -32003, data: { code: "FORBIDDEN", httpStatus: 403 } } }];
    const refusals = [];
    const stops = [subscribe(server, { onNotification() {}, onRefused: (...refusal) => refusals.push(new ClosedError(...refusal).message) })];
    const database = open();
    stops.push(syncTriggers(database, structuredSource(createClient(server)), { server }));
    for (let i = 0; i < 20; i++) await settle();
    const tickets = requests.length;
    mock.timers.tick(600_000);
    await settle();
    assert.equal(requests.length, tickets);
    assert.deepEqual(refusals, ["Your sign-in does not include this space."]);
    const { phase, error } = syncState(database).get();
    assert.deepEqual([phase, error.message], ["refused", "The token's spaces do not include this one: the claim spaces must name it"]);
    for (const stop of stops) stop();
  });

  test("is full for a push: the state has the message that names LIMIT_SPACE_BYTES, and the row stays", async () => {
    const full = "The space holds LIMIT_SPACE_BYTES, 1048576 bytes: it takes deletions until it holds less";
    respond = (path) => (path.endsWith("push")
      ? [413, { error: { message: full, code: -32600, data: { code: "PAYLOAD_TOO_LARGE", httpStatus: 413 } } }]
      : [200, { result: { data: { changes: {}, timestamp: 1 } } }]);
    const database = open();
    await write(database, "notes", { title: "one too many", updated_at: 1 });
    const { phase, error, unsynced } = await safeSyncDatabase(database, structuredSource(createClient(server)));
    assert.deepEqual([phase, error.message, unsynced], ["refused", full, 1]);
  });
});

describe("two people on one device", () => {
  // device returns what an app does for a subject: a database under its name, and a server whose token
  // is the subject's own.
  const databases = new Map();
  let signedIn;
  function device(subject) {
    const own = { ...server, token: () => (signedIn === subject ? `token of ${subject}` : null) };
    const name = storageName(own, subject);
    if (!databases.has(name)) databases.set(name, open());
    return { database: databases.get(name), source: structuredSource(createClient(own)), server: own };
  }

  test("the second neither sees nor pushes what the first has not synced", async () => {
    respond = () => [503, {}];
    signedIn = "ann";
    const ann = device("ann");
    const stop = syncTriggers(ann.database, ann.source, { server: ann.server });
    await write(ann.database, "notes", { title: "of ann", updated_at: 1 });
    await settle();
    signedIn = "bob"; // and Ann's next attempt is still to come
    respond = (path) => (path.endsWith("ticket") ? [200, { ticket: "k" }] : [200, { result: { data: { changes: {}, timestamp: 1 } } }]);
    requests.length = 0;
    const bob = device("bob");
    assert.deepEqual(await rows(bob.database, "notes"), []);
    respond = () => [401, {}];
    mock.timers.tick(600_000);
    for (let i = 0; i < 20; i++) await settle();
    assert.deepEqual(requests.filter(({ token }) => token?.includes("bob")), [], "nothing of Ann goes with Bob's token");
    stop();
    respond = () => [200, { result: { data: { changes: {}, timestamp: 1 } } }];
    requests.length = 0;
    await safeSyncDatabase(bob.database, bob.source);
    assert.deepEqual(requests.filter(({ path }) => path.endsWith("push")), []);

    signedIn = "ann";
    const state = await safeSyncDatabase(device("ann").database, device("ann").source);
    assert.deepEqual([state.phase, state.unsynced], ["idle", 0]);
    assert.deepEqual(requests.at(-1), { path: "POST /s/team-x/trpc/sync.push", token: "Bearer token of ann" });
  });
});
