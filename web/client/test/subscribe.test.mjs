import { afterEach, beforeEach, mock, test } from "node:test";
import assert from "node:assert/strict";
import { subscribe, ticketSocket } from "../dist/index.js";
import { socketLog } from "../dist/sockets.js";
import { settle } from "./memory.mjs";
import { FakeSocket, sockets } from "./socket.mjs";

// A network of one server: tickets, and sockets that the test drives.
let tickets, ticketStatus, ticketHeaders, token;
const real = { fetch: globalThis.fetch, WebSocket: globalThis.WebSocket };

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  [tickets, ticketStatus, ticketHeaders, token] = [0, 200, {}, "t"];
  sockets.length = 0;
  globalThis.WebSocket = FakeSocket;
  globalThis.fetch = async (url, { method, headers }) => {
    assert.deepEqual([url, method, headers.authorization], ["http://server/auth/ticket", "POST", `Bearer ${token}`]);
    if (ticketStatus === 0) throw new TypeError("fetch failed");
    return new Response(JSON.stringify({ ticket: `ticket-${++tickets}` }), { status: ticketStatus, headers: ticketHeaders });
  };
});
afterEach(() => {
  mock.timers.reset();
  Object.assign(globalThis, real);
});

function listen() {
  const heard = [];
  const stop = subscribe(
    { url: "http://server", token: () => token },
    {
      onNotification: ({ type, table, stamp }) => heard.push([type, table, stamp]),
      onConnected: (connected) => heard.push(connected),
      onRefused: (code) => heard.push(["refused", code]),
    },
  );
  return { heard, stop };
}

async function tick(millis) {
  mock.timers.tick(millis);
  await settle();
}

test("a subscriber hears hello and changes, and nothing else", async () => {
  const { heard, stop } = listen();
  await settle();
  assert.equal(sockets[0].url, "ws://server/sync/subscribe?ticket=ticket-1");
  sockets[0].open();
  sockets[0].say({ type: "hello", table: "*", stamp: 1 });
  sockets[0].say("pong");
  sockets[0].say("not JSON");
  sockets[0].say({ type: "something newer" });
  sockets[0].say({ type: "change", table: "customers", stamp: 2 });
  assert.deepEqual(heard, [true, ["hello", "*", 1], ["change", "customers", 2]]);
  stop();
  assert.equal(sockets[0].readyState, 3);
  await tick(600_000);
  assert.equal(sockets.length, 1, "stopped is stopped");
});

test("a lost connection comes back with a new ticket, after waits that grow until it is heard", async () => {
  const { heard, stop } = listen();
  await settle();
  sockets[0].end(1006);
  await tick(374);
  assert.equal(sockets.length, 1);
  await tick(251); // 375 to 625 ms
  assert.match(sockets[1].url, /ticket-2$/);
  sockets[1].open(); // open, but nothing is heard
  sockets[1].end(1013);
  await tick(749);
  assert.equal(sockets.length, 2);
  await tick(501);
  sockets[2].open();
  sockets[2].say({ type: "hello", table: "*", stamp: 1 });
  sockets[2].end(1001);
  await tick(625);
  assert.equal(sockets.length, 4, "the waits begin anew");
  assert.deepEqual(heard, [false, true, false, true, ["hello", "*", 1], false]);
  stop();
});

test("a server that cannot be reached for a ticket is tried again", async () => {
  ticketStatus = 0;
  const { stop } = listen();
  await settle();
  ticketStatus = 200;
  await tick(625);
  assert.equal(sockets.length, 1);
  stop();
});

test("a server that asks to wait is asked again after that time, however often, and not before", async () => {
  [ticketStatus, ticketHeaders] = [503, { "retry-after": "5" }];
  const { heard, stop } = listen();
  await settle();
  for (let asked = 1; asked <= 20; asked++) {
    assert.equal(tickets, asked);
    await tick(4_999);
    assert.equal(tickets, asked);
    if (asked === 20) ticketStatus = 200;
    await tick(1);
  }
  assert.equal(sockets.length, 1);
  sockets[0].open();
  assert.deepEqual(heard, [true]);
  stop();
});

test("a socket that waits can be closed, and asks no more", async () => {
  [ticketStatus, ticketHeaders] = [429, { "retry-after": "60" }];
  const codes = [];
  const socket = new (ticketSocket({ url: "http://server", token: () => token }))("ws://server/yjs/room");
  socket.onclose = ({ code }) => codes.push(code);
  await settle();
  assert.equal(socket.readyState, 0);
  socket.close();
  assert.deepEqual([socket.readyState, codes], [3, []]);
  await tick(600_000);
  assert.deepEqual([tickets, codes], [1, [1006]]);
});

test("a socket that cannot be made is tried again", async () => {
  globalThis.WebSocket = class {
    constructor() {
      throw new DOMException("not from this page", "SecurityError");
    }
  };
  const { heard, stop } = listen();
  await settle();
  assert.deepEqual(heard, [false]);
  globalThis.WebSocket = FakeSocket;
  await tick(625);
  assert.equal(sockets.length, 1);
  stop();
});

for (const [name, refuse] of [
  ["a refused ticket", async () => void (await settle())],
  ["a close code of 4400 to 4499", async () => (await settle(), sockets[0].end(4401))],
]) {
  test(`${name} is final`, async () => {
    if (name === "a refused ticket") ticketStatus = 401;
    const { heard, stop } = listen();
    await refuse();
    await tick(600_000);
    assert.deepEqual(heard, [false, ["refused", 4401]]);
    assert.ok(sockets.length <= 1);
    stop();
  });
}

test("a socket whose token has ended comes back by itself if there is a new one", async () => {
  const { heard, stop } = listen();
  await settle();
  sockets[0].open();
  token = "renewed";
  sockets[0].end(4401);
  await tick(625);
  assert.equal(sockets.length, 2);
  sockets[1].open();
  assert.deepEqual(heard, [true, false, true]);
  sockets[1].end(4401); // of the new one, and there is no newer
  await tick(600_000);
  assert.equal(sockets.length, 2);
  assert.deepEqual(heard.at(-1), ["refused", 4401]);
  stop();
});

test("a connection that does not answer a ping is lost", async () => {
  const { stop } = listen();
  await settle();
  sockets[0].open();
  sockets[0].say({ type: "hello", table: "*", stamp: 1 });
  assert.deepEqual(sockets[0].sent, ["ping"]);
  await tick(25_000);
  assert.deepEqual(sockets[0].sent, ["ping", "ping"]);
  sockets[0].say("pong");
  await tick(25_000);
  assert.deepEqual(sockets[0].sent, ["ping", "ping", "ping"]);
  await tick(10_000);
  assert.equal(sockets[0].readyState, 3);
  await tick(625);
  assert.equal(sockets.length, 2);
  stop();
});

test("a connection that opens and then says nothing at all is lost, too", async () => {
  const { heard, stop } = listen();
  await settle();
  sockets[0].open();
  await tick(25_000);
  assert.deepEqual(sockets[0].sent, ["ping", "ping"]);
  await tick(10_000);
  await tick(625);
  assert.equal(sockets.length, 2);
  assert.deepEqual(heard, [true, false]);
  stop();
});

test("stopped before the ticket came, no socket is opened", async () => {
  const { stop } = listen();
  stop();
  await settle();
  assert.equal(sockets.length, 0);
});

test("the log of sockets has the state of each path, and no ticket", async () => {
  const known = () => {
    const { url, state, lastMessageAt, closes, closed } = socketLog().at(-1);
    return { url, state, heard: lastMessageAt !== null, closes, closed };
  };
  const path = "/sync/logged";
  const stop = subscribe({ url: "http://server", token: () => token }, { path, onNotification: () => {} });
  const url = `ws://server${path}`;
  assert.deepEqual(known(), { url, state: "connecting", heard: false, closes: 0, closed: null });
  await settle();
  sockets[0].open();
  assert.deepEqual(known(), { url, state: "open", heard: false, closes: 0, closed: null });
  sockets[0].say("pong");
  assert.deepEqual(known(), { url, state: "open", heard: true, closes: 0, closed: null });
  sockets[0].end(1011);
  assert.deepEqual(known(), { url, state: "closed", heard: true, closes: 1, closed: { code: 1011, reason: "" } });
  await tick(30_000);
  assert.deepEqual(known(), { url, state: "connecting", heard: true, closes: 1, closed: { code: 1011, reason: "" } });
  stop();
});
