// Pushes to the root and to a space of each host: without webhooks, with a receiver, and with one that hangs. Each round has
// all of them, in turn. Run with Node 22, after `make build build/tidemark`: node e2e/perf/webhooks.mjs [pushes] [rounds] [host]
import { doors } from "../doors.mjs";
import { Client } from "../webhooks/client.mjs";
import { Receiver, variables } from "../webhooks/receiver.mjs";

const [pushes, rounds] = [process.argv[2] ?? 300, process.argv[3] ?? 5].map(Number);
const hosts = Object.entries(doors).filter(([name]) => !process.argv[4] || name === process.argv[4]);

const receivers = { "no receiver": undefined, "a receiver": () => 204, "a receiver that hangs": () => undefined };

// push returns how many milliseconds each push takes.
async function push(client, space) {
  const times = [];
  const base = space && `/s/${space}`;
  const id = () => Math.random().toString(36).slice(2);
  let lastPulledAt = await client.push(id(), { space });
  for (let i = 0; i < pushes; i++) {
    const row = { id: id(), contact_name: "c", created_at: 1, updated_at: Date.now() };
    const begin = performance.now();
    const { json } = await client.ask("POST", `${base}/trpc/sync.push`, { lastPulledAt, changes: { customers: { created: [], updated: [row], deleted: [] } } });
    times.push(performance.now() - begin);
    lastPulledAt = json().result.data.timestamp ?? lastPulledAt;
  }
  return times;
}

const share = (times, part) => times.toSorted((a, b) => a - b)[Math.floor(times.length * part)].toFixed(2);

for (const [name, open] of hosts) {
  const targets = [];
  for (const [what, respond] of Object.entries(receivers)) {
    const receiver = respond && (await new Receiver().open());
    if (receiver) receiver.respond = respond;
    const door = open({ ...(receiver && variables(receiver)), LIMIT_REQUESTS_PER_MINUTE: "1000000000" });
    await door.start();
    targets.push({ what, receiver, door, client: new Client(door), times: { "": [], acme: [] } });
  }
  for (let round = 0; round < rounds; round++) {
    for (const { client, times } of targets) for (const space of ["", "acme"]) times[space].push(...(await push(client, space)));
  }
  console.log(`${name}: milliseconds of a push, of ${pushes * rounds}`);
  console.table(Object.fromEntries(targets.map(({ what, times, receiver }) => [what, {
    "root p50": share(times[""], 0.5), "root p99": share(times[""], 0.99), "space p50": share(times.acme, 0.5), "space p99": share(times.acme, 0.99),
    events: receiver?.attempts.length ?? 0,
  }])));
  for (const { door, receiver } of targets) {
    await door.close();
    await receiver?.close();
  }
}
