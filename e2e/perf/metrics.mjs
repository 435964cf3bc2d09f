// What metrics cost the self-hosted server: requests without them, with metrics that nobody reads, and with a
// reader that comes ten times a second, where Prometheus comes four times a minute.
import { freePort } from "../doors.mjs";
import { compare, loaded, median } from "./measure.mjs";
import { over } from "./results.mjs";
import { load, onWazero } from "./targets.mjs";

const healthz = { connections: 8, seconds: 1, auth: false };

// reading runs body while a reader comes, and adds the median of the milliseconds that an answer took.
async function reading(url, body) {
  const millis = [];
  const read = async () => {
    const begin = performance.now();
    const response = await fetch(url);
    if (!(await response.text()).includes("tidemark_")) throw new Error("these are no metrics");
    millis.push(performance.now() - begin);
  };
  let last = read();
  const timer = setInterval(() => (last = last.then(read)), 100);
  const row = await body();
  clearInterval(timer);
  await last;
  return { ...row, "an answer to the reader, ms": median(millis) };
}

export async function metrics(section) {
  const open = async (addr) => Object.assign(await onWazero({ flags: ["--metrics-addr", addr] }), { metrics: `http://${addr}/metrics` });
  const none = "no metrics", read = "read ten times a second";
  const targets = { [none]: await open("off") };
  for (const name of ["metrics", read]) targets[name] = await open(`127.0.0.1:${await freePort()}`);
  for (const target of Object.values(targets)) await load(`${target.url}/healthz`, { ...healthz, seconds: 2 }); // warm
  const measured = await compare(targets, async (target) => {
    const once = () => loaded(target, "/healthz", healthz);
    return target === targets[read] ? reading(target.metrics, once) : once();
  });
  const table = section.table("metrics", "GET /healthz (cpu in µs; processor: over that without metrics)");
  for (const [target, { rps, cpu, ...rest }] of Object.entries(measured)) {
    const answer = "an answer to the reader, ms";
    table.row({ target }, { rps, cpu, [answer]: rest[answer] }, target === none ? {} : { processor: over(cpu, measured[none].cpu) });
  }
  for (const target of Object.values(targets)) await target.close();
}
