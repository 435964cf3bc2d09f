// YjsRoom on both hosts and its peers. A target is {url, pid, path(room),
// dialect, close()}; one on workerd also has hibernate(room), and one that
// stores documents saved(room), in bytes.
import { spawn } from "node:child_process";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { freePort, token, wazero } from "../../doors.mjs";
import { startScript } from "../../workerd/host.mjs";
import { start, startMeasured } from "../../yjs/workerd.mjs";
import { counting } from "../counting.mjs";
import { onlyComplaints } from "../targets.mjs";
import { hocuspocus as prefixed, yWebsocket } from "./client.mjs";

const peers = fileURLToPath(new URL("peers/", import.meta.url));

const unlimited = { LIMIT_YJS_BYTES_PER_SECOND: "1000000000", LIMIT_YJS_MESSAGES_PER_SECOND: "1000000", LIMIT_SOCKETS_PER_SUBJECT: "1000000" };
const ours = { path: (room) => `/yjs/${room}?token=${token("bench")}`, dialect: yWebsocket, ask, copied };

// ask sends a request to Tidemark, and returns the body.
async function ask(method, path, body) {
  const response = await fetch(`${this.url}/yjs/${path}`, { method, body, headers: { authorization: `Bearer ${token("bench")}` } });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (!response.ok) throw new Error(`${response.status} ${bytes}`);
  return bytes;
}

// copied waits for a copy in Tidemark's database that began at that time or later, in Unix
// milliseconds.
async function copied(room, since) {
  const at = async () => JSON.parse(await this.ask("GET", `?prefix=${room}`)).rooms[0]?.updated_at ?? 0;
  for (const until = Date.now() + 60_000; (await at()) < since; await sleep(20)) {
    if (Date.now() > until) throw new Error("no copy within a minute");
  }
}

// saved returns the size of a room's copy in D1.
const saved = (db) => (room) =>
  db
    .prepare("SELECT 0.75 * (length(YjsState) + (SELECT coalesce(sum(length(YjsState)), 0) FROM YjsRoomParts p WHERE p.RoomId = r.RoomId)) AS n FROM YjsRooms r WHERE RoomId = ?")
    .bind(room)
    .first("n");

// asleep puts a room to sleep, unless it sleeps already.
const asleep = (host, worker, className) => (name) =>
  host.mf.unsafeEvictDurableObject(worker, className, { name, webSockets: "hibernate" }).catch((error) => {
    if (!error.message.includes("not currently running")) throw error;
  });

async function onWorkerd(settings) {
  const host = await start({ ...unlimited, ...settings }, undefined, onlyComplaints);
  return { ...ours, ...host, hibernate: asleep(host, "tidemark", "YjsRoom"), saved: saved(host.db) };
}

// counted is Tidemark on workerd with rows(): how many rows its Yjs rooms have written so far,
// to their own storage, to alarms and to the database.
export async function counted(settings) {
  const host = await start({ ...unlimited, ...settings }, counting("YjsRoom"), onlyComplaints);
  const rows = async () => {
    const { YjsRoom, D1 } = await (await fetch(`${host.url}/counts`)).json();
    return { object: YjsRoom.written, alarms: YjsRoom.alarms, database: D1.written };
  };
  return { ...ours, ...host, saved: saved(host.db), rows };
}

// measured is Tidemark on workerd, with guest().
async function measured(settings) {
  const host = await startMeasured({ ...unlimited, ...settings }, onlyComplaints);
  return { ...ours, ...host, restart: asleep(host, "tidemark", "YjsRoom") };
}

async function onWazero(settings) {
  const door = await wazero({ ...unlimited, ...settings }).start();
  return {
    ...ours, url: door.url, pid: String(door.process.pid), close: () => door.close(),
    restart: async () => (await door.stop(), await door.start()),
  };
}

async function partyserver() {
  const { outputFiles } = await build({
    entryPoints: [path.join(peers, "partyserver.mjs")],
    bundle: true, format: "esm", write: false, target: "es2022", external: ["cloudflare:workers"],
  });
  const host = await startScript(outputFiles[0].text, { durableObjects: { Rooms: { className: "Rooms", useSQLite: true } } });
  const at = (room) => `/parties/rooms/${room}`;
  return {
    ...host,
    path: at,
    dialect: yWebsocket,
    hibernate: asleep(host, "script", "Rooms"),
    saved: async (room) => (await (await fetch(host.url + at(room))).json()).saved,
  };
}

// relay sends every message to all sockets, without a document. With inserts it first writes
// each message into a row.
async function relay({ inserts }) {
  const host = await startScript(
    `import { DurableObject } from "cloudflare:workers";
    export default { fetch: (request, env) => env.ROOM.get(env.ROOM.idFromName(new URL(request.url).pathname)).fetch(request) };
    export class Room extends DurableObject {
      constructor(ctx, env) {
        super(ctx, env);
        if (${inserts}) ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS log (n INTEGER PRIMARY KEY, bytes BLOB)");
      }
      fetch() {
        const { 0: client, 1: server } = new WebSocketPair();
        this.ctx.acceptWebSocket(server);
        return new Response(null, { status: 101, webSocket: client });
      }
      webSocketMessage(ws, data) {
        if (${inserts}) this.ctx.storage.sql.exec("INSERT INTO log (bytes) VALUES (?)", data);
        for (const socket of this.ctx.getWebSockets()) socket.send(data);
      }
    }`,
    { durableObjects: { ROOM: { className: "Room", useSQLite: true } } },
  );
  return {
    ...host,
    path: (room) => `/${room}`,
    dialect: { ...yWebsocket, answers: false },
    hibernate: (room) => asleep(host, "script", "Room")(`/${room}`),
  };
}

async function onNode(file, dialect) {
  const port = await freePort();
  const child = spawn(process.execPath, [file], {
    cwd: peers, env: { ...process.env, NODE_ENV: "production", HOST: "127.0.0.1", PORT: String(port) }, stdio: ["ignore", "ignore", "inherit"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const url = `http://127.0.0.1:${port}`;
  for (const until = Date.now() + 60_000; !(await fetch(url).then((r) => r.ok, () => false)); await sleep(50)) {
    if (child.exitCode !== null || Date.now() > until) throw new Error(`${file} did not start`);
  }
  return { url, pid: String(child.pid), path: (room) => `/${room}`, dialect, close: () => (child.kill(), ended) };
}

// byHocuspocus is Tidemark as a client of Hocuspocus sees it.
export const byHocuspocus = (target) => ({ ...target, path: () => "/hocuspocus", dialect: prefixed(token("bench")), token: token("bench") });

export const both = { "Tidemark, workerd": measured, "Tidemark, wazero": onWazero };
export const workerd = {
  "Tidemark, workerd": onWorkerd, "y-partyserver": partyserver, "bare relay": () => relay({ inserts: false }),
};
export const inserting = { "relay with an INSERT": () => relay({ inserts: true }) };
export const node = {
  "Tidemark, wazero": onWazero,
  "@y/websocket-server": () => onNode("node_modules/@y/websocket-server/src/server.js", yWebsocket),
  "Hocuspocus": () => onNode("hocuspocus.mjs", prefixed("token")),
};

// open starts targets, gives them to body, and closes them.
export async function open(makers, settings, body) {
  const targets = {};
  try {
    for (const [name, make] of Object.entries(makers)) targets[name] = await make(settings);
    await body(targets);
  } finally {
    for (const target of Object.values(targets)) await target.close();
  }
}
