// One writer and many readers, and what else the sections of rooms share.
import { setTimeout as sleep } from "node:timers/promises";
import { usage } from "../../workerd/host.mjs";
import { isUpdate, join } from "./client.mjs";
import { typist } from "./documents.mjs";

export const times = (n, f) => Promise.all(Array.from({ length: n }, (_, i) => f(i)));
export const percentile = (values, share) => values.toSorted((a, b) => a - b)[Math.floor(values.length * share)];

let lastRoom = 0;
export const newRoom = () => `room-${++lastRoom}`;

// cpuMicros returns the processor time of a target while body runs.
export async function cpuMicros(target, body) {
  const before = usage(target.pid).cpuMillis;
  await body();
  return (usage(target.pid).cpuMillis - before) * 1000;
}

// everyone resolves when each socket has got a message that satisfies want. It calls heard
// with each.
export const everyone = (sockets, want, heard = () => {}) =>
  Promise.all(sockets.map((s) => s.hear((data) => want(data) && (heard(), true))));

// fan has one writer and many readers in a room: first one message at a time, then many at once, of which the last is
// marked. placeOf says how a socket joins, of which the first writes.
export async function fan(target, readers, placeOf = () => target) {
  const room = newRoom();
  const sockets = await times(readers + 1, (i) => join(placeOf(i), room));
  const type = typist();
  const one = async (latencies) => {
    const frame = type();
    const begin = performance.now();
    const heard = everyone(sockets, isUpdate, () => latencies.push(performance.now() - begin));
    sockets[0].send(frame);
    await heard;
  };
  for (let i = 0; i < 10; i++) await one([]);
  const quiet = Math.ceil(12_000 / readers), burst = Math.ceil(40_000 / readers);
  const latencies = [];
  const cpu = await cpuMicros(target, async () => {
    for (let i = 0; i < quiet; i++) await one(latencies);
  });
  const end = `the end of ${room}`;
  const frames = Array.from({ length: burst }, (_, i) => type(i === burst - 1 ? end : "x"));
  const begin = performance.now();
  const cpuBurst = await cpuMicros(target, async () => {
    const heard = everyone(sockets, (data) => data.includes(end));
    for (const frame of frames) sockets[0].send(frame);
    await heard;
  });
  const millis = performance.now() - begin;
  for (const s of sockets) s.close();
  await sleep(100);
  return {
    "p50, ms": percentile(latencies, 0.5),
    "p99, ms": percentile(latencies, 0.99),
    "CPU a delivery, µs": cpu / (quiet * sockets.length),
    "burst: deliveries a second": (burst * sockets.length * 1000) / millis,
    "burst: CPU a delivery, µs": cpuBurst / (burst * sockets.length),
  };
}
