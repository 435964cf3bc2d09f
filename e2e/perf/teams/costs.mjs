// What each operation in a space costs, counted on workerd in some seconds.
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { usage } from "../../workerd/host.mjs";
import { counting } from "../counting.mjs";
import { round } from "../measure.mjs";
import { awareness, isUpdate, join, yWebsocket } from "../rooms/client.mjs";
import { typist } from "../rooms/documents.mjs";
import { ask, customer, headers, many, pullPath, push, pushPath } from "../rows.mjs";
import { jwt, onWorkerd } from "../targets.mjs";

const spaces = "Space", rooms = "SpaceYjsRoom";

// countsOf returns the sums that Cloudflare bills, so far.
async function countsOf(target) {
  const { [spaces]: space, [rooms]: room, D1 } = await (await fetch(`${target.url}/counts`)).json();
  const both = (key) => space[key] + room[key];
  return {
    objectRequests: both("requests"), messages: both("messages"), written: both("written") + both("alarms"), read: both("read"),
    d1Batches: D1.batches, d1Written: D1.written, d1Read: D1.read,
  };
}

// cost returns what one of n operations costs. requests is how many the Worker gets.
async function cost(target, n, operation, requests = 1) {
  const before = await countsOf(target);
  const cpu = usage(target.pid).cpuMillis;
  const start = performance.now();
  for (let i = 0; i < n; i++) await operation(i);
  const millis = (performance.now() - start) / n;
  const cpuMillis = (usage(target.pid).cpuMillis - cpu) / n;
  const after = await countsOf(target);
  const counted = Object.fromEntries(Object.keys(after).map((key) => [key, round((after[key] - before[key]) / n, 3)]));
  return { requests, ...counted, cpuMillis: round(cpuMillis, 3), millis: round(millis, 2) };
}

const opened = (ws) => new Promise((resolve, reject) => ws.once("open", resolve).once("error", reject));

// subscribe opens a socket as a browser does, with a ticket.
async function subscribe(target) {
  const response = await fetch(`${target.url}${target.base}/auth/ticket`, { method: "POST", headers, body: "{}" });
  const { ticket } = await response.json();
  const ws = new WebSocket(`${target.url.replace("http", "ws")}${target.base}/sync/subscribe?ticket=${ticket}`);
  await opened(ws);
  ws.terminate();
}

async function ofRows(target) {
  const edited = (i) => push([customer(`c${i % 1000}`, 1700000000001 + i)]);
  const write = (body, to = target) => ask(to, pushPath, body);
  const birth = await cost(target, 20, (i) => write(push([customer("a", 1)]), { ...target, base: `/s/born-${i}` }));
  await write(push(many(1000, (i) => customer(`c${i}`, 1700000000000))));
  const { timestamp: before } = await write(push([customer("c0", 1700000000001)]));
  const insert = await cost(target, 100, (i) => write(push([customer(`n${i}`, 1700000000000)])));
  const edit = await cost(target, 100, (i) => write(edited(i + 1)));
  const { timestamp } = await write(push(many(10, (i) => customer(`c${i}`, 1700000009999))));
  const ten = pullPath(timestamp - 1);
  const nothing = await cost(target, 100, () => ask(target, pullPath(timestamp)));
  const pull = await cost(target, 100, () => ask(target, ten));
  if (before >= timestamp) throw new Error("the stamps do not grow");
  return { birth, insert, edit, pull, nothing, subscribe: await cost(target, 20, () => subscribe(target), 2) };
}

async function ofDocuments(target) {
  const type = typist();
  const socket = await join(target, "notes");
  const echoed = async (room) => {
    const heard = room.hear(isUpdate);
    room.send(type());
    await heard;
  };
  await echoed(socket);
  const update = await cost(target, 100, () => echoed(socket), 0);
  const state = (clock) => awareness(Buffer.from([1, 77, clock, 2, 123, 125]));
  const presence = await cost(target, 50, async (i) => {
    const text = state(i + 1).toString("latin1");
    const heard = socket.hear((data) => data.toString("latin1") === text);
    socket.send(state(i + 1));
    await heard;
  }, 0);
  const open = await cost(target, 10, async () => (await join(target, "notes")).close());
  socket.close();
  return { update, presence, open };
}

// ofCopy returns what a copy of a document costs, with the one update that it follows. Its
// processor time is too long by that of reading the counts.
async function ofCopy(target) {
  const type = typist();
  const socket = await join(target, "copied");
  const copied = async () => {
    const { [spaces]: before } = await (await fetch(`${target.url}/counts`)).json();
    const heard = socket.hear(isUpdate);
    socket.send(type());
    await heard;
    for (;;) {
      const { [spaces]: now } = await (await fetch(`${target.url}/counts`)).json();
      if (now.written > before.written) return sleep(300); // the room notes it
      await sleep(200);
    }
  };
  await copied();
  const copy = await cost(target, 4, copied, 0);
  socket.close();
  return copy;
}

const target = async (bindings) => {
  const host = await onWorkerd({ bindings, main: counting(spaces, rooms) });
  return { ...host, base: "/s/costs", dialect: yWebsocket, path: (room) => `/s/costs/yjs/${room}?token=${jwt}` };
};

// without returns the cost without that of an operation which it includes. Its time is that of
// the operation, as the object mostly slept.
function without(cost, other) {
  const rest = Object.fromEntries(Object.entries(cost).map(([key, n]) => [key, round(Math.max(0, n - other[key]), 3)]));
  return { ...rest, millis: other.millis };
}

// measure returns {OPERATION: costs, workerMillis, bytes: {space, room}}.
export async function measure() {
  const long = await target({ YJS_COPY_MILLIS: "3600000" });
  await ask(long, pushPath, push([customer("first", 1)])); // boots the instance
  const { [spaces]: space } = await (await fetch(`${long.url}/counts`)).json();
  const costs = { ...(await ofRows(long)), ...(await ofDocuments(long)) };
  const { [rooms]: room } = await (await fetch(`${long.url}/counts`)).json();
  const refused = () => fetch(`${long.url}/s/-${pullPath(null)}`, { headers });
  const { cpuMillis: workerMillis } = await cost(long, 200, refused);
  await long.close();
  const short = await target({ YJS_COPY_MILLIS: "1000" });
  await ask(short, pushPath, push([customer("first", 1)]));
  costs.copy = without(await ofCopy(short), costs.update);
  await short.close();
  costs.wake = { ...costs.presence, messages: 0, objectRequests: 1, written: 1 }; // docs/cost.md
  return { ...costs, workerMillis, bytes: { space: space.bytes, room: room.bytes } };
}
