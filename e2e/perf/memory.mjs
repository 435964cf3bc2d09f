// The memory of both hosts under load: large bodies without a token, and the largest legal
// requests.
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import * as encoding from "lib0/encoding";
import { usage } from "../workerd/host.mjs";
import { forget, peakMB, rounds } from "./measure.mjs";
import { directlyOnWorkerd, jwt, onWazero } from "./targets.mjs";

const MB = 1 << 20;
const LIMIT_BODY_BYTES = 16 * MB;
const LIMIT_PULL_BYTES = 24 * MB;
const LIMIT_YJS_MESSAGE_BYTES = 16 * MB;

// strange sends a push of 16 MB without a token, or its first bytes only, and
// resolves when the host returned a response, broke the connection, or got those bytes.
function strange(url, send = LIMIT_BODY_BYTES) {
  const { hostname, port } = new URL(url);
  const piece = Buffer.alloc(64 << 10, "x");
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) });
    let said = "";
    let sent = 0;
    const done = () => resolve({ status: Number(said.slice(9, 12)) || 0, end: () => socket.destroy() });
    const write = () => {
      while (sent < send) {
        const next = piece.subarray(0, Math.min(piece.length, send - sent));
        sent += next.length;
        if (!socket.write(next)) return void socket.once("drain", write);
      }
      if (send < LIMIT_BODY_BYTES) socket.write("", done);
    };
    socket.on("connect", () => {
      socket.write(`POST /trpc/sync.push HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${LIMIT_BODY_BYTES}\r\n\r\n`);
      write();
    });
    socket.on("data", (data) => ((said += data), said.includes("\r\n\r\n") && done()));
    socket.on("error", () => {}); // the close follows
    socket.on("close", done);
  });
}

async function ask(target, path, options = {}) {
  const headers = { authorization: `Bearer ${jwt}`, ...options.headers };
  const response = await fetch(target.url + path, { ...options, headers });
  let bytes = 0;
  for await (const part of response.body ?? []) bytes += part.length;
  return { status: response.status, bytes };
}

// push returns the body of a push of that length, less at most a row.
function push(prefix, bytes) {
  const notes = "x".repeat(100_000);
  const row = (id) => `{"id":"${prefix}${id}","_status":"created","_changed":"","notes":"${notes}","created_at":1,"updated_at":1}`;
  const rows = Array.from({ length: Math.floor((bytes - 200) / (row(999).length + 1)) }, (_, i) => row(i));
  return `{"changes":{"customers":{"created":[${rows}],"updated":[],"deleted":[]}},"lastPulledAt":${Date.now() + 1e12}}`;
}

const json = { "content-type": "application/json" };
const pushed = (target, body) => ask(target, "/trpc/sync.push", { method: "POST", headers: json, body });
const pull = `/trpc/sync.pull?input=${encodeURIComponent('{"lastPulledAt":null}')}`;

// fill makes the next pull as large as the limit allows.
async function fill(target) {
  for (const half of ["c", "d"]) await pushed(target, push(half, LIMIT_PULL_BYTES / 2 - MB / 4));
}

// typed returns an update of one text, as long as a message may be.
function typed() {
  const text = "x".repeat(LIMIT_YJS_MESSAGE_BYTES - 100);
  return Buffer.from(encoding.encode((e) => {
    for (const n of [1, 1, 1, 0, 4, 1]) encoding.writeVarUint(e, n);
    encoding.writeVarString(e, "t");
    encoding.writeVarString(e, text);
    encoding.writeVarUint(e, 0);
  }));
}

const write = (target, room = "a") => ask(target, `/yjs/${room}`, { method: "POST", body: typed() });

const times = (n, one) => Promise.all(Array.from({ length: n }, (_, i) => one(i)));

// Each scene has a preparation before the quiet value is measured, and a load, which returns
// the responses.
const scenes = {
  "200 strangers with 16 MB each": { run: (t) => times(200, () => strange(t.url)) },
  "300 strangers who stop after 66 KB of 16 MB": {
    async run(t) {
      const all = await times(300, () => strange(t.url, 66 << 10));
      await sleep(2000); // they do nothing
      for (const one of all) one.end();
      return all;
    },
  },
  "a push of LIMIT_BODY_BYTES": { run: async (t) => [await pushed(t, push("a", LIMIT_BODY_BYTES))] },
  "8 at once": { run: (t) => times(8, (i) => pushed(t, push(`b${i}-`, LIMIT_BODY_BYTES))) },
  "a pull of LIMIT_PULL_BYTES": {
    prepare: fill,
    run: async (t) => [await ask(t, pull)],
  },
  "8 pulls at once": {
    prepare: fill,
    run: (t) => times(8, () => ask(t, pull)),
  },
  "a Yjs POST of LIMIT_YJS_MESSAGE_BYTES": { run: async (t) => [await write(t)] },
  "8 POSTs at once, to 8 rooms": { run: (t) => times(8, (i) => write(t, i)) },
  "a Yjs GET of it": {
    prepare: write,
    run: async (t) => [await ask(t, "/yjs/a")],
  },
  "8 GETs at once": {
    prepare: write,
    run: (t) => times(8, () => ask(t, "/yjs/a")),
  },
};

// memory has for each scene, on a new host: the resident memory while it is quiet, the
// peak since then, and the statuses that it returned.
export async function memory(section) {
  const table = section.table("memory", "Memory (resident MB of the host's process; strangers must take at most 64 above quiet)");
  for (const [scene, { prepare, run }] of Object.entries(scenes)) {
    for (const [host, open] of [["workerd", directlyOnWorkerd], ["wazero", onWazero]]) {
      const quiet = [], peak = [], above = [], returned = new Set();
      for (let i = 0; i < Math.min(rounds, 5); i++) {
        const target = await open();
        for (let i = 0; i < 20; i++) await ask(target, pull);
        await prepare?.(target);
        quiet.push(usage(target.pid).residentMB);
        forget(target.pid);
        const responses = await run(target);
        peak.push(peakMB(target.pid));
        above.push(peak.at(-1) - quiet.at(-1));
        const statuses = {};
        for (const { status } of responses) statuses[status || "nothing"] = (statuses[status || "nothing"] ?? 0) + 1;
        returned.add(Object.entries(statuses).map(([status, n]) => `${n} × ${status}`).join(", "));
        await target.close();
      }
      table.row({ scene, host }, { quiet, peak, above, returned: [...returned].join("; or ") });
    }
  }
}
