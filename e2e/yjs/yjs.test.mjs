// Real clients of both dialects on both hosts. Clients of every version share one room.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { doors, token } from "../doors.mjs";
import { until } from "../until.mjs";
import { clients, eachDialect, everyClient, peer } from "./providers.mjs";

const peers = [];
const open = (door, room, options) => {
  const opened = peer(door, room, options);
  peers.push(opened);
  return opened;
};
const join = async (door, room, options) => {
  const joined = open(door, room, options);
  await joined.synced();
  return joined;
};

// raw is a socket without a client. It returns the messages, then {code, reason}.
async function raw(door, path, options) {
  const ws = new WebSocket(door.url.replace("http", "ws") + path, options);
  const got = [];
  let wake = () => {};
  ws.on("message", (data, binary) => (got.push(binary ? new Uint8Array(data) : data.toString()), wake()));
  ws.on("close", (code, reason) => (got.push({ code, reason: reason.toString() }), wake()));
  await new Promise((resolve, reject) => ws.once("open", resolve).once("error", reject));
  const next = async () => {
    while (got.length === 0) await new Promise((resolve) => (wake = resolve));
    return got.shift();
  };
  const closed = async () => {
    for (;;) {
      const m = await next();
      if (m.code) return m;
    }
  };
  return { ws, next, closed };
}

const http = (door, path, { jwt = token("http"), ...options } = {}) =>
  fetch(`${door.url}${path}`, { ...options, headers: { authorization: `Bearer ${jwt}`, ...options.headers } });

const CROWD = 20; // in such a room the server gathers what follows an edit

for (const [name, host] of Object.entries(doors)) {
  describe(`on ${name}`, { timeout: 1_200_000 }, () => {
    const door = host();
    before(() => door.start());
    after(async () => {
      for (const p of peers.splice(0)) p.close();
      await door.close();
    });

    test("clients of every version type into one note and end equal", async () => {
      const all = [];
      for (const client of everyClient) all.push(await join(door, "a note/with slashes & spaces äö", { client }));
      for (let i = 0; i < 30; i++) {
        for (const p of all) p.insert(i % 3 === 0 ? 0 : p.text.length, String.fromCharCode(97 + (i % 26)));
        if (i % 10 === 0) await sleep(20);
      }
      await until(() => all.every((p) => p.toString().length === 30 * all.length && p.toString() === all[0].toString()), () => all.map(String).join("\n"));
      const late = await join(door, "a note/with slashes & spaces äö");
      assert.equal(late.toString(), all[0].toString());

      const state = await http(door, `/yjs/${encodeURIComponent("a note/with slashes & spaces äö")}`);
      assert.equal(state.status, 200);
      const doc = new Y.Doc();
      Y.applyUpdate(doc, new Uint8Array(await state.arrayBuffer()));
      assert.equal(doc.getText("note").toString(), all[0].toString());
      for (const p of [...all, late]) p.close();
    });

    test("Y5 clients of every version that join a large document are synced when they have all of it", async () => {
      const a = await join(door, "large");
      for (let i = 0; i < 8; i++) a.doc.getMap("blobs").set(`${i}`, new Uint8Array(700_000).fill(i));
      a.doc.getText("long").insert(0, "häppchen".repeat(200_000));
      const sv = Buffer.from(Y.encodeStateVector(a.doc));
      await until(async () => {
        const state = await http(door, "/yjs/large");
        const body = new Uint8Array(await state.arrayBuffer());
        return state.status === 200 && sv.equals(Y.encodeStateVectorFromUpdate(body));
      }, "stored");
      const joined = await Promise.all([...everyClient, ...eachDialect].map(async (client) => {
        const p = open(door, "large", { client });
        let updates = 0, waited = false;
        p.doc.on("update", () => {
          updates++;
          waited ||= p.doc.store?.pendingStructs != null;
        });
        await new Promise((resolve) => p.onSynced(resolve));
        return { client, p, updates, waited, has: Buffer.from(clients[client].yjs.encodeStateVector(p.doc)) };
      }));
      for (const { client, p, updates, waited, has } of joined) {
        assert.deepEqual(has, sv, client);
        assert.ok(updates > 5, `${client}: ${updates} updates`);
        assert.equal(waited, false, `${client}: nothing waited for a later piece`);
        p.close();
      }
      a.close();
    });

    // After 30 seconds of silence a client removes another by itself.
    for (const [mine, other] of [eachDialect, eachDialect.toReversed()]) {
      test(`Y14 the presence of ${mine} reaches a newcomer at once, and vanishes with its socket`, async () => {
        const room = `presence of ${mine}`;
        const a = await join(door, room, { client: mine });
        a.awareness.setLocalState({ user: "anna" });
        const b = await join(door, room, { client: mine });
        b.awareness.setLocalState({ user: "bert", long: "x".repeat(3000) });
        const c = await join(door, room, { client: other });
        await until(() => c.present().join() === "anna,bert", () => c.present().join());
        await until(() => a.present().join() === "anna,bert", () => a.present().join());
        b.die();
        await until(() => a.present().join() === "anna" && c.present().join() === "anna", () => a.present().join(), 25_000);
        a.close();
        await until(() => c.present().join() === "", () => c.present().join(), 25_000);
        c.close();
      });
    }

    test("Y12 the room ignores too large presence, and nobody loses the document", async () => {
      for (const client of everyClient) {
        const room = `too present ${client}`;
        const [a, b] = [await join(door, room, { client }), await join(door, room)];
        a.awareness.setLocalState({ user: "anna", avatar: "x".repeat(300 << 10) });
        a.insert(0, "typed");
        await until(() => b.toString() === "typed", () => b.toString());
        assert.equal(b.present().join(), "");
        a.awareness.setLocalState({ user: "anna", avatar: "x".repeat(200 << 10) });
        await until(() => b.present().join() === "anna", () => b.present().join());
        a.awareness.setLocalState({ user: "anna", avatar: "x".repeat(17 << 20) });
        a.insert(0, "again ");
        await until(() => b.toString() === "again typed", () => b.toString());
        assert.deepEqual([...a.events, ...b.events], []);
        a.close(), b.close();
      }
    });

    test("Y14 a client that reconnects after its connection broke stays present", async () => {
      const graceMillis = 3000; // yroom.DefaultConfig: for so long the room awaits it
      await Promise.all(eachDialect.map(async (client) => {
        for (let round = 0, away; ; round++) {
          assert.ok(round < 20, `${client} is back after ${away} ms`);
          const room = `back-${round} ${client}`;
          const [a, b] = [await join(door, room, { client }), await join(door, room)];
          a.awareness.setLocalState({ user: "anna" });
          await until(() => b.present().join() === "anna", "anna");
          const removed = [];
          b.awareness.on("change", (change) => removed.push(...change.removed));
          const left = Date.now();
          a.breakOff();
          await until(() => a.events.length > 0 && a.connected, "connected again");
          a.insert(0, "back"); // after its presence
          await until(() => b.toString() === "back", "back");
          away = Date.now() - left;
          await sleep(graceMillis + 2000);
          const [missed, present] = [[...removed], b.present().join()];
          a.close(), b.close();
          if (away >= graceMillis) continue; // it was too slow to be awaited
          assert.deepEqual(missed, []);
          assert.equal(present, "anna");
          return;
        }
      }));
    });

    for (const client of everyClient) {
      test(`${client}: a reader sees everything and writes nothing; its socket lives`, async () => {
        const room = `read-only ${client}`;
        const writer = await join(door, room);
        const reader = await join(door, room, { client, jwt: token("r", { scope: "yjs:read" }) });
        const denied = [];
        reader.onDenied(() => denied.push(1));
        reader.insert(0, "forbidden");
        await until(() => denied.length > 0, "refused");
        writer.insert(0, "allowed");
        await until(() => reader.toString().includes("allowed"), "seen");
        reader.awareness.setLocalState({ user: "reader" });
        await until(() => writer.present().join() === "reader", "the reader's presence");
        assert.equal(writer.toString(), "allowed");
        assert.deepEqual(reader.events, []);
        const late = await join(door, room);
        assert.equal(late.toString(), "allowed");
        for (const p of [writer, reader, late]) p.close();
      });
    }

    test("a client without permission gets a close code, and does not reconnect", async () => {
      const cases = [
        [4401, "room", token("a", {}, "another secret")],
        [4401, "room", token("a", { exp: 1000 })],
        [4403, "room", token("a", { scope: "sync:read" })],
        [4403, "room", token("a", { rooms: ["customer-*"] })],
        [4404, "r".repeat(600), token("a")],
      ];
      for (const [code, room, jwt] of cases) {
        const p = open(door, room, { jwt });
        await until(() => p.events.length > 1, () => JSON.stringify(p.events));
        assert.equal(p.events[0][1], code);
        assert.equal(p.events[1][0], "closed");
        assert.match(p.events[1][2], /\w+ \w+/);
        assert.equal(p.provider.shouldConnect, false);
        p.close();
        const socket = await raw(door, `/yjs/${room}?token=${jwt}`);
        const denied = await socket.next();
        assert.deepEqual([...denied.subarray(0, 2)], [2, 0]);
        assert.equal((await socket.next()).code, code);
        if (code !== 4404) assert.equal((await http(door, `/yjs/${room}`, { jwt })).status, code - 4000);
      }
      const p = await join(door, "customer-1", { jwt: token("a", { rooms: ["customer-*"] }) });
      p.close();
    });

    test("Y8 malformed input closes its socket with a reason, and no other socket", async () => {
      const good = await join(door, "bad input");
      good.insert(0, "good");
      const path = `/yjs/bad%20input?token=${token("x")}`;
      for (const [code, message] of [
        [4400, new Uint8Array([0])],
        [4400, new Uint8Array([0, 2, 3, 1, 1, 1])],
        [4400, new Uint8Array([0, 0, 2, 255, 255])],
        [4400, new Uint8Array([1, 3, 1, 1, 9])],
        [4413, new Uint8Array(17 << 20)],
      ]) {
        const bad = await raw(door, path);
        bad.ws.send(message);
        const { code: got, reason } = await bad.closed();
        assert.equal(got, code, reason);
        assert.match(reason, /\w+ \w+/);
      }
      for (const ignored of [new Uint8Array([99, 1, 2]), "text"]) {
        const unknown = await raw(door, path);
        unknown.ws.send(ignored);
        unknown.ws.send(new Uint8Array([0, 0, 1, 0]));
        for (let m; !(m instanceof Uint8Array && m[0] === 0 && m[1] === 1); ) m = await unknown.next();
        unknown.ws.close();
      }
      assert.deepEqual(good.events, []);
      const late = await join(door, "bad input");
      assert.equal(late.toString(), "good");
      good.close(), late.close();
    });

    test("HTTP reads, merges and deletes a document", async () => {
      const doc = new Y.Doc();
      doc.getText("note").insert(0, "over HTTP");
      assert.equal((await http(door, "/yjs/http")).status, 404);
      const all = await Promise.all(everyClient.map((client) => join(door, "http", { client })));
      const posted = await http(door, "/yjs/http", { method: "POST", body: Y.encodeStateAsUpdate(doc) });
      assert.equal(posted.status, 204);
      await until(() => all.every((p) => p.toString() === "over HTTP"), () => all.join("\n"));
      const etag = posted.headers.get("etag");
      const again = await http(door, "/yjs/http", { method: "POST", body: Y.encodeStateAsUpdate(doc) });
      assert.deepEqual([again.status, again.headers.get("etag")], [204, etag]);
      assert.equal((await http(door, "/yjs/http", { headers: { "if-none-match": etag } })).status, 304);
      const sv = Buffer.from(Y.encodeStateVector(doc)).toString("base64url");
      const diff = new Uint8Array(await (await http(door, `/yjs/http?sv=${sv}`)).arrayBuffer());
      assert.deepEqual([...diff], [0, 0]);
      assert.equal((await http(door, "/yjs/http", { method: "POST", body: "nonsense" })).status, 400);
      assert.equal((await http(door, "/yjs/http?sv=%ff")).status, 400);
      const reader = token("r", { scope: "yjs:read" });
      for (const method of ["POST", "DELETE"]) assert.equal((await http(door, "/yjs/http", { method, jwt: reader })).status, 403);
      assert.equal((await http(door, "/yjs/http", { method: "PUT" })).status, 405);

      assert.equal((await http(door, "/yjs/http", { method: "DELETE" })).status, 204);
      for (const p of all) assert.match((await p.happened())[2], /deleted/);
      assert.equal((await http(door, "/yjs/http")).status, 404);
      for (const p of all) p.close();
      const late = await join(door, "http");
      assert.equal(late.toString(), "");
      late.close();
    });

    test("S6 S8 an edit makes a space, and its deletion ends the document for who has it open", async () => {
      const jwt = token("owner", { spaces: ["", "*"], scope: "yjs:read yjs:write sync:admin spaces:admin" });
      const info = async () => (await http(door, "/s/edited/info", { jwt })).json();
      const [writer, reader] = await Promise.all(eachDialect.map((client) => join(door, "note", { client, jwt, at: "/s/edited" })));
      assert.equal((await info()).created_at, null);
      writer.insert(0, "the first write");
      await until(() => reader.toString() === "the first write", () => reader.toString());
      let now;
      await until(async () => ((now = await info()), now.created_at !== null && now.documents === 1), () => JSON.stringify(now));
      const { spaces } = await (await http(door, "/spaces?prefix=edited", { jwt })).json();
      assert.deepEqual(spaces, [{ name: "edited", created_at: now.created_at }]);

      assert.equal((await http(door, "/s/edited", { jwt, method: "DELETE" })).status, 204);
      for (const p of [writer, reader]) {
        await p.closed();
        p.close();
      }
      assert.equal((await info()).created_at, null);
      const late = await join(door, "note", { jwt, at: "/s/edited" });
      assert.equal(late.toString(), "");
      late.close();
    });

    test("a version is stored, listed, read and restored as a new edit", async () => {
      const room = "notes%2F2026";
      const p = await join(door, "notes/2026");
      const map = p.doc.getMap("map");
      p.insert(0, "first");
      p.text.format(0, 2, { bold: true });
      map.set("k", { nested: [1, 2] });
      map.set("last", 1);
      const stored = async (key, value) => (await (await http(door, `/yjs/${room}?format=json`)).json()).map?.[key] === value;
      await until(() => stored("last", 1), () => "stored");
      assert.equal(await (await http(door, `/yjs/${room}?format=text&name=note`)).text(), "first");
      const kept = await http(door, `/yjs/${room}/versions`, { method: "POST", body: "Draft ½" });
      assert.equal(kept.status, 201);
      const version = await kept.json();
      assert.deepEqual([version.name, version.subject], ["Draft ½", "http"]);
      const wanted = [p.text.toJSON(), JSON.stringify(p.text.toDelta()), JSON.stringify(map)];

      p.text.delete(0, 3);
      p.insert(0, "second ");
      map.set("k", "overwritten");
      map.set("last", 2);
      // A later version has a later millisecond.
      await until(async () => (await stored("last", 2)) && Date.now() > version.created_at, () => "stored");
      const second = await (await http(door, `/yjs/${room}/versions`, { method: "POST" })).json();
      const { versions } = await (await http(door, `/yjs/${room}/versions`)).json();
      assert.deepEqual(versions.map((v) => v.id), [second.id, version.id]);
      const old = new Y.Doc();
      Y.applyUpdate(old, new Uint8Array(await (await http(door, `/yjs/${room}/versions/${version.id}`)).arrayBuffer()));
      assert.equal(old.getText("note").toString(), "first");

      const now = () => [p.text.toJSON(), JSON.stringify(p.text.toDelta()), JSON.stringify(map)];
      assert.equal((await http(door, `/yjs/${room}/versions/${version.id}/restore`, { method: "POST" })).status, 204);
      await until(() => now().join() === wanted.join(), () => now().join("\n"));
      p.insert(5, ", edited");
      const late = await join(door, "notes/2026");
      await until(() => late.toString() === "first, edited", () => late.toString());

      assert.equal((await http(door, `/yjs/${room}/versions/nope`)).status, 404);
      assert.equal((await http(door, `/yjs/${room}/versions/nope/restore`, { method: "POST" })).status, 404);
      assert.equal((await http(door, `/yjs/${room}/versions`, { method: "POST", jwt: token("r", { scope: "yjs:read" }) })).status, 403);
      assert.equal((await http(door, `/yjs/absent/versions`, { method: "POST" })).status, 404);
      p.close(), late.close();
      assert.equal((await http(door, `/yjs/${room}`, { method: "DELETE" })).status, 204);
      assert.deepEqual(await (await http(door, `/yjs/${room}/versions`)).json(), { versions: [] });
    });

    test("Y3 kill -9 in the middle of a burst loses no edit that another client got", async () => {
      for (let round = 0; round < 3; round++) {
        const room = `burst-${round}`;
        const writers = await Promise.all(eachDialect.map((client) => join(door, room, { client })));
        const seen = new Y.Doc();
        const reader = await join(door, room, { doc: seen });
        const crowd = [];
        while (round > 0 && crowd.length < CROWD) crowd.push(await join(door, room, { client: eachDialect[crowd.length % 2] }));
        let stop = false;
        const typing = Promise.all(
          writers.map(async (w, n) => {
            for (let i = 0; !stop; i++) {
              w.insert(w.text.length, `${n}.${i} `);
              await sleep(1);
            }
          }),
        );
        await until(() => reader.toString().length > 200 + 300 * round, "typing");
        await door.stop("SIGKILL");
        stop = true;
        await typing;
        // Only updates from the server count: the writers must not send them again.
        for (const p of [...writers, ...crowd, reader]) p.close();
        const length = reader.toString().length;
        await door.start();
        const late = await join(door, room);
        assert.ok(length > 200);
        const missing = Y.diffUpdate(Y.encodeStateAsUpdate(seen), Y.encodeStateVector(late.doc));
        assert.deepEqual(Y.decodeUpdate(missing).structs, [], `${length} seen, ${late.toString().length} kept`);
        late.close();
      }
    });

    test("offline edits of every client arrive when the host is up again", async () => {
      const all = await Promise.all(everyClient.map((client) => join(door, `down ${client}`, { client })));
      for (const p of all) p.insert(0, "before ");
      const stored = async (client) => (await http(door, `/yjs/${encodeURIComponent(`down ${client}`)}`)).status === 200;
      for (const client of everyClient) await until(() => stored(client), "stored");
      await door.stop();
      for (const p of all) p.insert(7, "while it was down");
      await door.start();
      for (const [n, client] of everyClient.entries()) {
        const late = await join(door, `down ${client}`);
        await until(() => late.toString() === "before while it was down", () => `${client}: ${late}`);
        all[n].close(), late.close();
      }
    });
  });
}
