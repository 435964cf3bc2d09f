// Tidemark on workerd, in a process whose rooms can be put to sleep at will.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (file) => readFileSync(path.join(root, file));

export const secret = "a secret that only these tests know";

// start answers {url, hibernate(room), db, dispose()}.
export async function start(bindings = {}) {
  const module = (file) => ({ type: "ESModule", path: path.join(root, file), contents: read(file).toString() });
  const mf = new Miniflare(convertV4MiniflareOptions({
    name: "tidemark",
    host: "127.0.0.1",
    cf: false,
    modulesRoot: root,
    modules: [
      ...["worker/worker.mjs", "worker/guest.mjs", "worker/frame.mjs", "build/wasm_exec.js"].map(module),
      { type: "CompiledWasm", path: path.join(root, "build/tidemark.wasm"), contents: read("build/tidemark.wasm") },
    ],
    compatibilityDate: "2026-04-07",
    d1Databases: { DB: "tidemark" },
    durableObjects: {
      SYNC_ROOM: { className: "SyncRoom", useSQLite: true },
      YJS_ROOM: { className: "YjsRoom", useSQLite: true, unsafePreventEviction: false },
    },
    bindings: { AUTH_SECRET: secret, ...bindings },
  }));
  const url = (await mf.ready).href.replace(/\/$/, "");
  const db = await mf.getD1Database("DB");
  for (const file of ["0001_tables", "0002_tickets", "0020_yjs"]) {
    const sql = read(`worker/store/migrations/${file}.sql`).toString().replace(/--.*/g, "");
    for (const statement of sql.split(";")) if (statement.trim()) await db.prepare(statement).run();
  }
  return {
    url,
    db,
    hibernate: (room) => mf.unsafeEvictDurableObject("tidemark", "YjsRoom", { name: room, webSockets: "hibernate" }),
    dispose: () => mf.dispose(),
  };
}
