// Where the memory of a server with documents is: at rest, with rooms of 11 KB, with one
// document of 20 MB, and after documents of 200 kB came and went. Run with Node 22:
//   node e2e/perf/resident.mjs [rooms] [large] [passing]
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { print, round } from "./measure.mjs";
import { isUpdate, join } from "./rooms/client.mjs";
import { documentOf, fill, typist } from "./rooms/documents.mjs";
import { node, open } from "./rooms/targets.mjs";

const MB = 1 << 20;
const rooms = Number(process.env.BENCH_ROOMS) || 200;
const passing = Number(process.env.BENCH_PASSING) || 200; // documents of 200 kB
const settled = Number(process.env.BENCH_SETTLED) || 90; // seconds without an event
const targets = Object.fromEntries(Object.entries(node).filter(([name]) => name !== "Hocuspocus"));

// resident returns the resident MB of a process: all, Go's or V8's heap and other
// anonymous memory, and files.
function resident(pid) {
  const sum = { all: 0, heap: 0, other: 0, files: 0 };
  let kind;
  for (const line of readFileSync(`/proc/${pid}/smaps`, "utf8").split("\n")) {
    const mapping = /^([0-9a-f]+)-[0-9a-f]+ \S+ \S+ \S+ (\d+) *(.*)/.exec(line);
    if (mapping) kind = mapping[1].startsWith("c0") && mapping[1].length === 10 ? "heap" : mapping[2] === "0" ? "other" : "files";
    const rss = /^Rss: +(\d+) kB/.exec(line);
    if (rss) for (const key of ["all", kind]) sum[key] += Number(rss[1]) / 1024;
  }
  return sum;
}

const write = async (socket, frame) => {
  const heard = socket.hear(isUpdate);
  socket.send(frame);
  await heard;
};

// each measures a target before body, and as often as body calls note.
async function each(title, body) {
  const rows = {};
  for (const [name, make] of Object.entries(targets)) {
    await open({ [name]: make }, {}, async ({ [name]: target }) => {
      (await join(target, "another")).close();
      await sleep(2000);
      const before = resident(target.pid);
      rows[`${name}: at rest`] = mb(before);
      await body(target, (when, unit = 1, digits = 0) => {
        const now = resident(target.pid);
        rows[`${name}: ${when}`] = { ...mb(now), "more, each, KB": round(((now.all - before.all) * 1024) / unit, digits) };
      });
    });
  }
  print(`${title} (resident MB)`, rows);
}

const mb = (sum) => Object.fromEntries(Object.entries(sum).map(([key, value]) => [key, round(value, 1)]));

const sections = {
  async rooms() {
    await each(`${rooms} rooms of 11 KB, each with a client`, async (target, note) => {
      const sockets = await Promise.all(Array.from({ length: rooms }, (_, i) => join(target, `room-${i}`)));
      note("joined", rooms);
      await Promise.all(sockets.map(async (socket) => {
        const type = typist();
        for (let i = 0; i < 20; i++) await write(socket, type("a sentence of some length. ".repeat(20)));
      }));
      note("written", rooms);
      await sleep(settled * 1000);
      note("idle", rooms);
      for (const socket of sockets) socket.close();
      await sleep(settled * 1000);
      note("left", rooms);
    });
  },
  async large() {
    await each("A document of 20 MB", async (target, note) => {
      const socket = await fill(target, "large", documentOf(20e6));
      note("written");
      await sleep(settled * 1000);
      note("idle");
      (await join(target, "large")).close();
      note("joined");
      await sleep(settled * 1000);
      note("idle again");
      socket.close();
    });
  },
  async passing() {
    await each(`${passing} documents of 200 kB, 4 at a time`, async (target, note) => {
      const frames = documentOf(200e3);
      let next = 0;
      await Promise.all(Array.from({ length: 4 }, async () => {
        while (next < passing) {
          const room = `passing-${next++}`;
          const socket = await fill(target, room, frames);
          (await join(target, room)).close();
          socket.close();
        }
      }));
      note("the last one left");
      await sleep(settled * 1000);
      note("idle");
    });
  },
};

const wanted = process.argv.slice(2);
for (const [name, section] of Object.entries(sections)) if (wanted.length === 0 || wanted.includes(name)) await section();
