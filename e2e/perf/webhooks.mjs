// Pushes to the root and to a space of each host: without webhooks, with a receiver, and with one that hangs. Each round has
// all of them, in turn. Run with Node 22, after `make build build/tidemark`: node e2e/perf/webhooks.mjs
import { doors } from "../doors.mjs";
import { compare } from "./measure.mjs";
import { main, over } from "./results.mjs";
import { Client } from "../webhooks/client.mjs";
import { Receiver, variables } from "../webhooks/receiver.mjs";

const pushes = Number(process.env.BENCH_PUSHES) || 150;
const hosts = Object.entries(doors).filter(([name]) => !process.env.BENCH_HOST || name === process.env.BENCH_HOST);

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

const percentile = (times, part) => times.toSorted((a, b) => a - b)[Math.floor(times.length * part)];

export async function webhooks(section) {
  const table = section.table("webhooks", `Milliseconds of a push, ${pushes} in a round; ratio: to that without a receiver`);
  for (const [host, open] of hosts) {
    const targets = {};
    for (const [what, respond] of Object.entries(receivers)) {
      const receiver = respond && (await new Receiver().open());
      if (receiver) receiver.respond = respond;
      const door = open({ ...(receiver && variables(receiver)), LIMIT_REQUESTS_PER_MINUTE: "1000000000" });
      await door.start();
      targets[what] = { receiver, door, client: new Client(door) };
    }
    for (const [place, space] of [["root", ""], ["space", "acme"]]) {
      const measured = await compare(targets, async ({ client }) => {
        const times = await push(client, space);
        return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
      });
      const least = measured["no receiver"];
      for (const [receiver, { p50, p99 }] of Object.entries(measured)) table.row({ host, place, receiver }, { p50, p99 }, p50 === least.p50 ? {} : { "p50, ratio": over(p50, least.p50) });
    }
    for (const { door, receiver } of Object.values(targets)) {
      await door.close();
      await receiver?.close();
    }
  }
}

await main(import.meta.url, { webhooks });
