// make bench: Tidemark on both hosts beside peers on the same workerd, in one run, by sections.
// Arguments name the sections to run, and without them it runs all. It prints medians, and keeps them as results.mjs says. Run with Node 22.
import { backup } from "./backup.mjs";
import { size } from "./boot.mjs";
import { many } from "./many.mjs";
import { compare, loaded } from "./measure.mjs";
import { memory } from "./memory.mjs";
import { metrics } from "./metrics.mjs";
import { owners } from "./owners.mjs";
import { profiles } from "./profile.mjs";
import { projects } from "./projects.mjs";
import { resident } from "./resident.mjs";
import { over, runAll } from "./results.mjs";
import { rooms } from "./rooms.mjs";
import { scale, spaces } from "./spaces.mjs";
import { sync } from "./sync.mjs";
import { load, onWazero, onWorkerd, plain } from "./targets.mjs";
import { webhooks } from "./webhooks.mjs";

async function trivial(section) {
  const bar = "plain JavaScript";
  const targets = { [bar]: await plain(), workerd: await onWorkerd(), wazero: await onWazero() };
  // V8 compiles 10 MB of Wasm in the background for some time.
  for (const target of Object.values(targets)) await load(`${target.url}/healthz`, { connections: 32, seconds: 5 });
  const table = section.table("healthz", "GET /healthz (p50, p99, cpu in µs; rate: of plain JavaScript's requests a second)");
  for (const connections of [1, 32]) {
    const measured = await compare(targets, (target) => loaded(target, "/healthz", { connections, seconds: 1, auth: false }));
    for (const [target, { rps, p50, p99, cpu }] of Object.entries(measured)) {
      table.row({ connections, target }, { rps, p50, p99, cpu }, target === bar ? {} : { rate: over(rps, measured[bar].rps), processor: over(cpu, measured[bar].cpu) });
    }
  }
  for (const target of Object.values(targets)) await target.close();
}

const sections = { size, trivial, sync, projects, owners, spaces, scale, many, webhooks, backup, metrics, memory, ...rooms, ...resident, ...profiles };
await runAll(sections, process.argv.slice(2));
