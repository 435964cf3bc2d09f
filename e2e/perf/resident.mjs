// The resident memory of the self-hosted server beside y-websocket's: at rest, with rooms of
// 11 KB, with one document of 20 MB, and after documents of 200 kB came and went. Run with Node 22:
//   node e2e/perf/resident.mjs [rooms] [large] [passing]
import { setTimeout as sleep } from "node:timers/promises";
import { usage } from "../workerd/host.mjs";
import { print, round } from "./measure.mjs";
import { isUpdate, join } from "./rooms/client.mjs";
import { documentOf, fill, typist } from "./rooms/documents.mjs";
import { node, open } from "./rooms/targets.mjs";

const rooms = Number(process.env.BENCH_ROOMS) || 200;
const passing = Number(process.env.BENCH_PASSING) || 200; // documents of 200 kB
const settled = Number(process.env.BENCH_SETTLED) || 90; // seconds without an event
const targets = Object.fromEntries(Object.entries(node).filter(([name]) => name !== "Hocuspocus"));

const write = async (socket, frame) => {
  const heard = socket.hear(isUpdate);
  socket.send(frame);
  await heard;
};

// each measures a target before body, and as often as body calls note. It prints the resident
// MB, and what they are more than before, in KB for each of so many units.
async function each(title, settings, body) {
  const rows = {};
  for (const [name, make] of Object.entries(targets)) {
    await open({ [name]: make }, settings, async ({ [name]: target }) => {
      (await join(target, "another")).close();
      await sleep(2000);
      const before = usage(target.pid).residentMB;
      const row = (rows[name] = { "at rest, MB": round(before) });
      await body(target, (when, units) => {
        const now = usage(target.pid).residentMB;
        row[`${when}, MB`] = round(now);
        if (units) row[`${when}, each, KB`] = round(((now - before) * 1024) / units);
      });
    });
  }
  print(title, rows);
}

const sections = {
  async rooms() {
    await each(`${rooms} rooms of 11 KB, each with a client`, {}, async (target, note) => {
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
    await each("A document of 20 MB", { LIMIT_YJS_DOCUMENT_BYTES: String(32 << 20) }, async (target, note) => {
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
    await each(`${passing} documents of 200 kB, 4 at a time`, {}, async (target, note) => {
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
