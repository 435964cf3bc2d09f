// The resident memory of the self-hosted server beside y-websocket's: at rest, with rooms of
// 11 KB, with one document of 20 MB, and after documents of 200 kB came and went. Run with Node 22:
//   node e2e/perf/resident.mjs [rooms] [large] [passing]
import { setTimeout as sleep } from "node:timers/promises";
import { usage } from "../workerd/host.mjs";
import { compare } from "./measure.mjs";
import { main } from "./results.mjs";
import { isUpdate, join } from "./rooms/client.mjs";
import { documentOf, fill, typist } from "./rooms/documents.mjs";
import { node, open } from "./rooms/targets.mjs";

const rooms = Number(process.env.BENCH_ROOMS) || 200;
const passing = Number(process.env.BENCH_PASSING) || 200; // documents of 200 kB
const times = Number(process.env.BENCH_RESIDENT) || 1; // most of it is silence
const settled = Number(process.env.BENCH_SETTLED) || 90; // seconds without an event
const targets = Object.fromEntries(Object.entries(node).filter(([name]) => name !== "Hocuspocus"));

const write = async (socket, frame) => {
  const heard = socket.hear(isUpdate);
  socket.send(frame);
  await heard;
};

// each measures a target before body, and as often as body calls note: the resident MB, and
// what they are more than before, in KB for each of so many units.
async function each(section, title, settings, body) {
  const rows = await compare(targets, async (make) => {
    const row = {};
    await open({ target: make }, settings, async ({ target }) => {
      (await join(target, "another")).close();
      await sleep(2000);
      const before = usage(target.pid).residentMB;
      row["at rest, MB"] = before;
      await body(target, (when, units) => {
        const now = usage(target.pid).residentMB;
        row[`${when}, MB`] = now;
        if (units) row[`${when}, each, KB`] = ((now - before) * 1024) / units;
      });
    });
    return row;
  }, times);
  section.table("resident", title).rows({}, rows);
}

export const resident = {
  async "resident-rooms"(section) {
    await each(section, `${rooms} rooms of 11 KB, each with a client`, {}, async (target, note) => {
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
  async "resident-large"(section) {
    await each(section, "A document of 20 MB", { LIMIT_YJS_DOCUMENT_BYTES: String(32 << 20) }, async (target, note) => {
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
  async "resident-passing"(section) {
    await each(section, `${passing} documents of 200 kB, 4 at a time`, {}, async (target, note) => {
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

await main(import.meta.url, resident, "resident");
