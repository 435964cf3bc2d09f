// Structured sync beside the plain TypeScript worker of peer/.
import { writeFileSync } from "node:fs";
import path from "node:path";
import { WebSocket } from "ws";
import { scratch } from "../workerd/host.mjs";
import { compare, loaded, print, round } from "./measure.mjs";
import { jwt, load, onWazero, onWorkerd, peer } from "./targets.mjs";

const customer = (id, updated) =>
  `{"id":"${id}","_status":"created","_changed":"","contact_name":"Contact ${id}","company_name":"Company of ${id}",` +
  `"notes":"Some notes that are neither short nor long, as people write them.","created_at":1700000000000,"updated_at":${updated}}`;

const push = (rows) =>
  `{"changes":{"customers":{"created":[${rows.join(",")}],"updated":[],"deleted":[]}},"lastPulledAt":1700000000000}`;

const many = (n, row) => Array.from({ length: n }, (_, i) => row(i));
const pull = (since) => `/trpc/sync.pull?input=${encodeURIComponent(JSON.stringify({ lastPulledAt: since, schemaVersion: 1, migration: null }))}`;

const headers = { authorization: `Bearer ${jwt}`, "content-type": "application/json" };

async function post(target, body) {
  const response = await fetch(`${target.url}/trpc/sync.push`, { method: "POST", headers, body });
  const answer = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer.result.data.timestamp;
}

async function stampOf(target) {
  const response = await fetch(target.url + pull(null), { headers });
  return (await response.json()).result.data.timestamp;
}

export async function sync() {
  const targets = { "TypeScript on workerd": await peer(), workerd: await onWorkerd(), wazero: await onWazero() };
  const dir = scratch("bench");
  const file = (name, body) => {
    writeFileSync(path.join(dir, name), body);
    return path.join(dir, name);
  };
  const one = file("one.json", push([customer("one", "@@@@@@@@@@@@@")]));
  const thousand = file("thousand.json", push(many(1000, (i) => customer(`p@@@@@@@@@@@@@-${i}`, 1700000000000))));

  for (const target of Object.values(targets)) {
    for (let k = 0; k < 10; k++) await post(target, push(many(1000, (i) => customer(`c${k}-${i}`, 1700000000000))));
    const before = await stampOf(target);
    await post(target, push(many(10, (i) => customer(`c0-${i}`, 1700000000001))));
    Object.assign(target, { before, now: await stampOf(target) });
  }

  const rows = [
    ["full pull of 10,000", () => pull(null), { seconds: 2 }],
    ["delta of 10 in 10,000", (t) => pull(t.before), { seconds: 1 }],
    ["empty pull", (t) => pull(t.now), { seconds: 1 }],
    ["push of 1", () => "/trpc/sync.push", { seconds: 1, method: "POST", body: one }],
    ["push of 1,000", () => "/trpc/sync.push", { seconds: 20, most: 8, method: "POST", body: thousand }],
  ];
  const tables = { 1: {}, 8: {} };
  for (const [name, url, options] of rows) { // the pushes last: they change what is pulled
    for (const [connections, table] of Object.entries(tables)) {
      for (const target of Object.values(targets)) await load(target.url + url(target), { ...options, connections, most: 8 }); // warm
      const measured = await compare(targets, (target) => loaded(target, url(target), { ...options, connections }));
      const bar = measured["TypeScript on workerd"];
      for (const [who, { rps, p50, p99, cpu }] of Object.entries(measured)) {
        table[`${name}: ${who}`] = { rps: round(rps, 1), p50: round(p50), p99: round(p99), cpu: round(cpu), time: round(bar.rps / rps, 2) };
      }
    }
  }
  for (const [connections, table] of Object.entries(tables)) {
    print(`Structured sync, ${connections} connections (p50, p99, cpu in µs; time: of the peer's a request)`, table);
  }
  await fanOut(targets);
  for (const target of Object.values(targets)) await target.close();
}

// fanOut: each pusher pushes a row while 200 subscribers listen. It measures the time until
// the last subscriber got the notification of the last push.
async function fanOut(targets) {
  for (const target of Object.values(targets)) {
    target.sockets = await Promise.all(many(200, () => subscribe(target)));
  }
  let updated = Date.now() - 5e8;
  for (const pushers of [1, 8]) {
    const measured = await compare(targets, async (target) => {
      const start = performance.now();
      for (const socket of target.sockets) socket.heard = 0;
      let answered = 0;
      for (let i = 0; i < 5; i++) {
        const start = performance.now();
        const stamps = await Promise.all(many(pushers, (k) => post(target, push([customer(`fan${k}`, ++updated)]))));
        answered += performance.now() - start;
        await Promise.all(target.sockets.map((socket) => socket.until(Math.max(...stamps))));
      }
      return { heard: (performance.now() - start) / 5, answered: answered / 5, messages: target.sockets[0].heard / 5 };
    });
    for (const row of Object.values(measured)) for (const key of Object.keys(row)) row[key] = round(row[key], 1);
    print(`Fan-out to 200 subscribers, ${pushers} pushers (ms until all have heard, until answered; messages to each)`, measured);
  }
  for (const target of Object.values(targets)) for (const socket of target.sockets) socket.close();
}

// subscribe returns a socket that counts its messages. until(stamp) waits for a stamp.
function subscribe(target) {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(`${target.url.replace("http", "ws")}/sync/subscribe`, { headers });
    let stamp = 0;
    let wake = () => {};
    const socket = { heard: 0, close: () => ws.terminate() };
    ws.on("message", (data) => {
      socket.heard++;
      stamp = Math.max(stamp, JSON.parse(data).stamp);
      wake();
    });
    socket.until = async (wanted) => {
      while (stamp < wanted) await new Promise((resolve) => (wake = resolve));
    };
    ws.once("open", () => resolve(socket)).once("error", reject);
  });
}
