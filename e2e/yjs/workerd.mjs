// Tidemark on workerd, in a process whose rooms can be put to sleep at will.
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { root } from "../doors.mjs";
import { run, startTidemark, statementsIn } from "../workerd/host.mjs";

// All members of a test are one subject.
const settings = { AUTH_SECRET: "a secret that only these tests know", LIMIT_SOCKETS_PER_SUBJECT: "10000" };

// start answers {url, pid, db, hibernate(room), close()}; main is as in startTidemark.
export async function start(bindings = {}, main) {
  const host = await startTidemark({ bindings: { ...settings, ...bindings }, main });
  return {
    ...host,
    db: await host.mf.getD1Database("DB"),
    hibernate: (room) => host.mf.unsafeEvictDurableObject("tidemark", "YjsRoom", { name: room, webSockets: "hibernate" }),
  };
}

// written answers how many bytes a process has written so far, as Linux tells.
export const written = (pid) => Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))[1]);

// The Worker, which also tells at /guest of the instance of the guest for new
// events: its number, from 1 on, and how large its memory is.
const measured = `
  import worker from "./worker/worker.mjs";
  import { running } from "./worker/guest.mjs";
  export { SyncRoom, YjsRoom } from "./worker/worker.mjs";
  const guests = [];
  export default {
    fetch(request, env, ctx) {
      if (new URL(request.url).pathname !== "/guest") return worker.fetch(request, env, ctx);
      const guest = running(env);
      if (guests.at(-1) !== guest) guests.push(guest);
      return Response.json({ instance: guests.length, megabytes: guest.memory.buffer.byteLength / (1 << 20) });
    },
  };`;

// startMeasured answers {url, pid, guest(), close()}.
export async function startMeasured(bindings = {}) {
  const file = (type, name) => ({ type, path: path.join(root, name), contents: readFileSync(path.join(root, name)) });
  const modules = [
    "worker/worker.mjs", "worker/body.mjs", "worker/guest.mjs", "worker/frame.mjs", "worker/fetch.mjs", "build/wasm_exec.js",
  ];
  const host = await run({
    name: "tidemark",
    modules: [
      { type: "ESModule", path: path.join(root, "main.mjs"), contents: measured },
      ...modules.map((name) => file("ESModule", name)),
      file("CompiledWasm", "build/tidemark.wasm"),
    ],
    d1Databases: { DB: "tidemark" },
    durableObjects: {
      SYNC_ROOM: { className: "SyncRoom", useSQLite: true },
      YJS_ROOM: { className: "YjsRoom", useSQLite: true },
    },
    bindings: { ...settings, ...bindings },
  });
  const db = await host.mf.getD1Database("DB");
  const migrations = path.join(root, "worker/store/migrations");
  for (const name of readdirSync(migrations).sort()) {
    await db.batch(statementsIn(readFileSync(path.join(migrations, name), "utf8")).map((s) => db.prepare(s)));
  }
  return { ...host, guest: async () => (await fetch(`${host.url}/guest`)).json() };
}
