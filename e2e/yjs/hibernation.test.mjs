// Rooms that hibernate between any two events, on workerd, with real clients.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { token } from "../doors.mjs";
import { until } from "../until.mjs";
import { clients, connection, disconnect, eachDialect, join as joinAs, peer } from "./providers.mjs";
import { start } from "./workerd.mjs";

let host;
before(async () => (host = await start({ YJS_COPY_MILLIS: "200" })));
after(() => host.close());

const join = (room, client) => joinAs(host, room, { client });

for (const [mine, other] of [eachDialect, eachDialect.toReversed()]) {
  test(`edits, presence and closes of ${mine} survive a hibernation before each of them`, async () => {
    const room = `sleepy ${mine}`;
    const a = await join(room, mine);
    a.awareness.setLocalState({ user: "anna" });
    await host.hibernate(room);
    const b = await join(room, other);
    b.awareness.setLocalState({ user: "bert", long: "x".repeat(4000) });
    const present = (p) => p.present().join();
    await until(() => present(a) === "anna,bert" && present(b) === "anna,bert", () => `${present(a)} | ${present(b)}`);
    for (let i = 0; i < 10; i++) {
      await host.hibernate(room);
      (i % 2 ? a : b).text.insert(0, `${i} `);
      await until(() => a.toString() === b.toString() && a.text.length === 2 * (i + 1), () => `${a} | ${b}`);
      for (const p of [a, b]) await until(() => p.saved !== false, () => "stored, and its client knows");
    }
    await host.hibernate(room);
    const c = await join(room, mine);
    await until(() => present(c) === "anna,bert", () => present(c));
    assert.equal(c.toString(), a.toString());
    await host.hibernate(room);
    b.close();
    // After 30 seconds of silence they would remove it by themselves.
    await until(() => present(a) === "anna" && present(c) === "anna", () => `${present(a)} | ${present(c)}`, 25_000);
    assert.deepEqual([...a.events, ...c.events], []);
    a.close(), c.close();
  });
}

test("H1 H4 the documents of one socket sleep and wake, each for itself", async (t) => {
  const socket = connection(clients["hocuspocus 4"], host);
  const rooms = ["asleep", "awake"];
  const [asleep, awake] = rooms.map((room) => peer(host, room, { client: "hocuspocus 4", socket, sessionAwareness: true }));
  t.after(() => (asleep.close(), awake.close(), disconnect(socket)));
  for (const p of [asleep, awake]) await p.synced();
  for (let i = 1; i <= 5; i++) {
    await host.hibernate("asleep");
    for (const p of [asleep, awake]) p.insert(0, `${i}`);
    for (const p of [asleep, awake]) await until(() => p.saved, () => `stored; ${p.statuses}`);
    await host.hibernate("asleep");
    asleep.provider.sendStateless(`${i}`);
    await until(() => asleep.stateless.length === i, () => "its own message");
  }
  await host.hibernate("asleep");
  const deleted = await fetch(`${host.url}/yjs/asleep`, { method: "DELETE", headers: { authorization: `Bearer ${token("http")}` } });
  assert.equal(deleted.status, 204);
  assert.match((await asleep.closed())[2], /deleted/);
  awake.insert(0, "6");
  await until(() => awake.saved, () => "stored");
  assert.deepEqual([awake.events, socket.identifier], [[], 1]);
});

test("a room that sleeps closes the socket whose token ends, and no other", async () => {
  const rooms = { "/yjs/ends": ["YjsRoom", "ends"], "/sync/subscribe": ["SyncRoom", "sync"] };
  await Promise.all(Object.entries(rooms).map(async ([path, [className, name]]) => {
    const exp = Math.floor(Date.now() / 1000) + 4;
    const open = async (claims) => {
      const ws = new WebSocket(`${host.url.replace("http", "ws")}${path}?token=${token("someone", claims)}`);
      const closed = new Promise((resolve) => ws.once("close", (code, reason) => resolve([code, String(reason), Date.now()])));
      await new Promise((resolve, reject) => ws.once("open", resolve).once("error", reject));
      return { ws, closed };
    };
    const [ends, lasts] = [await open({ exp }), await open()];
    await host.hibernate(name, className);
    const [code, reason, at] = await ends.closed;
    assert.deepEqual([code, reason], [4401, "the token has ended"], path);
    assert.ok(at > exp * 1000 - 100, `${path}: closed too early`);
    const pong = new Promise((resolve) => lasts.ws.on("message", (data) => String(data) === "pong" && resolve()));
    lasts.ws.send("ping");
    await pong;
    lasts.ws.terminate();
  }));
});

test("a room that another backend wrote opens unchanged, and is copied back", async () => {
  const before = new Y.Doc();
  before.getText("note").insert(0, "from elsewhere");
  const encoded = Buffer.from(Y.encodeStateAsUpdate(before)).toString("base64");
  await host.db.prepare("INSERT INTO YjsRooms VALUES (?, ?, 7)").bind("elsewhere", encoded).run();
  const a = await join("elsewhere");
  assert.equal(a.text.toString(), "from elsewhere");
  a.text.insert(0, "edited, ");
  await until(async () => {
    const row = await host.db.prepare("SELECT * FROM YjsRooms WHERE RoomId = 'elsewhere'").first();
    const doc = new Y.Doc();
    Y.applyUpdate(doc, Buffer.from(row.YjsState, "base64"));
    return doc.getText("note").toString() === "edited, from elsewhere" && row.updated_at > 7;
  }, () => "copied");
  a.close();

  const list = async (query, claims) => {
    const response = await fetch(`${host.url}/yjs/?${query}`, { headers: { authorization: `Bearer ${token("l", claims)}` } });
    assert.equal(response.status, 200);
    return response.json();
  };
  const page = await list("prefix=else&limit=1");
  assert.deepEqual(page.rooms.map((r) => r.room), ["elsewhere"]);
  assert.equal(page.next, "elsewhere");
  assert.deepEqual(await list("prefix=else&after=elsewhere"), { rooms: [] });
  assert.deepEqual((await list("prefix=else", { rooms: ["other-*"] })).rooms, []);
});

test("15 MB are joined, edited, put to sleep, compacted and copied", async () => {
  const room = "large";
  const a = await join(room);
  for (let i = 0; i < 15; i++) {
    a.doc.getMap("blobs").set(`${i}`, new Uint8Array(1_000_000).fill(i));
    await sleep(50);
  }
  await until(async () => {
    const row = await host.db.prepare("SELECT sum(length(YjsState)) AS n FROM YjsRoomParts WHERE RoomId = 'large'").first();
    return row.n > 18_000_000;
  }, () => "copied");
  await host.hibernate(room);
  const b = await join(room, "hocuspocus 4");
  assert.equal(b.doc.getMap("blobs").size, 15);
  await host.hibernate(room);
  b.text.insert(0, "edited");
  await until(() => a.text.toString() === "edited", () => "edited");
  assert.deepEqual([...a.events, ...b.events], []);
  a.close(), b.close();
});
