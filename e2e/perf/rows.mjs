// The requests of structured sync, of a target that is {url, base, pid}: base is the path
// before /trpc and /sync, such as /s/acme.
import { writeFileSync } from "node:fs";
import path from "node:path";
import { WebSocket } from "ws";
import { scratch } from "../workerd/host.mjs";
import { compare, loaded } from "./measure.mjs";
import { over } from "./results.mjs";
import { jwt, load } from "./targets.mjs";

export const customer = (id, updated) =>
  `{"id":"${id}","_status":"created","_changed":"","contact_name":"Contact ${id}","company_name":"Company of ${id}",` +
  `"notes":"Some notes that are neither short nor long, as people write them.","created_at":1700000000000,"updated_at":${updated}}`;

// push returns the body of a push by a client that has pulled the empty database, before a
// space was born.
export const push = (rows) => `{"changes":{"customers":{"created":[${rows.join(",")}],"updated":[],"deleted":[]}},"lastPulledAt":1}`;

export const many = (n, row) => Array.from({ length: n }, (_, i) => row(i));
export const pushPath = "/trpc/sync.push";
export const pullPath = (since) =>
  `/trpc/sync.pull?input=${encodeURIComponent(JSON.stringify({ lastPulledAt: since, schemaVersion: 1, migration: null }))}`;

export const headers = { authorization: `Bearer ${jwt}`, "content-type": "application/json" };

// fileOf writes a body for the load generator and returns the name of its file.
const dir = scratch("bench");
export function fileOf(name, body) {
  writeFileSync(path.join(dir, name), body);
  return path.join(dir, name);
}

export const one = () => fileOf("one.json", push([customer("one", "@@@@@@@@@@@@@")]));
const thousand = () => fileOf("thousand.json", push(many(1000, (i) => customer(`p@@@@@@@@@@@@@-${i}`, 1700000000000))));

// ask sends a request below the target's base. It returns the result of the procedure.
export async function ask(target, url, body) {
  const response = await fetch(target.url + target.base + url, body ? { method: "POST", headers, body } : { headers });
  const answer = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer.result.data;
}

const post = async (target, body) => (await ask(target, pushPath, body)).timestamp;
const stampOf = async (target) => (await ask(target, pullPath(null))).timestamp;

// seed gives a target 10,000 rows and then 10 edits. It keeps the stamps before the edits
// and after them.
export async function seed(target) {
  for (let k = 0; k < 10; k++) await post(target, push(many(1000, (i) => customer(`c${k}-${i}`, 1700000000000))));
  const before = await stampOf(target);
  await post(target, push(many(10, (i) => customer(`c0-${i}`, 1700000000001))));
  Object.assign(target, { before, now: await stampOf(target) });
}

// requests are [name, path below the base, options of load]. The pushes are last: they change
// what is pulled.
export const requests = () => [
  ["full pull of 10,000", () => pullPath(null), { seconds: 1.5 }],
  ["delta of 10 in 10,000", (t) => pullPath(t.before), { seconds: 0.7 }],
  ["empty pull", (t) => pullPath(t.now), { seconds: 0.7 }],
  ["push of 1", () => pushPath, { seconds: 0.7, method: "POST", body: one() }],
  ["push of 1,000", () => pushPath, { seconds: 20, most: 8, method: "POST", body: thousand() }],
];

// ratiosTo returns the time of a request over that of each peer, and the same of the processor time
// if it is known. peers are {column: the name of a target}.
function ratiosTo(peers, measured, target) {
  const { time, cpu } = measured[target];
  return Object.fromEntries(Object.entries(peers).filter(([, peer]) => peer !== target).flatMap(([column, peer]) => [
    [`time${column}`, over(time, measured[peer].time)],
    ...(cpu ? [[`processor${column}`, over(cpu, measured[peer].cpu)]] : []),
  ]));
}

const explained = (peers) => Object.entries(peers).map(([column, peer]) => `time${column}: over that of ${peer}`).join("; ");

// compareRows measures the requests of structured sync in turns, at 1 and 8 connections.
export async function compareRows(section, title, targets, peers) {
  for (const target of Object.values(targets)) await seed(target);
  const table = section.table("requests", `${title} (µs; ${explained(peers)})`);
  for (const [request, url, options] of requests()) {
    const full = (target) => target.base + url(target);
    for (const connections of [1, 8]) {
      for (const target of Object.values(targets)) await load(target.url + full(target), { ...options, connections }); // warm
      const measured = await compare(targets, (target) => loaded(target, full(target), { ...options, connections }));
      for (const [target, { rps, p50, p99, cpu, refused }] of Object.entries(measured)) {
        table.row({ request, connections, target }, { rps, p50, p99, cpu, refused }, ratiosTo(peers, measured, target));
      }
    }
  }
}

// fanOut: each pusher pushes a row while 200 subscribers listen. It measures the time until
// the last subscriber got the notification of the last push.
export async function fanOut(section, targets, peers) {
  for (const target of Object.values(targets)) {
    target.sockets = await Promise.all(many(200, () => subscribe(target)));
  }
  const table = section.table("fan-out", `Fan-out to 200 subscribers (ms until all have heard, until answered; messages to each; ${explained(peers)})`);
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
      return { time: (performance.now() - start) / 5, answered: answered / 5, messages: target.sockets[0].heard / 5 };
    });
    for (const [target, { time, answered, messages }] of Object.entries(measured)) {
      table.row({ pushers, target }, { heard: time, answered, messages }, ratiosTo(peers, measured, target));
    }
  }
  for (const target of Object.values(targets)) for (const socket of target.sockets) socket.close();
}

// subscribe returns a socket that counts its messages. until(stamp) waits for a stamp.
function subscribe(target) {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(`${target.url.replace("http", "ws")}${target.base}/sync/subscribe`, { headers });
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
