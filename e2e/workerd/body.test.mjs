// The glue on workerd reads the body of a request. The test drives the clock.
import { afterEach, beforeEach, mock, test } from "node:test";
import assert from "node:assert/strict";
import { Body } from "../../worker/body.mjs";

beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"] }));
afterEach(() => mock.timers.reset());

// settle runs everything that waits only for promises.
const settle = async () => {
  for (let i = 0; i < 200; i++) await Promise.resolve();
};

const pass = async (millis) => {
  mock.timers.tick(millis);
  await settle();
};

// upload is a body whose parts the test sends.
function upload(length) {
  let controller;
  const stream = new ReadableStream({ type: "bytes", start: (c) => void (controller = c) });
  const headers = new Headers(length === undefined ? {} : { "content-length": String(length) });
  const send = async (n) => (controller.enqueue(new Uint8Array(n)), settle());
  const end = async () => {
    controller.close();
    controller.byobRequest?.respond(0);
    await settle();
  };
  return { body: new Body({ headers, body: stream }), send, end };
}

test("an upload that makes progress has no time limit, and one that stalls ends after 10 s", async () => {
  const { body, send } = upload(130 * 10_000);
  const taken = body.take(2_000_000);
  for (let i = 0; i < 130; i++) { // nearly 20 minutes, hardly faster than the floor
    await pass(9_000);
    await send(10_000);
  }
  assert.equal((await taken).length, 1_300_000);

  const stalled = upload(1_000_000);
  const refused = assert.rejects(stalled.body.take(2_000_000), { message: "the body came too slowly" });
  await stalled.send(500_000);
  await pass(9_999);
  await stalled.send(1);
  await pass(10_000);
  await refused;
});

test("an upload below the lowest rate is ended", async () => {
  const { body, send } = upload();
  const refused = assert.rejects(body.take(2_000_000), { message: "the body came too slowly" });
  for (let i = 0; i < 12; i++) {
    await send(100);
    await pass(1_000);
  }
  await refused;
});

test("a rejected body waits for its turn to be read, and a small one does not", async () => {
  const others = Array.from({ length: 8 }, () => upload(1_000_000));
  const drops = others.map(({ body }) => body.drop(2_000_000, 60_000));
  await settle();
  const late = upload(100_000);
  const dropped = late.body.drop(2_000_000, 60_000);
  await late.send(100_000);
  assert.ok(late.body.left);

  const small = upload(1_000);
  const smallDropped = small.body.drop(2_000_000, 60_000);
  await small.send(1_000);
  await smallDropped;

  await others[0].send(1_000_000);
  await drops[0];
  await pass(20);
  await dropped;
  assert.equal(late.body.count, 100_000);
  await pass(10_000); // the others stall
  await Promise.all(drops);
});

test("an isolate that reads many rejected bodies makes clients wait, and cuts none off", async () => {
  const n = 410 << 20; // more than may be dropped in a row
  const { body, send } = upload(n);
  const dropped = body.drop(n, 60_000);
  await settle();
  for (let left = n; left > 0; left -= 1 << 20) await send(1 << 20);
  assert.ok(body.left);
  for (let i = 0; body.left && i < 100; i++) await pass(20);
  await dropped;
  assert.equal(body.count, n);
});

test("a body of unknown length that exceeds a small limit can be read with a greater one", async () => {
  for (const [length, first, most, want] of [
    [undefined, 65_536, 1_000_000, 300_000],
    [undefined, 65_536, 200_000, "the body is over the limit"],
    [undefined, 100_000, 1_000_000, "the body was taken"],
    [300_000, 65_536, 1_000_000, "the body was taken"],
  ]) {
    const { body, send, end } = upload(length);
    const refused = assert.rejects(body.take(first), { message: "the body is over the limit" });
    await send(150_000);
    await refused;
    const taken = body.take(most).then(({ parts, length }) => (assert.equal(parts.reduce((n, part) => n + part.length, 0), length), length), ({ message }) => message);
    await send(150_000);
    await end();
    assert.equal(await taken, want);
  }
});

test("a small body is read before the guest asks for it, of 64 requests at a time", async () => {
  for (const length of [undefined, 0, 16_385]) assert.equal(upload(length).body.small, false);
  const all = Array.from({ length: 64 }, () => upload(16_384));
  const reads = all.map(({ body }) => (assert.ok(body.small), body.readEarly()));
  assert.equal(upload(1).body.small, false);
  for (const { send } of all) await send(16_384);
  await Promise.all(reads);
  for (const { body } of all) {
    assert.equal(body.left, false);
    assert.equal(body.taken, false);
    assert.equal(body.takeEarly(16_384).length, 16_384);
    assert.throws(() => body.takeEarly(16_384), { message: "the body was taken" });
  }
  assert.ok(upload(1).body.small);
});

test("a small body that fails, or is over the limit, fails when the guest asks for it", async () => {
  const slow = upload(100);
  const read = slow.body.readEarly();
  await slow.send(99);
  await pass(10_000);
  await read;
  assert.throws(() => slow.body.takeEarly(100), { message: "the body came too slowly" });

  const cut = upload(100);
  const other = cut.body.readEarly();
  await cut.send(99);
  await cut.end();
  await other;
  await assert.rejects(cut.body.take(100), { message: "the body is incomplete" });

  const large = upload(100);
  const third = large.body.readEarly();
  await large.send(100);
  await third;
  assert.throws(() => large.body.takeEarly(99), { message: "the body is over the limit" });
});
