// Strangers send random input to both hosts. No response is 500, no instance ends, no
// exception is uncaught, and others are served. STRANGER_SEEDS is the number of strangers
// (2 by default). STRANGER_SEED runs one of them alone.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { secret, wazero } from "../doors.mjs";
import { startTidemark } from "../workerd/host.mjs";
import { requests, stranger } from "./stranger.mjs";
import { closes, exchange, opening, request, status } from "./wire.mjs";

const first = Number(process.env.STRANGER_SEED) || 1;
const seeds = process.env.STRANGER_SEED ? 1 : Number(process.env.STRANGER_SEEDS) || 2;
const inputs = 250;

// The lines that a host logs when it fails.
const faults = /uncaught|the instance (failed|ended)|level=ERROR|"level":"ERROR"|panic|fatal error|did not boot|the import/i;

// workerd's own error for a client that breaks the protocol or its connection.
const broken = /Uncaught exception: kj\/compat\/http.*(WebSocket protocol error|disconnected)/;

// Each opens a host: {url, log(), close()}. log returns what was logged since.
const hosts = {
  async workerd() {
    let lines = [];
    const host = await startTidemark({
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }], // without Miniflare's own worker in front of ours
      bindings: { AUTH_SECRET: secret, DEV_MODE: "1" },
      handleStructuredLogs: ({ level, message }) => broken.test(message) || lines.push(`${level}: ${message}`),
      handleUncaughtError: (error) => lines.push(`uncaught: ${error.stack}`),
    });
    const log = () => [lines.join("\n"), (lines = [])][0];
    const url = (await host.mf.unsafeGetDirectURL("tidemark")).href;
    return { url: url.replace(/\/$/, ""), log, close: host.close };
  },
  async wazero() {
    const door = wazero();
    door.dev = true;
    await door.start();
    const log = () => [door.log, (door.log = "")][0];
    return { url: door.url, log, close: () => door.close() };
  },
};

for (const [name, open] of Object.entries(hosts)) {
  describe(`on ${name}`, { timeout: 3_600_000 }, () => {
    let host;
    before(async () => (host = await open()));
    after(() => host?.close());

    // check throws if the last input harmed the host.
    async function check(seed, input, said) {
      const health = await fetch(`${host.url}/healthz`).then((r) => r.status, (error) => String(error));
      const log = host.log();
      const about = () =>
        `seed ${seed}\n${input.toString("latin1").slice(0, 2000)}\nsaid ${said.toString("latin1").slice(0, 1000)}\nlogged ${log}`;
      assert.equal(health, 200, about());
      assert.notEqual(status(said), 500, about());
      assert.doesNotMatch(log, faults, about());
      if (status(said) === 101) {
        const ended = closes(said).find((c) => c.length > 2 && c.readUInt16BE(0) === 1011 && c.includes("internal error"));
        assert.equal(ended, undefined, about());
      }
    }

    async function ask(seed, r) {
      const wire = request(r);
      const said = await exchange(host.url, wire);
      await check(seed, wire, said);
      assert.notEqual(status(said), 0, `seed ${seed}: no response to\n${wire.toString("latin1").slice(0, 2000)}`);
    }

    async function converse(seed, { path, token, frames }) {
      const head = opening(path, token);
      const said = await exchange(host.url, head, (text) => (/^HTTP\/1.1 101/.test(text) ? frames : ""));
      await check(seed, Buffer.concat([head, Buffer.from(frames.toString("hex"))]), said);
    }

    for (let seed = first; seed < first + seeds; seed++) {
      test(`stranger ${seed} harms nobody`, async () => {
        for (const r of requests) if (r.method === "POST") await ask(seed, r); // so that there is something to ask for
        const s = stranger(seed);
        for (let i = 0; i < inputs; i++) {
          const what = s.int(5);
          if (what === 0) await converse(seed, s.conversation());
          else if (what === 1) {
            const wire = s.talk();
            await check(seed, wire, await exchange(host.url, wire));
          } else await ask(seed, s.request());
        }
      });
    }
  });
}
