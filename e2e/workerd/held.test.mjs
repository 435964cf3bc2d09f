// The messages of sockets that a timer of their object holds.
import { test } from "node:test";
import assert from "node:assert/strict";
import { until } from "../until.mjs";
import { post, socket } from "./guest.mjs";

const limit = { timeout: 60_000 };
const LONG = 70_000; // more than a host may hold
const enoughMillis = 6_000; // for a few messages to arrive, on a busy machine, too

// pair opens two sockets of a room whose timer then holds messages for so long.
async function pair(room, millis) {
  const sockets = [await socket(`/room/${room}/socket?attachment=a`), await socket(`/room/${room}/socket?attachment=b`)];
  for (const s of sockets) await s.next();
  assert.equal(await sockets[0].ask(`hold ${millis}`), "set");
  return sockets;
}

const logOf = async (room) => JSON.parse((await post(`/room/${room}/call`, "log")).text);

test("messages that a timer holds reach the guest together when it rings, in their order", limit, async () => {
  const [a, b] = await pair("together", enoughMillis);
  for (const entry of ["one", "two", "three"]) a.ws.send(`add ${entry}`);
  b.ws.send("together");
  assert.ok(Number(await b.next()) > 1);
  assert.deepEqual([await a.next(), await a.next(), await a.next()], ["1", "2", "3"]);
  assert.equal(await b.ask("together"), "1");
  const log = await logOf("together");
  assert.deepEqual(log.slice(0, 3), ["one", "two", "three"]);
  assert.match(log[3], /^timer/);
  a.ws.terminate(), b.ws.terminate();
});

test("held messages come before any other event, so those of a socket that leaves are not lost", limit, async () => {
  const [a, b] = await pair("leaves", 600_000);
  b.ws.send("add last words");
  b.ws.close(4000, "done");
  let log;
  await until(async () => (log = await logOf("leaves")).length === 2, () => `two entries in ${log}`);
  assert.deepEqual(log, ["last words", "close 4000 done"]);
  a.ws.terminate();
});

test("a message that is too long to be held comes at once, after those that are held", limit, async () => {
  const [a, b] = await pair("long", 600_000);
  a.ws.send("add one");
  a.ws.send(`echo ${"x".repeat(LONG)}`);
  assert.equal(await a.next(), "1");
  assert.equal((await a.next()).length, LONG);
  a.ws.terminate(), b.ws.terminate();
});

for (const what of ["panic", "goroutine-panic"]) {
  test(`a ${what} in held messages closes the sockets of all of them, and the room lives`, limit, async () => {
    const [a, b] = await pair(what, enoughMillis);
    b.ws.send("echo here");
    a.ws.send("echo there");
    a.ws.send(what);
    assert.equal(await b.next(), "here");
    assert.equal(await a.next(), "there");
    for (const s of [a, b]) assert.equal((await s.next()).code, 1011);
    assert.equal((await post(`/room/${what}/call`, "echo yes")).text, "yes");
  });
}
