// Token holders lay siege to both hosts at their default limits: the largest
// legal request of every route on the largest legal data, alone, in batches and
// many at once. No response is 500, no instance ends, and the small requests of
// others all succeed. SIEGE_SECONDS besieges each host for so long, with
// SIEGE_CROWD requests at once (200); without it a few come at once, for one round, and
// only workerd is besieged: package worker besieges the guest under wazero
// (large_test.go, siege_test.go). EVERY_HOST besieges both.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { onWorkerd, token, wazero } from "../doors.mjs";
import { startTidemark, usage } from "../workerd/host.mjs";
import { requests, seed } from "./requests.mjs";
import { roomRequests, seedRooms } from "./rooms.mjs";

const seconds = Number(process.env.SIEGE_SECONDS) || 0;
const crowd = seconds ? Number(process.env.SIEGE_CROWD) || 200 : 8; // requests at once

// What a host logs where an instance ended.
const faults = /uncaught|the instance (failed|ended)|out of its memory budget|panic|fatal error|did not boot|the import/i;

// Each opens a host: {url, log(), residentMB(), close()}. log returns what was
// logged since.
const hosts = {
  async workerd() {
    let lines = [];
    const host = await startTidemark({
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }], // without Miniflare's own worker in front of ours
      bindings: { AUTH_SECRET: "a secret that only these tests know" },
      handleStructuredLogs: ({ level, message }) => lines.push(`${level}: ${message}`),
      handleUncaughtError: (error) => lines.push(`uncaught: ${error.stack}`),
    });
    const url = (await host.mf.unsafeGetDirectURL("tidemark")).href;
    return {
      url: url.replace(/\/$/, ""), log: () => [lines.join("\n"), (lines = [])][0], close: host.close,
      residentMB: () => usage(host.pid).residentMB,
    };
  },
  async wazero() {
    const door = await wazero().start();
    let lines = []; // those of a fault: a door keeps only the last of its log
    for (const input of [door.process.stdout, door.process.stderr]) {
      createInterface({ input }).on("line", (line) => faults.test(line) && lines.push(line));
    }
    return {
      url: door.url, log: () => [lines.join("\n"), (lines = [])][0], close: () => door.close(),
      residentMB: () => usage(door.process.pid).residentMB,
    };
  },
};

// ask sends a request of a subject. It answers {status, millis, bytes, text}: the
// text is the answer's beginning.
async function ask(host, { method = "GET", path, body, type = "application/json" }, sub) {
  const start = performance.now();
  const response = await fetch(host.url + path, {
    method, body, headers: { authorization: `Bearer ${token(sub)}`, ...(body && { "content-type": type }) },
  });
  let bytes = 0;
  let text = "";
  if (response.body) {
    for await (const chunk of response.body) {
      if (bytes === 0) text = Buffer.from(chunk).toString("latin1", 0, 300);
      bytes += chunk.length;
    }
  }
  return { status: response.status, millis: performance.now() - start, bytes, text };
}

// neighbours ask small things until stop() is called, which answers how long each
// request took. Every one of them must succeed.
function neighbours(host) {
  const asked = [];
  let going = true;
  const small = [
    { path: "/healthz" },
    { method: "POST", path: "/auth/ticket" },
    { path: `/trpc/sync.pull?input=${encodeURIComponent(JSON.stringify({ lastPulledAt: null, limit: 1 }))}` },
    { path: "/api/v1/projects/" },
    { path: "/yjs/small" },
  ];
  const one = async (n) => {
    while (going) {
      for (const request of small) {
        const { status, millis, text } = await ask(host, request, `neighbour${n}`);
        assert.ok(status < 300, `a neighbour's ${request.path}: ${status} ${text}`);
        asked.push({ path: request.path.split("?")[0], millis });
      }
      await sleep(20);
    }
  };
  const all = Promise.all([one(1), one(2)]);
  all.catch(() => {}); // stop says it
  return async () => {
    going = false;
    await all;
    return asked;
  };
}

// p99 of all that was asked, and of each path.
function p99(asked) {
  const of = (list) => Math.round(list.map(({ millis }) => millis).sort((a, b) => a - b)[Math.floor(list.length * 0.99)]);
  const paths = [...new Set(asked.map(({ path }) => path))];
  return `${of(asked)} ms (${paths.map((path) => `${path} ${of(asked.filter((a) => a.path === path))}`).join(", ")})`;
}

const besieged = seconds ? Object.entries(hosts) : onWorkerd(hosts);
for (const [name, open] of process.env.SIEGE_HOST ? [[process.env.SIEGE_HOST, hosts[process.env.SIEGE_HOST]]] : besieged) {
  describe(name, () => {
    let host;
    let besieging;
    let check;
    before(async () => {
      host = await open();
      const asking = (request, sub) => ask(host, request, sub);
      besieging = requests(await seed(asking));
      const rooms = roomRequests(await seedRooms(asking), ask);
      besieging.push(...rooms.list);
      check = rooms.check;
    });
    after(() => host?.close());

    // lay sends the requests, so many at once, and answers how often each status came.
    const lay = async (list, atOnce) => {
      const statuses = {};
      const queue = [...list];
      const one = async (n) => {
        for (let request; (request = queue.shift()); ) {
          const sub = request.sub ?? `besieger${n}`;
          const { status, text } = await (request.visit ? request.visit(host, sub) : ask(host, request, sub));
          assert.ok(status < 500 || status === 503, `${request.what}: ${status} ${text}\n${status >= 500 && host.log().slice(-2000)}`);
          if (atOnce === 1) assert.notEqual(status, 503, `${request.what}, alone: ${text}`);
          statuses[status] = (statuses[status] ?? 0) + 1;
        }
      };
      await Promise.all(Array.from({ length: atOnce }, (_, n) => one(n)));
      const log = host.log();
      assert.doesNotMatch(log, faults, `${JSON.stringify(statuses)}: ${log.slice(-2000)}`);
      return statuses;
    };

    test("the largest request of every route, alone", async () => {
      for (const request of besieging) {
        try {
          await lay([request], 1);
        } catch (error) {
          throw new Error(`${request.what}: ${error.message}`);
        }
      }
    });

    test("many at once, and others are served", async (t) => {
      const quietStop = neighbours(host);
      await sleep(1000);
      const quiet = await quietStop();
      const before = host.residentMB();
      const stop = neighbours(host);
      t.after(() => stop().catch(() => {})); // if it has not been called
      let most = 0;
      const watch = setInterval(() => (most = Math.max(most, host.residentMB())), 100);
      const statuses = [];
      const until = Date.now() + 1000 * seconds;
      const shared = besieging.filter((r) => !r.alone);
      try {
        do {
          if (seconds) for (const request of shared.filter((r) => r.great)) statuses.push(await lay(Array(crowd / 2).fill(request), crowd / 2));
          const length = Math.max(crowd * 2, shared.length);
          statuses.push(await lay(Array.from({ length }, (_, n) => shared[n % shared.length]), crowd));
        } while (Date.now() < until);
      } finally {
        clearInterval(watch);
      }
      const loud = await stop();
      t.diagnostic(`statuses ${JSON.stringify(statuses.at(-1))}`);
      t.diagnostic(`neighbours: p99 ${p99(quiet)} when quiet, ${p99(loud)} under siege, of ${loud.length} requests`);
      t.diagnostic(`resident: ${Math.round(before)} MB before, ${Math.round(most)} MB at most, ${Math.round(host.residentMB())} MB after`);
    });

    test("what was refused is served afterwards", { skip: !seconds && "a short siege refuses little" }, async () => {
      await lay(besieging.filter((r) => r.great), 1);
    });

    test("every document holds what was acknowledged", () => check(async (room) => {
      const response = await fetch(`${host.url}/yjs/${room}`, { headers: { authorization: `Bearer ${token("checker")}` } });
      assert.equal(response.status, 200, room);
      return new Uint8Array(await response.arrayBuffer());
    }));
  });
}
