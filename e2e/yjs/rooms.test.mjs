// Two hundred rooms in use at once in one isolate, and the memory of its guest.
import { test } from "node:test";
import assert from "node:assert/strict";
import * as Y from "yjs";
import { wazero } from "../doors.mjs";
import { until } from "../until.mjs";
import { join } from "./member.mjs";
import { startMeasured } from "./workerd.mjs";

const documentBytes = 50_000;
const { YJS_ROOMS = 60, YJS_ROUNDS = 1 } = process.env; // make prove has more of both
const atOnce = 20; // rooms that do something at the same time

// typed returns a document that somebody typed at several places.
function typed() {
  const doc = new Y.Doc();
  doc.clientID = 1;
  const text = doc.getText("note");
  for (let at = 0, i = 0; ; i++) {
    text.insert(at, "word ");
    at = (at * 48271 + i) % text.length;
    if (i % 100 === 0 && Y.encodeStateAsUpdate(doc).length >= documentBytes) return Y.encodeStateAsUpdate(doc);
  }
}

// each calls f with every number below count, several at a time.
async function each(count, f) {
  let next = 0;
  const worker = async () => {
    while (next < count) await f(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

// use opens so many rooms. Two members of each room edit for so many rounds, and a third
// reads the result.
async function use(host, { rooms, rounds }) {
  const update = typed();
  const members = [];
  await each(rooms, async (n) => {
    const [a, b] = [await join(host, `room-${n}`), await join(host, `room-${n}`)];
    Y.applyUpdate(a.doc, update);
    await until(() => b.doc.getText("note").length === a.doc.getText("note").length, () => `room ${n} written`);
    members[n] = [a, b];
  });
  for (let round = 1; round <= rounds; round++) {
    await each(rooms, async (n) => {
      const [a, b] = members[n];
      await a.edit((doc) => doc.getMap("edits").set(`a${round}`, n));
      await b.edit((doc) => doc.getMap("edits").set(`b${round}`, n));
      await until(() => [a, b].every(({ doc }) => doc.getMap("edits").size === 2 * round), () => `room ${n} edited`);
      const late = await join(host, `room-${n}`);
      const want = Y.encodeStateAsUpdate(a.doc);
      for (const { doc } of [b, late]) assert.equal(Buffer.compare(Y.encodeStateAsUpdate(doc), want), 0, `room ${n}`);
      late.ws.close();
    });
  }
  for (const m of members.flat()) {
    assert.equal(m.closed, null);
    m.die();
  }
}

// The host replaces an instance at three quarters of its memory limit.
test("200 rooms in use fit one instance of the guest within an isolate of workerd", { timeout: 1_200_000 }, async (t) => {
  const host = await startMeasured();
  t.after(() => host.close());
  const { instance: first } = await host.guest();
  await use(host, { rooms: 200, rounds: Number(YJS_ROUNDS) });
  const { instance, megabytes } = await host.guest();
  t.diagnostic(`the guest's memory: ${megabytes} MB`);
  assert.equal(instance, first);
});

test(`${YJS_ROOMS} rooms in use lose nothing where an instance may have 32 MB, and is replaced in time`, { timeout: 1_200_000 }, async (t) => {
  const door = wazero({ LIMIT_MEMORY_MB: "32" });
  const { command } = door;
  door.command = (d) => [...command(d), "--instances", "1"];
  t.after(() => door.close());
  await door.start();
  await use(door, { rooms: Number(YJS_ROOMS), rounds: 2 });
  assert.doesNotMatch(door.log, /the instance ended/);
});
