// YjsRoom on workerd beside a bare relay that hibernates as it does: what a
// message costs when the document is not touched. Run with Node 22:
//   node e2e/perf/rooms.mjs [wake] [fanout] [join] [memory]
import path from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { token } from "../doors.mjs";
import { run, usage } from "../workerd/host.mjs";
import { start } from "../yjs/workerd.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const round = (n, digits = 1) => Number(n.toFixed(digits));

// relay sends every message to all sockets, and keeps nothing.
const relay = () =>
  run({
    name: "relay",
    modules: [{
      type: "ESModule",
      path: path.join(root, "relay.mjs"),
      contents: `
        import { DurableObject } from "cloudflare:workers";
        export default { fetch: (request, env) => env.ROOM.get(env.ROOM.idFromName(new URL(request.url).pathname)).fetch(request) };
        export class Room extends DurableObject {
          fetch() {
            const { 0: client, 1: server } = new WebSocketPair();
            this.ctx.acceptWebSocket(server);
            return new Response(null, { status: 101, webSocket: client });
          }
          webSocketMessage(ws, data) {
            for (const socket of this.ctx.getWebSockets()) socket.send(data);
          }
        }`,
    }],
    durableObjects: { ROOM: { className: "Room", useSQLite: true } },
  });

// A socket hears what satisfies want.
async function open(target, room) {
  const ws = new WebSocket(`${target.url.replace("http", "ws")}/yjs/${room}?token=${token("bench")}`, { maxPayload: 64 << 20 });
  let want = () => false;
  let heard = () => {};
  ws.on("message", (data) => want(data) && heard(data));
  await new Promise((resolve, reject) => ws.once("open", resolve).once("error", reject));
  const hear = (test) => new Promise((resolve) => ((want = test), (heard = resolve)));
  return { ws, hear };
}

const frame = (type, sub, body) => {
  const length = [];
  let n = body.length;
  for (; n > 127; n = Math.floor(n / 128)) length.push((n % 128) | 128);
  return Buffer.concat([Buffer.from([type, sub, ...length, n]), body]);
};
const isUpdate = (data) => data[0] === 0 && data[1] === 2;
const isStep2 = (data) => data[0] === 0 && data[1] === 1;
const step1 = frame(0, 0, Buffer.from([0]));

// writer makes one update frame after another, of a keystroke each.
function writer() {
  const doc = new Y.Doc();
  let update;
  doc.on("update", (u) => (update = u));
  return (text = "x") => (doc.getText("t").insert(doc.getText("t").length, text), frame(0, 2, Buffer.from(update)));
}

// fill gives a room a document of about that many bytes, and waits until its
// log is compacted and copied.
async function fill(host, room, bytes) {
  const socket = await open(host, room);
  const synced = socket.hear(isStep2);
  socket.ws.send(step1);
  await synced;
  for (let left = bytes; left > 0; left -= 1e6) {
    const doc = new Y.Doc();
    const text = doc.getText(`part ${left}`);
    const piece = Math.min(left, 1e6) / 10;
    for (let i = 0; i < 10; i++) text.insert(0, "abcdefghij ".repeat(piece / 11));
    const saved = socket.hear(isUpdate);
    socket.ws.send(frame(0, 2, Buffer.from(Y.encodeStateAsUpdate(doc))));
    await saved;
  }
  for (;;) {
    const row = await host.db.prepare("SELECT length(YjsState) + (SELECT coalesce(sum(length(YjsState)), 0) FROM YjsRoomParts p WHERE p.RoomId = r.RoomId) AS n FROM YjsRooms r WHERE RoomId = ?").bind(room).first();
    if (row?.n * 0.75 >= bytes * 0.9) break;
    await sleep(100);
  }
  await sleep(300);
  return socket;
}

async function wake(host) {
  const rows = {};
  const rooms = { "10 KB": 10e3, "1 MB": 1e6, "20 MB": 20e6 };
  const sockets = {};
  for (const [name, bytes] of Object.entries(rooms)) sockets[name] = await fill(host, `wake ${name}`, bytes);
  for (const [name] of Object.entries(rooms)) {
    const type = writer();
    const cold = [], warm = [];
    for (let i = 0; i < 15; i++) {
      await host.hibernate(`wake ${name}`);
      for (const times of [cold, warm]) {
        const heard = sockets[name].hear(isUpdate);
        const begin = performance.now();
        sockets[name].ws.send(type());
        await heard;
        times.push(performance.now() - begin);
      }
    }
    rows[name] = { "wake-up by an update, ms": round(median(cold), 2), "the next update, ms": round(median(warm), 2) };
  }
  console.log("\nFrom an update to its echo, after a hibernation");
  console.table(rows);
}

async function fanout(host, plain) {
  const rows = {};
  for (const readers of [50, 200]) {
    for (let turn = 0; turn < 3; turn++) {
      for (const [name, target] of [["Tidemark", host], ["bare relay", plain]]) {
        const room = `fan ${readers} ${turn}`;
        const all = await Promise.all(Array.from({ length: readers }, () => open(target, room)));
        const from = await open(target, room);
        const type = writer();
        const latency = [];
        const n = 60;
        let before;
        for (let i = -10; i < n; i++) {
          if (i === 0) before = usage(target.pid).cpuMillis;
          const heard = Promise.all(all.map((s) => s.hear(isUpdate)));
          const begin = performance.now();
          from.ws.send(type());
          await heard;
          if (i >= 0) latency.push(performance.now() - begin);
        }
        const cpu = ((usage(target.pid).cpuMillis - before) * 1000) / (n * (readers + 1));
        (rows[`${readers} readers, ${name}`] ??= []).push({ cpu, latency: median(latency) });
        for (const s of [...all, from]) s.ws.terminate();
        await sleep(200);
      }
    }
  }
  console.log("\nOne writer, many readers: medians of 3 turns");
  console.table(Object.fromEntries(Object.entries(rows).map(([name, turns]) => [name, {
    "CPU a delivered message, µs": round(median(turns.map((t) => t.cpu))),
    "until the last has it, ms": round(median(turns.map((t) => t.latency)), 2),
  }])));
}

async function join(host) {
  const keep = await fill(host, "join", 1e6);
  const times = { cold: [], warm: [] };
  for (let i = 0; i < 15; i++) {
    await host.hibernate("join");
    for (const kind of ["cold", "warm"]) {
      const begin = performance.now();
      const socket = await open(host, "join");
      const synced = socket.hear(isStep2);
      socket.ws.send(step1);
      await synced;
      times[kind].push(performance.now() - begin);
      socket.ws.terminate();
    }
  }
  keep.ws.terminate();
  console.log("\nA newcomer to 1 MB, from connecting to step 2");
  console.table({ "after a hibernation, ms": round(median(times.cold)), "awake, ms": round(median(times.warm)) });
}

async function memory(host) {
  const before = usage(host.pid).residentMB;
  const rows = { "before, MB": round(before) };
  const type = Array.from({ length: 200 }, writer);
  const sockets = [];
  for (let i = 0; i < 200; i++) {
    const socket = await open(host, `memory ${i}`);
    const synced = socket.hear(isStep2);
    socket.ws.send(step1);
    await synced;
    sockets.push(socket);
  }
  for (let round = 0; round < 20; round++) {
    await Promise.all(sockets.map((s, i) => {
      const heard = s.hear(isUpdate);
      s.ws.send(type[i]("a sentence of some length. ".repeat(20)));
      return heard;
    }));
  }
  rows["200 rooms of 11 KB, active, MB"] = round(usage(host.pid).residentMB);
  rows["a room, KB"] = round(((usage(host.pid).residentMB - before) * 1024) / 200);
  for (const s of sockets) s.ws.terminate();
  console.log("\nResident memory of workerd");
  console.table(rows);
}

const wanted = process.argv.slice(2);
const plain = await relay();
for (const section of [wake, fanout, join, memory]) {
  if (wanted.length > 0 && !wanted.includes(section.name)) continue;
  // Copies at once where documents are to be compacted first, else as by default.
  const copies = section === wake || section === join ? { YJS_COPY_MILLIS: "2000" } : {};
  const host = await start({ LIMIT_YJS_BYTES_PER_SECOND: "1000000000", ...copies });
  await section(host, plain);
  await host.close();
}
await plain.close();
