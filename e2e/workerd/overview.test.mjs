// What the glue on workerd counts for operators: by itself under a clock that the test drives, and of instances that end.
import { beforeEach, mock, test } from "node:test";
import assert from "node:assert/strict";
import { Reader } from "../../worker/frame.mjs";
import { get, ok } from "./guest.mjs";

const MINUTE = 60_000;
let copies = 0;

// fresh returns the module anew, as in another isolate, at 20 s after the beginning of a minute.
async function fresh() {
  mock.timers.reset();
  mock.timers.enable({ apis: ["Date"], now: 1_700_000_040_000 + 20_000 });
  return import(`../../worker/overview.mjs?${++copies}`);
}

// frame is what the guest counts: [number, value, labels].
function frame(...counts) {
  return new Reader(new Uint8Array(Buffer.concat(counts.flatMap(([number, value, labels = ""]) => {
    const head = Buffer.alloc(13);
    head.writeUInt8(number);
    head.writeDoubleLE(value, 1);
    head.writeUInt32LE(labels.length, 9);
    return [head, Buffer.from(labels)];
  }))));
}

const seen = (isolate) => JSON.parse(isolate.overview({}, 0));
const nothing = { requests: 0, errors: 0, refused: 0, pushed_rows: 0, pulled_rows: 0, notifications: 0, updates: 0, sockets: 0 };
const minutesOf = (isolate) => seen(isolate).minutes.map(({ at, ...minute }) => minute);

beforeEach(() => mock.timers.reset());

test("the last 60 minutes are there, also those without traffic", async () => {
  const isolate = await fresh();
  for (const status of [200, 101, 304, 400, 499, 500, 503]) isolate.countRequest(status, Date.now());
  isolate.countFrame(frame([1, 2, "a\0created"], [1, 1, "a\0rejected"], [2, 7, "a"], [3, 3], [4, 4], [5, 99, "in"]), null);
  const one = { ...nothing, requests: 7, errors: 2, refused: 2, pushed_rows: 3, pulled_rows: 7, notifications: 3, updates: 4 };
  assert.deepEqual(minutesOf(isolate), [one]);
  assert.deepEqual([seen(isolate).minutes[0].at, seen(isolate).server.since], [1_700_000_040_000, 1_700_000_060_000]);
  mock.timers.tick(MINUTE - 20_001);
  assert.deepEqual(minutesOf(isolate), [one]);
  mock.timers.tick(1);
  assert.deepEqual(minutesOf(isolate), [one, nothing]);
  mock.timers.tick(2 * MINUTE);
  isolate.countRequest(200, Date.now());
  assert.deepEqual(minutesOf(isolate), [one, nothing, nothing, { ...nothing, requests: 1 }]);
  mock.timers.tick(56 * MINUTE);
  assert.deepEqual([minutesOf(isolate).length, minutesOf(isolate)[0]], [60, one]);
  mock.timers.tick(MINUTE);
  assert.deepEqual([minutesOf(isolate).length, minutesOf(isolate)[0], minutesOf(isolate)[2].requests], [60, nothing, 1]);
  mock.timers.tick(300 * MINUTE);
  assert.deepEqual(minutesOf(isolate), new Array(60).fill(nothing));
});

test("before anything was counted, there is the minute of the question", async () => {
  const { minutes, server, now } = seen(await fresh());
  assert.deepEqual([minutes, server.since], [[{ at: 1_700_000_040_000, ...nothing }], now]);
});

test("a minute has the most sockets that were open in it", async () => {
  const isolate = await fresh();
  let open = 0;
  isolate.countsSockets(() => ({ SyncRoom: open }));
  const opens = () => {
    isolate.countSockets(open + 1);
    open++;
  };
  const closes = () => {
    isolate.beforeClose();
    open--;
  };
  for (const steps of [[opens, opens, opens, closes], [], [closes, opens, closes, closes], [], [], [opens]]) {
    for (const step of steps) step();
    mock.timers.tick(MINUTE);
  }
  assert.deepEqual(minutesOf(isolate).map(({ sockets }) => sockets), [3, 2, 2, 0, 0, 1, 1]);
  assert.deepEqual(seen(isolate).sockets, { sync: 1, yjs: 0, space: 0, space_yjs: 0 });
});

test("documents whose copies fail or are late are named, the worst first, and webhooks that wait are added up", async () => {
  const isolate = await fresh();
  const now = Date.now() / 1000;
  const room = (name, className = "YjsRoom") => ({ className, name });
  const [late, failing, soon, inside] = [room("late"), room("failing"), room("soon"), room("acme/plan", "SpaceYjsRoom")];
  isolate.countFrame(frame([7, now], [11, now + 30]), late);
  isolate.countFrame(frame([7, now + 10], [11, now + 3600]), soon);
  isolate.countFrame(frame([10, 5], [9, 2]), failing);
  isolate.countFrame(frame([10, 7], [9, 3]), inside);
  mock.timers.tick(130_000);
  const named = () => seen(isolate).copies.map(({ class: of, name, failures, late_seconds: seconds }) => `${of} ${name} ${failures} ${seconds}`);
  assert.deepEqual(named(), ["SpaceYjsRoom acme/plan 7 0", "YjsRoom failing 5 0", "YjsRoom late 0 100"]);
  assert.deepEqual([seen(isolate).copies_behind_seconds, seen(isolate).webhooks_waiting], [130, 5]);
  isolate.countFrame(frame([7, 0], [11, 0]), late);
  isolate.countFrame(frame([10, 0], [9, 0]), inside);
  assert.deepEqual(named(), ["YjsRoom failing 5 0"]);
  assert.deepEqual([seen(isolate).copies_behind_seconds, seen(isolate).webhooks_waiting], [120, 2]);
});

test("the isolate says how instances ended, and whose deployment it runs", async () => {
  const before = JSON.parse(await ok("/overview"));
  assert.deepEqual(before.server, { host: "workers", version: "devel", of: "isolate", since: before.server.since });
  await get("/exit");
  await get("/memory?mb=200");
  const { ended } = JSON.parse(await ok("/overview"));
  assert.deepEqual(ended, { memory: before.ended.memory + 1, too_long: 0, failed: before.ended.failed + 1 });
  const isolate = await fresh();
  for (const [version, want] of [[{ id: "an id", tag: "" }, "an id"], [{ id: "an id", tag: "v1.2.3" }, "v1.2.3"]]) {
    assert.equal(JSON.parse(isolate.overview({ VERSION: version }, 5)).server.version, want);
  }
});
