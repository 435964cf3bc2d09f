// Runs a guest on workerd, through the real glue, for tests and benchmarks.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const root = fileURLToPath(new URL("../..", import.meta.url));
const text = (file) => readFileSync(path.join(root, file), "utf8");

// start answers {mf, url}: the glue around the guest in wasmFile, with D1 as
// DB and the Durable Object class Probe as PROBE.
export async function start(wasmFile, { bindings = {}, port = 0, persist } = {}) {
  const main = `
    import worker, { SyncRoom } from "./worker/worker.mjs";
    export default worker;
    export class Probe extends SyncRoom {}`;
  const mf = new Miniflare(convertV4MiniflareOptions({
    name: "probe",
    host: "127.0.0.1",
    port,
    cf: false,
    modulesRoot: root,
    modules: [
      { type: "ESModule", path: path.join(root, "main.mjs"), contents: main },
      ...["worker.mjs", "guest.mjs", "frame.mjs"].map((name) => ({
        type: "ESModule",
        path: path.join(root, "worker", name),
        contents: text(`worker/${name}`),
      })),
      { type: "ESModule", path: path.join(root, "build/wasm_exec.js"), contents: text("build/wasm_exec.js") },
      { type: "CompiledWasm", path: path.join(root, "build/tidemark.wasm"), contents: readFileSync(wasmFile) },
    ],
    compatibilityDate: "2026-04-07",
    d1Databases: { DB: "probe" },
    durableObjects: { PROBE: { className: "Probe", useSQLite: true, unsafePreventEviction: false } },
    bindings,
    ...(persist ? { d1Persist: path.join(persist, "d1"), durableObjectsPersist: path.join(persist, "do") } : {}),
  }));
  const url = (await mf.ready).href.replace(/\/$/, "");
  return { mf, url };
}
