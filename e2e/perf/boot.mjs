// What a host takes that has just started: its first request over a warm one, and the memory.
import { readFileSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { usage } from "../workerd/host.mjs";
import { compare, median } from "./measure.mjs";
import { onWazero, onWorkerd, plain, root } from "./targets.mjs";

// processor returns the ms that all threads of a process have had. It is exact, where the times of usage have steps of 10.
function processor(pid) {
  const nanos = (thread) => {
    try {
      return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
    } catch {
      return 0; // it ended
    }
  };
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + nanos(thread), 0) / 1e6;
}

// timed returns the ms of a request: by the clock, and of the target's processor.
async function timed(target) {
  const cpu = processor(target.pid), start = performance.now();
  await (await fetch(`${target.url}/healthz`)).text();
  return [performance.now() - start, processor(target.pid) - cpu];
}

// fresh starts a host, and returns what its first request takes over a warm one, and the
// resident memory before and after it.
async function fresh(open) {
  const target = await open();
  const before = usage(target.pid).residentMB;
  const [first, cpu] = await timed(target);
  const again = [];
  for (let i = 0; i < 20; i++) again.push(await timed(target));
  const after = usage(target.pid).residentMB;
  await target.close();
  return {
    "first request over a warm one, ms": first - median(again.map(([time]) => time)),
    "of the processor, ms": cpu - median(again.map(([, cpu]) => cpu)),
    "resident before, MB": before, "resident after, MB": after,
  };
}

export async function size(section) {
  const table = section.table("module", "The guest's module, and what workerd runs: the same with its memory before the boot");
  for (const file of ["tidemark.wasm", "worker.wasm"]) {
    const name = path.join(root, "build", file);
    table.row({ file }, { MB: statSync(name).size / 1e6, "gzipped, MB": gzipSync(readFileSync(name), { level: 9 }).length / 1e6 });
  }
  section.table("first", "A host that has just started").rows({}, await compare({ workerd: onWorkerd, wazero: onWazero, "plain JavaScript": plain }, fresh));
}
