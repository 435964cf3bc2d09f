// A thousand subscribers of one room on each host. Some stop reading and some vanish. The
// server responds to a burst of pushes, and all others get notifications from its first
// push on, in fewer messages than there are pushes.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { doors, token } from "../doors.mjs";
import { until } from "../until.mjs";

const healthyOnes = 990;
const slowOnes = 5;
const vanishingOnes = 5;
const atOnce = 50; // sockets that open together
const fullBytes = 64 << 10; // that wait for a client: its window, of as many, is closed
const pushesAtOnce = 20;
const mostPushes = 400;

// A Subscriber keeps the stamps of its notifications, and that of hello apart.
class Subscriber {
  constructor(url, jwt) {
    this.stamps = [];
    this.ws = new WebSocket(`${url.replace("http", "ws")}/sync/subscribe`, {
      headers: { authorization: `Bearer ${jwt}` },
      perMessageDeflate: false,
    });
    this.ended = new Promise((resolve) => this.ws.once("close", (code) => resolve((this.code = code))));
    this.ws.on("error", (error) => (this.error = error));
    this.ready = new Promise((resolve, reject) => {
      this.ws.on("message", (data) => {
        if (data.length === "pong".length) return;
        const { type, stamp } = JSON.parse(data);
        if (type === "change") this.stamps.push(stamp);
        else resolve((this.hello = stamp));
      });
      this.ended.then((code) => reject(this.error ?? new Error(`closed with ${code}`)));
    });
  }

  get last() {
    return this.stamps.at(-1) ?? this.hello;
  }
}

async function subscribe(url, jwt, n) {
  const all = [];
  while (all.length < n) {
    const some = Array.from({ length: Math.min(atOnce, n - all.length) }, () => new Subscriber(url, jwt));
    await Promise.all(some.map((s) => s.ready));
    all.push(...some);
  }
  return all;
}

// pings are 5,000 texts "ping" in frames of RFC 6455, 5.2, masked with zeros. The
// responses fill the window of a client that does not read.
const pings = Buffer.concat(Array(5_000).fill(Buffer.from([0x81, 0x84, 0, 0, 0, 0, ...Buffer.from("ping")])));

// connections returns the connections to the server's port, from Linux: by the client's
// port, the number of bytes that the client has not acknowledged.
const linux = existsSync("/proc/net/tcp");
function connections(serverPort) {
  const lines = ["/proc/net/tcp", "/proc/net/tcp6"].filter(existsSync).flatMap((file) => readFileSync(file, "utf8").split("\n"));
  const found = new Map();
  for (const line of lines) {
    const [, local, remote, state, queues] = line.trim().split(/\s+/);
    const port = (address) => parseInt(address.split(":")[1], 16);
    if (state !== ESTABLISHED && state !== CLOSE_WAIT || port(local) !== serverPort) continue;
    found.set(port(remote), parseInt(queues.split(":")[0], 16));
  }
  return found;
}
const ESTABLISHED = "01";
const CLOSE_WAIT = "08";

for (const [name, open] of Object.entries(doors)) {
  describe(`on ${name}`, { timeout: 1_200_000 }, () => {
    const door = open();
    before(() => door.start());
    after(() => door.close());

    const jwt = token("writer");
    let pushed = 0;
    // push pushes one row and returns its stamp.
    async function push() {
      const row = { id: `row-${pushed++}`, contact_name: "Anna", updated_at: Date.now() };
      const response = await fetch(`${door.url}/trpc/sync.push`, {
        method: "POST",
        headers: { authorization: `Bearer ${jwt}`, "content-type": "application/json" },
        body: JSON.stringify({ changes: { customers: { created: [row], updated: [], deleted: [] } }, lastPulledAt: 0 }),
      });
      const text = await response.text();
      assert.equal(response.status, 200, text);
      return JSON.parse(text).result.data.timestamp;
    }

    test("a burst reaches a thousand subscribers while some hang and some vanish", async () => {
      const all = await subscribe(door.url, token("reader"), slowOnes + vanishingOnes + healthyOnes);
      const slow = all.splice(0, slowOnes);
      const vanishing = all.splice(0, vanishingOnes);
      const portOf = (s) => s.ws._socket.localPort;
      const slowPorts = slow.map(portOf);
      const deadPorts = [...slowPorts, ...vanishing.map(portOf)];
      const hang = () => !linux || slowPorts.every((port) => connections(door.port).get(port) >= fullBytes);

      // Bytes under way look like bytes that wait. So a client hangs if none of them has
      // gone a moment later.
      async function fill() {
        for (const end = Date.now() + 600_000; ; ) {
          const filled = connections(door.port);
          for (const s of slow) if (!(filled.get(portOf(s)) >= fullBytes)) s.ws._socket.write(pings);
          await sleep(200);
          if (hang() && (await sleep(200), hang())) return;
          assert.ok(Date.now() < end, "the clients that do not read are not full");
        }
      }
      for (const s of slow) s.ws.pause();
      await fill();

      // All subscribers get the first push before the test sends the others.
      const first = await push();
      await until(() => all.every((s) => s.last >= first), "everybody heard of the first push");

      // On a machine so slow that the room's window ends between any two pushes, it takes
      // more pushes until one notification stands for several.
      let last, heard, hung;
      do {
        assert.ok(pushed < mostPushes, `${heard} messages of ${pushed} pushes; the slow ones hung to the end: ${hung}`);
        await fill();
        const burst = Array.from({ length: pushesAtOnce }, push);
        vanishing.splice(0).forEach((s, i) => (i % 2 ? s.ws._socket.destroy() : s.ws._socket.resetAndDestroy()));
        last = Math.max(...(await Promise.all(burst)));
        hung = hang();
        await until(() => all.every((s) => s.last >= last), "everybody heard of the last push");
        heard = Math.max(...all.map((s) => s.stamps.length));
      } while (heard >= pushed || !hung);
      for (const { stamps } of all) assert.deepEqual(stamps, [...new Set(stamps)].sort((a, b) => a - b));

      for (const s of slow) s.ws.terminate();
      await until(() => !deadPorts.some((port) => connections(door.port).has(port)), "the dead ones are gone");
      const [late] = await subscribe(door.url, token("reader"), 1);
      assert.ok(late.hello >= last);
      all.push(late);
      const next = await push();
      await until(() => all.every((s) => s.last >= next), "everybody heard of the next push");
      assert.deepEqual(all.filter((s) => s.code !== undefined).map((s) => s.code), []);
      for (const s of all) s.ws.terminate();
    });
  });
}
