// What triggers a sync: the browser's events, and those of React Native's modules.
import { afterEach, beforeEach, mock, test } from "node:test";
import assert from "node:assert/strict";
import { browserPlatform, subscribe, syncTriggers } from "../dist/index.js";
import { reactNativePlatform } from "../dist/react-native.js";
import { none, open, settle } from "./memory.mjs";
import { FakeSocket, sockets } from "./socket.mjs";

const real = { fetch: globalThis.fetch, WebSocket: globalThis.WebSocket, document: globalThis.document };

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  sockets.length = 0;
  globalThis.fetch = async () => new Response(JSON.stringify({ ticket: "x" }));
  globalThis.WebSocket = FakeSocket;
});
afterEach(() => {
  mock.timers.reset();
  Object.assign(globalThis, real);
});

/** An emitter in the form of AppState and of NetInfo. */
function modules() {
  const [states, connections] = [new Set(), new Set()];
  return {
    states, connections,
    AppState: { addEventListener: (type, listener) => (assert.equal(type, "change"), states.add(listener), { remove: () => states.delete(listener) }) },
    NetInfo: { addEventListener: (listener) => (connections.add(listener), listener({ isConnected: null }), () => connections.delete(listener)) },
    become: (state) => states.forEach((listener) => listener(state)),
    connect: (isConnected, more) => connections.forEach((listener) => listener({ isConnected, ...more })),
  };
}

test("React Native's platform tells of the foreground and of each change of the connection, until it is stopped", () => {
  const phone = modules();
  const { onActive, onConnection } = reactNativePlatform(phone);
  const heard = [];
  const stops = [onActive(() => heard.push("active")), onConnection((online) => heard.push(online))];
  for (const state of ["inactive", "background", "active"]) phone.become(state);
  phone.connect(true); // the state at first
  phone.connect(true, { type: "wifi" });
  phone.connect(false);
  phone.connect(null);
  phone.connect(false);
  phone.connect(true);
  assert.deepEqual(heard, ["active", false, true]);
  for (const stop of stops) stop();
  assert.deepEqual([phone.states.size, phone.connections.size], [0, 0]);
});

test("a device that is offline at first is told so, and without NetInfo nothing is told of the connection", () => {
  const phone = modules();
  const heard = [];
  reactNativePlatform(phone).onConnection((online) => heard.push(online));
  phone.connect(false);
  assert.deepEqual(heard, [false]);
  assert.equal("onConnection" in reactNativePlatform({ AppState: phone.AppState }), false);
});

test("syncTriggers syncs when the app becomes active and when the device comes online, and not after the stop", async () => {
  const phone = modules();
  let pulls = 0;
  const source = { pull: async () => ({ timestamp: ++pulls, changes: { notes: none(), tasks: none() } }), push: async () => {} };
  const stop = syncTriggers(open(), source, { server: { url: "http://server", token: () => "t" }, platform: reactNativePlatform(phone) });
  await settle();
  assert.equal(pulls, 1);
  phone.become("background");
  await settle();
  assert.equal(pulls, 1);
  phone.become("active");
  await settle();
  assert.equal(pulls, 2);
  phone.connect(false);
  await settle();
  assert.equal(pulls, 2);
  phone.connect(true);
  await settle();
  assert.equal(pulls, 3);
  stop();
  assert.deepEqual([phone.states.size, phone.connections.size], [0, 0]);
});

test("a subscriber connects at once when the device comes online or the app becomes active", async () => {
  const phone = modules();
  const heard = [];
  const options = { platform: reactNativePlatform(phone), onNotification: () => {}, onConnected: (connected) => heard.push(connected), onRefused: (code) => heard.push(code) };
  const stop = subscribe({ url: "http://server", token: () => "t" }, options);
  await settle();
  sockets[0].open();
  phone.connect(false);
  assert.deepEqual([heard, sockets[0].readyState], [[true, false], 3]);
  phone.connect(true);
  await settle();
  assert.equal(sockets.length, 2);
  phone.become("active");
  await settle();
  assert.equal(sockets.length, 2, "one that connects is left alone");
  sockets[1].open();
  assert.deepEqual(sockets[1].sent, ["ping"]);
  phone.become("active");
  assert.deepEqual(sockets[1].sent, ["ping", "ping"], "a socket may have ended while the app slept");
  mock.timers.tick(10_000);
  assert.equal(sockets[1].readyState, 3);
  phone.become("active");
  await settle();
  assert.equal(sockets.length, 3);
  sockets[2].open();
  sockets[2].end(4403);
  phone.become("active");
  phone.connect(false);
  phone.connect(true);
  await settle();
  assert.deepEqual([sockets.length, heard.at(-1)], [3, 4403], "refused is refused");
  stop();
});

test("the browser's platform hears of its page and its connection, and does without both", () => {
  const listeners = new Map();
  const target = {
    addEventListener: (type, listener) => listeners.set(type, listener),
    removeEventListener: (type, listener) => listeners.get(type) === listener && listeners.delete(type),
  };
  const heard = [];
  const begin = () => [browserPlatform.onActive(() => heard.push("active")), browserPlatform.onConnection((online) => heard.push(online))];
  for (const stop of begin()) stop(); // Node has no page
  globalThis.document = { ...target, visibilityState: "hidden" };
  Object.assign(globalThis, target);
  try {
    const stops = begin();
    listeners.get("visibilitychange")();
    globalThis.document.visibilityState = "visible";
    for (const type of ["visibilitychange", "offline", "online"]) listeners.get(type)();
    assert.deepEqual(heard, ["active", false, true]);
    for (const stop of stops) stop();
    assert.equal(listeners.size, 0);
  } finally {
    for (const name of Object.keys(target)) delete globalThis[name];
  }
});
