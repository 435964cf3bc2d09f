// What the glue on workerd does with a socket of several documents, where no client sees it. The sockets are the test's.
import { test } from "node:test";
import assert from "node:assert/strict";
import { Trace } from "../../worker/log.mjs";
import { Several } from "../../worker/several.mjs";

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
    this.dispatchEvent(Object.assign(new Event("message"), { data: Uint8Array.from(bytes).buffer }));
  }
}

const document = [1, 0x61]; // the address of a
const token = [2, 0, 1, 0x74];

// open returns the client's socket, the room's, and the request that opened it.
function open(t, headers = {}) {
  const [client, room] = [new Socket(), new Socket()];
  const request = new Request("http://127.0.0.1/hocuspocus", { headers });
  return new Promise((opened) => {
    const several = new Several(client, "/yjs/", { request, trace: new Trace(request.headers) }, async (inner) => {
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
  const several = new Several(client, "/yjs/", { request, trace: new Trace(request.headers) }, never);
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
