// The guest worker/testguest on workerd, through the real glue, for the tests of the file that imports this.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { connect } from "node:net";
import { WebSocket } from "ws";
import { until } from "../until.mjs";
import { start } from "./host.mjs";

const guest = new URL("../../build/testguest.wasm", import.meta.url).pathname;
export let host;

before(async () => {
  host = await start(guest, { bindings: {
    GREETING: "grüß", LIMIT_MEMORY_MB: "48", LIMIT_BODY_BYTES: "1000000", LIMIT_SOCKETS: "200", LIMIT_SOCKETS_PER_SUBJECT: "3",
  } });
});
after(() => host.mf.dispose());

// impatient gives a test a host of its own, whose requests may take half a second.
export async function impatient(t) {
  const patient = host;
  t.after(() => (host = patient));
  host = await start(guest, { bindings: { LIMIT_CALL_MS: "500" } });
  t.after(host.close);
}

export const get = async (path, options) => {
  const response = await fetch(host.url + path, options);
  return { status: response.status, text: (await response.text()).trim() };
};
export const post = (path, body) => get(path, { method: "POST", body });
export const ok = async (path, options) => {
  const answer = await get(path, options);
  assert.equal(answer.status, 200, answer.text);
  return answer.text;
};
export const stats = async () => JSON.parse(await ok("/stats"));

// atRest waits until the instance has no call but the one that asks, no op and no handle.
export async function atRest(goroutines = Infinity) {
  let s;
  const rests = async () => {
    s = await stats();
    return s.calls === 1 && s.ops === 0 && s.handles === 0 && s.goroutines <= goroutines;
  };
  await until(rests, () => `at rest with ${goroutines} goroutines: ${JSON.stringify(s)}`);
  return s;
}

// wake waits until a request waits for key, and wakes it.
export const wake = (key) => until(async () => (await get(`/wake?key=${key}`)).text === "woke", () => `somebody waits for ${key}`);

export async function socket(path) {
  const ws = new WebSocket(host.url.replace("http", "ws") + path);
  const got = [];
  let wake = () => {};
  ws.on("message", (data, binary) => (got.push(binary ? data : data.toString()), wake()));
  ws.on("close", (code, reason) => (got.push({ code, reason: reason.toString() }), wake()));
  await new Promise((resolve, reject) => ws.once("open", resolve).once("error", reject));
  const next = async () => {
    while (got.length === 0) await new Promise((resolve) => (wake = resolve));
    return got.shift();
  };
  return { ws, next, ask: (text) => (ws.send(text), next()) };
}

// raw sends all bytes before it reads. It returns the response's status line. end
// half-closes the connection before.
export async function raw(head, body, end = false) {
  const { hostname, port } = new URL(host.url);
  const socket = connect(Number(port), hostname).on("error", () => {});
  const write = (bytes) => new Promise((sent) => socket.write(bytes, sent));
  await write(`${head}\r\nHost: test\r\n\r\n`);
  for (let at = 0; at < body.length; at += 65_536) await write(body.subarray(at, at + 65_536));
  if (end) socket.end();
  let said = "";
  for await (const data of socket) if ((said += data).includes("\r\n\r\n")) break;
  return said.split("\r\n")[0];
}
