// What the glue on workerd does with a socket of several documents, where no client sees it. The sockets are the test's.
import { test } from "node:test";
import assert from "node:assert/strict";
import { Trace } from "../../worker/log.mjs";
import { Several, count } from "../../worker/several.mjs";

// A Socket is one end of a WebSocket, and keeps what it is given.
class Socket extends EventTarget {
  sent = [];
  closed = null; // [code, reason]

  accept() {}

  send(frame) {
    this.sent.push([...frame]);
  }

  close(...how) {
    this.closed ??= how;
  }

  hear(...bytes) {
    this.take(Uint8Array.from(bytes));
  }

  take({ buffer }) {
    this.dispatchEvent(Object.assign(new Event("message"), { data: buffer }));
  }
}

const ctx = { waitUntil() {} };
const document = [1, 0x61]; // the address of a
const token = [2, 0, 1, 0x74];

// open returns the client's socket, the room's, and the request that opened it.
function open(t, headers = {}) {
  const [client, room] = [new Socket(), new Socket()];
  const request = new Request("http://127.0.0.1/hocuspocus", { headers });
  return new Promise((opened) => {
    const several = new Several(client, "/yjs/", { request, ctx, trace: new Trace(request.headers) }, async (inner) => {
      setImmediate(() => opened({ client, room, request: inner }));
      return { webSocket: room };
    });
    t.after(() => several.end(1000, ""));
    client.hear(...document, ...token);
  });
}

test("the request that opens a document has the id, the trace and the client of the socket", async (t) => {
  const headers = {
    "x-request-id": "one-id", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "origin": "https://app.example", "cf-connecting-ip": "192.0.2.1", "user-agent": "a provider",
  };
  const { request } = await open(t, headers);
  assert.equal(request.url, "http://127.0.0.1/yjs/a");
  for (const [name, value] of Object.entries({ ...headers, authorization: "Bearer t" })) assert.equal(request.headers.get(name), value, name);
});

test("a client that opens and leaves documents has few of them under way", (t) => {
  const client = new Socket();
  const request = new Request("http://127.0.0.1/hocuspocus");
  let opened = 0;
  const never = () => (opened++, new Promise(() => {}));
  const several = new Several(client, "/yjs/", { request, ctx, trace: new Trace(request.headers) }, never);
  t.after(() => several.end(1000, ""));
  for (let i = 0; i < 300; i++) {
    client.hear(...document, ...token);
    client.hear(...document, 7); // leaves
  }
  assert.equal(opened, 100);
  assert.equal(client.sent.length, 200); // denials
  assert.equal(several.lanes.size, 0);
});

test("a document whose connection to its room fails makes the client connect again", async (t) => {
  const { client, room } = await open(t);
  room.hear(2, 2, 0); // authenticated
  assert.deepEqual(client.sent, [[...document, 2, 2, 0]]);
  room.dispatchEvent(new Event("error"));
  assert.equal(client.closed?.[0], 4205);
});

// unopened returns the client's socket of a Several whose documents open when the test resolves join with their sockets.
function unopened(t) {
  const client = new Socket();
  const request = new Request("http://127.0.0.1/hocuspocus");
  const joins = [];
  const join = () => new Promise((opened) => joins.push((webSocket) => opened({ webSocket })));
  const several = new Several(client, "/yjs/", { request, ctx, trace: new Trace(request.headers) }, join);
  t.after(() => several.shut(1000, ""));
  return { client, several, joins };
}

const turn = () => new Promise(setImmediate);

test("a document that its client has left gets what came before, and its client hears nothing more of it", async (t) => {
  const { client, several, joins } = unopened(t);
  const [room, next] = [new Socket(), new Socket()];
  client.hear(...document, ...token);
  client.hear(...document, 0, 1);
  client.hear(...document, 0, 2);
  client.hear(...document, 7); // leaves
  client.hear(...document, ...token); // and joins again
  client.hear(...document, 0, 3);
  joins[1](next);
  await turn();
  assert.deepEqual([next.sent, room.sent, several.count], [[[0, 3]], [], 2]);
  joins[0](room);
  await turn();
  assert.deepEqual([room.sent, room.closed, several.count, several.waiting], [[[0, 1], [0, 2]], [1000, ""], 0, 0]);
  room.hear(2, 2, 0); // authenticated, late
  room.hear(8, 1);
  assert.deepEqual(client.sent, []);
  assert.equal(several.let, true);
  next.hear(2, 2, 0);
  assert.deepEqual([client.sent, next.closed], [[[...document, 2, 2, 0]], null]);
});

test("what waits for a document that is denied counts no more", async (t) => {
  const { client, several } = unopened(t);
  client.hear(...document, 0, 1);
  client.hear(...document, 2, 0, 0); // an empty token
  assert.match(Buffer.from(client.sent[0]).toString(), /option `token`/);
  assert.deepEqual([several.count, several.waiting], [0, 0]);
});

test("a socket that breaks leaves what its documents still get", async (t) => {
  const { client, joins } = unopened(t);
  const room = new Socket();
  client.hear(...document, ...token);
  client.hear(...document, 0, 1);
  client.dispatchEvent(new Event("error"));
  joins[0](room);
  await turn();
  assert.deepEqual([room.sent, room.closed], [[[0, 1]], [4006, ""]]);
});

test("messages of all sockets that no room has let in are bounded", async (t) => {
  const early = new Uint8Array(1 << 20);
  early.set(document);
  const strangers = Array.from({ length: 16 }, () => unopened(t));
  for (const { client } of strangers) client.take(early);
  assert.ok(strangers.every(({ client }) => client.closed === null));
  const last = unopened(t);
  last.client.take(early);
  assert.equal(last.client.closed?.[0], 4413);
  assert.match(last.client.closed[1], /all clients/);
  const [first] = strangers; // its messages count no more when it is let in
  first.client.hear(1, 0x62, ...token);
  const room = new Socket();
  first.joins[0](room);
  await turn();
  room.hear(2, 2, 0);
  const late = unopened(t);
  late.client.take(early);
  assert.equal(late.client.closed, null);
});

test("a socket gets so many denials", (t) => {
  const { client } = unopened(t);
  for (let i = 0; i < 1000; i++) client.hear(...document, 2, 0, 0);
  assert.deepEqual([client.sent.length, client.closed], [1000, null]);
  client.hear(...document, 2, 0, 0);
  assert.deepEqual([client.sent.length, client.closed?.[0]], [1000, 4413]);
});

test("pings are answered once a second", (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const { client } = unopened(t);
  for (let second = 0; second < 3; second++) {
    for (let i = 0; i < 5; i++) client.hear(9);
    t.mock.timers.tick(1000);
  }
  assert.deepEqual(client.sent, [[10], [10], [10]]);
});

test("an isolate counts its sockets of several documents, and those that no room has let in", async (t) => {
  const before = count();
  const { client, joins } = unopened(t);
  const { several } = unopened(t);
  assert.deepEqual(count(), { open: before.open + 2, strangers: before.strangers + 2 });
  client.hear(...document, ...token);
  const room = new Socket();
  joins[0](room);
  await turn();
  room.hear(2, 2, 0);
  assert.deepEqual(count(), { open: before.open + 2, strangers: before.strangers + 1 });
  several.shut(1000, "");
  assert.deepEqual(count(), { open: before.open + 1, strangers: before.strangers });
});
