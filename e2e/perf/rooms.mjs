// YjsRoom beside its peers, on workerd and on Node. As browsers do, the clients
// offer to compress messages, which workerd accepts. Run with Node 22:
//   node e2e/perf/rooms.mjs [fanout] [pairs] [cursors] [joining] [wake] [memory] [rows] [large] [deletions] [hocuspocus]
import { setTimeout as sleep } from "node:timers/promises";
import { usage } from "../workerd/host.mjs";
import { compare, median, rounds } from "./measure.mjs";
import { main } from "./results.mjs";
import { awareness, isAwareness, isUpdate, join } from "./rooms/client.mjs";
import { deletions } from "./rooms/deletions.mjs";
import { documentOf, fill, typist } from "./rooms/documents.mjs";
import { cpuMicros, everyone, fan, newRoom, percentile, times } from "./rooms/fan.mjs";
import { hocuspocus } from "./rooms/hocuspocus.mjs";
import { large } from "./rooms/large.mjs";
import { counted, inserting, node, open, workerd } from "./rooms/targets.mjs";

const both = { ...workerd, ...node };
const without = (targets, ...names) => Object.fromEntries(Object.entries(targets).filter(([name]) => !names.includes(name)));

async function fanout(section) {
  const table = section.table("fan-out", "One writer and many readers: an update to each");
  await open(both, {}, async (targets) => {
    for (const readers of [50, 200, 1000]) {
      table.rows({ readers }, await compare(targets, (target) => fan(target, readers)));
    }
  });
}

// Two people in each of many rooms. Each responds to the other.
async function pairs(section) {
  const rooms = 200, turns = 20;
  await open({ ...both, ...inserting }, {}, async (targets) => {
    const rows = await compare(targets, async (target) => {
      const couples = await times(rooms, async () => {
        const room = newRoom();
        return { sockets: [await join(target, room), await join(target, room)], typists: [typist(), typist()] };
      });
      const latencies = [];
      const begin = performance.now();
      const cpu = await cpuMicros(target, () => Promise.all(couples.map(async ({ sockets, typists }) => {
        for (let i = 0; i < turns; i++) {
          const frame = typists[i % 2]();
          const begin = performance.now();
          const heard = everyone(sockets, isUpdate);
          sockets[i % 2].send(frame);
          await heard;
          latencies.push(performance.now() - begin);
        }
      })));
      const millis = performance.now() - begin;
      for (const { sockets } of couples) for (const s of sockets) s.close();
      await sleep(100);
      return {
        "updates a second": (rooms * turns * 1000) / millis,
        "p50, ms": percentile(latencies, 0.5),
        "p99, ms": percentile(latencies, 0.99),
        "CPU an update, µs": cpu / (rooms * turns),
      };
    });
    section.table("pairs", `${rooms} rooms of two, all typing`).rows({}, rows);
  });
}

// The clients of y-websocket and of Hocuspocus send on presence that is new to them.
async function cursors(section) {
  const clients = 30, moves = 20;
  await open(without(both, "bare relay"), {}, async (targets) => {
    const rows = await compare(targets, async (target) => {
      const room = newRoom();
      const sockets = await times(clients, () => join(target, room));
      let frames = 0, last = "";
      const seen = sockets.map(() => "");
      sockets.forEach((s, i) => (s.heard = (data) => {
        if (!isAwareness(data)) return;
        frames++;
        const text = data.toString("latin1");
        if (i > 0 && text === last && seen[i] !== text) s.send(data);
        seen[i] = text;
      }));
      const begin = performance.now();
      const cpu = await cpuMicros(target, async () => {
        for (let clock = 1; clock <= moves; clock++) {
          const state = Buffer.from(JSON.stringify({ user: { name: "Ann", color: "#30bced" }, cursor: { anchor: clock, head: clock } }));
          const move = awareness(Buffer.concat([Buffer.from([1, 77, clock, state.length]), state]));
          last = move.toString("latin1");
          sockets[0].send(move);
          while (seen.some((text) => text !== last)) await sleep(1);
          for (let before = -1; before !== frames; await sleep(20)) before = frames;
        }
      });
      for (const s of sockets) s.close();
      await sleep(100);
      return { "frames a move": frames / moves, "CPU a move, ms": cpu / 1000 / moves };
    });
    section.table("cursors", `A cursor moves among ${clients}`).rows({}, rows);
  });
}

// stored fills a room and waits until its document is stored.
async function stored(target, room, bytes) {
  const socket = await fill(target, room, bytes > 0 ? documentOf(bytes) : []);
  while (bytes > 0 && target.saved && !((await target.saved(room)) >= bytes)) await sleep(100);
  return socket;
}

// filled opens targets with rooms named as their documents are.
async function filled(makers, documents, body) {
  await open(makers, { YJS_COPY_MILLIS: "2000" }, async (targets) => {
    const keep = new Map();
    for (const target of Object.values(targets)) {
      for (const [name, bytes] of Object.entries(documents)) {
        const room = name.replace(" ", "-");
        keep.set(`${target.url} ${name}`, await stored(target, room, bytes));
      }
    }
    for (const name of Object.keys(documents)) {
      await body(targets, name, name.replace(" ", "-"), (target) => keep.get(`${target.url} ${name}`));
    }
    for (const socket of keep.values()) socket.close();
  });
}

async function joining(section) {
  const table = section.table("joining", "A newcomer to a document, from connecting to the document");
  await filled(without(both, "bare relay"), { "1 MB": 1e6, "10 MB": 10e6 }, async (targets, name, room) => {
    const rows = await compare(targets, async (target) => {
      const row = {};
      const once = async () => {
        const begin = performance.now();
        const socket = await join(target, room);
        const millis = performance.now() - begin;
        socket.close();
        return millis;
      };
      if (target.hibernate) {
        await target.hibernate(room);
        row["after a hibernation, ms"] = await once();
      }
      await once();
      const warm = [];
      row["awake, CPU, ms"] = (await cpuMicros(target, async () => {
        for (let i = 0; i < 10; i++) warm.push(await once());
      })) / 10_000;
      row["awake, ms"] = median(warm);
      return row;
    });
    table.rows({ document: name }, rows);
  });
}

async function wake(section) {
  const table = section.table("wake", "From an update to its echo after a hibernation");
  await filled(workerd, { nothing: 0, "1 MB": 1e6, "15 MB": 15e6 }, async (targets, name, room, socketOf) => {
    const typists = new Map(Object.values(targets).map((target) => [target, typist()]));
    const rows = await compare(targets, async (target) => {
      const row = {};
      await target.hibernate(room);
      for (const key of ["the update that wakes it, ms", "the next, ms"]) {
        const socket = socketOf(target);
        const frame = typists.get(target)();
        const heard = socket.hear(isUpdate);
        const begin = performance.now();
        socket.send(frame);
        await heard;
        row[key] = performance.now() - begin;
      }
      return row;
    }, 3 * rounds);
    table.rows({ document: name }, rows);
  });
}

async function memory(section) {
  const rooms = 200;
  const rows = await compare(without(both, "bare relay"), async (make) => {
    let row;
    await open({ target: make }, {}, async ({ target }) => {
      (await join(target, newRoom())).close();
      const before = usage(target.pid).residentMB;
      const sockets = await times(rooms, () => join(target, newRoom()));
      await Promise.all(sockets.map(async (socket) => {
        const type = typist();
        for (let i = 0; i < 20; i++) {
          const frame = type("a sentence of some length. ".repeat(20));
          const heard = socket.hear(isUpdate);
          socket.send(frame);
          await heard;
        }
      }));
      const full = usage(target.pid).residentMB;
      for (const s of sockets) s.close();
      const socket = await fill(target, newRoom(), documentOf(15e6));
      const large = usage(target.pid).residentMB;
      socket.close();
      row = {
        "at rest, MB": before, "200 rooms of 11 KB, MB": full, "a room, KB": ((full - before) * 1024) / rooms, "15 MB more, MB": large,
      };
    });
    return row;
  }, Math.min(rounds, 5));
  section.table("memory", "Resident memory").rows({}, rows);
}

// The rows that updates write on Cloudflare. Both people of a room type, ten times as fast as
// people do, and the copy is made ten times as often. Or one person writes now and then.
async function rows(section) {
  const table = section.table("rows", "Rows written for 1,000 updates, workerd");
  await open({ counted }, { YJS_COPY_MILLIS: "3000" }, async ({ counted: target }) => {
    for (const [name, updates, pause] of [["1,000, ten in a second", 1000, 10], ["20, each with its copy", 20, 5_000]]) {
      const room = newRoom();
      const sockets = [await join(target, room), await join(target, room)];
      const typists = [typist(), typist()];
      const before = await target.rows();
      for (let i = 0; i < updates; i++) {
        const heard = everyone(sockets, isUpdate);
        sockets[i % 2].send(typists[i % 2]());
        await heard;
        await sleep(pause);
      }
      await sleep(5_000);
      const after = await target.rows();
      for (const s of sockets) s.close();
      const written = Object.fromEntries(Object.keys(after).map((key) => [key, ((after[key] - before[key]) * 1000) / updates]));
      table.row({ updates: name }, { ...written, together: written.object + written.alarms + written.database });
    }
  });
}

// Tidemark stores each update in SQLite before it sends it on. y-partyserver saves
// the document 2 to 10 s later. The relay, y-websocket's server and Hocuspocus keep
// it in memory alone.
export const rooms = Object.fromEntries(
  Object.entries({ fanout, pairs, cursors, joining, wake, memory, rows, large, deletions, hocuspocus }).map(([name, section]) => [`rooms-${name}`, section]));

await main(import.meta.url, rooms, "rooms");
