// Updates and messages that are small on the wire and cost many steps of integration, or
// much memory. Each host accepts or rejects them and goes on serving others, also after a
// restart. docs/protocol.md, Y10 and Y11.
import assert from "node:assert/strict";
import { test } from "node:test";
import WebSocket from "ws";
import { doors, onWorkerd, token } from "../doors.mjs";

class Bytes {
  constructor(size) {
    this.buffer = Buffer.alloc(size);
    this.at = 0;
  }
  byte(...values) {
    for (const value of values) this.buffer[this.at++] = value;
    return this;
  }
  uint(n) {
    for (; n > 127; n = Math.floor(n / 128)) this.byte((n % 128) | 128);
    return this.byte(n);
  }
  text(s) {
    this.uint(s.length);
    this.at += this.buffer.write(s, this.at, "latin1");
    return this;
  }
  done() {
    return this.buffer.subarray(0, this.at);
  }
}

// scanning puts each of n items beside another unit of a text of length units. The
// integration of one passes all before it.
function scanning(n, length) {
  const b = new Bytes(12 * n + length + 100);
  b.byte(2, 1, 2, 0, 4, 1).text("t").text("a".repeat(length)).uint(n).byte(1, 0);
  for (let i = 0; i < n; i++) b.byte(0x44, 2).uint(i % length).text("x");
  return b.byte(0).done();
}

// scattered returns n items of one unit that do not merge.
function scattered(n) {
  const b = new Bytes(8 * n + 100);
  b.byte(1).uint(n).byte(7, 0);
  for (let i = 0; i < n; i++) b.byte(4, 1).text(i % 2 ? "a" : "b").text("x");
  return b.byte(0).done();
}

const frame = (kind, payload) => Buffer.concat([new Bytes(20).byte(0, kind).uint(payload.length).done(), payload]);

function vector(n) {
  const b = new Bytes(8 * n + 20).uint(n);
  for (let i = 0; i < n; i++) b.uint(i).byte(1);
  return frame(0, b.done());
}

function deletes(n) {
  const b = new Bytes(3 * n + 20).byte(0, 1, 9).uint(n);
  for (let i = 0; i < n; i++) b.byte(1, 1);
  return frame(2, b.done());
}

for (const [name, open] of onWorkerd(doors)) {
  test(`${name}: what costs much stops nobody`, async (t) => {
    const door = open();
    t.after(() => door.close());
    await door.start();
    const admin = token("alice");
    const ask = async (method, path, body) => {
      const response = await fetch(door.url + path, { method, body, headers: { authorization: `Bearer ${admin}` } });
      return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
    };
    const want = async (status, method, path, body) => {
      const answer = await ask(method, path, body);
      assert.equal(answer.status, status, `${method} ${path}: ${answer.body.subarray(0, 200)}`);
      assert.equal((await ask("GET", "/healthz")).status, 200);
      assert.equal((await ask("POST", "/yjs/neighbour", Buffer.from([1, 1, 1, 0, 4, 1, 1, 0x74, 1, 0x78, 0]))).status, 204);
      assert.doesNotMatch(door.log, /instance (ended|failed)/);
      return answer.body;
    };
    const rooms = ["steps-1", "steps-2", "steps-3", "steps-4"];
    const costly = scanning(160_000, 16_000);
    for (const room of rooms) await want(204, "POST", `/yjs/${room}`, costly);
    for (const room of rooms) assert.ok((await want(200, "GET", `/yjs/${room}`)).length >= costly.length);
    await want(204, "POST", "/yjs/items", scattered(1_000_000));
    await want(200, "GET", "/yjs/items");

    const closed = (message, claims) =>
      new Promise((resolve, reject) => {
        const ws = new WebSocket(`${door.url.replace("http", "ws")}/yjs/messages?token=${token("bob", claims)}`);
        ws.on("open", () => ws.send(message));
        ws.on("error", reject);
        ws.on("close", (code) => resolve(code));
      });
    assert.equal(await closed(vector(3_600_000), { scope: "yjs:read" }), 4413);
    assert.equal(await closed(deletes(4_000_000)), 4413);
    await want(404, "GET", "/yjs/messages");

    await door.stop();
    await door.start();
    for (const room of rooms) {
      await want(200, "GET", `/yjs/${room}`);
      await want(413, "GET", `/yjs/${room}?format=text&name=t`);
      await want(204, "DELETE", `/yjs/${room}`);
      await want(204, "POST", `/yjs/${room}`, Buffer.from([1, 1, 9, 0, 4, 1, 1, 0x74, 1, 0x78, 0]));
      assert.equal(String(await want(200, "GET", `/yjs/${room}?format=text&name=t`)), "x");
    }
  });
}
