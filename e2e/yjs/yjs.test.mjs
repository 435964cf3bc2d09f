// Real y-websocket clients on both hosts. Clients of versions 2, 3 and 4 share one room.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { doors, token } from "../doors.mjs";
import { until } from "../until.mjs";
import { versions } from "./providers.mjs";

class Peer {
  constructor(door, room, { version = 3, jwt = token("someone"), doc, at = "" } = {}) {
    const { Provider, yjs, textOf } = versions[version];
    this.doc = doc ?? new yjs.Doc();
    this.text = textOf(this.doc);
    this.events = [];
    this.provider = new Provider(`${door.url.replace("http", "ws")}${at}/yjs`, room, this.doc, {
      WebSocketPolyfill: WebSocket,
      disableBc: true,
      params: { token: jwt },
    });
    this.provider.on("connection-close", (event) => this.events.push(["close", event?.code]));
    this.provider.on("closed", (event) => this.events.push(["closed", event.code, event.reason]));
    this.provider.on("connection-error", () => {});
  }

  get awareness() {
    return this.provider.awareness;
  }

  synced() {
    return until(() => this.provider.synced, () => `synced; events ${JSON.stringify(this.events)}`);
  }

  insert(at, text) {
    this.text.insert(at, text);
  }

  toString() {
    return this.text.toString().replace(/^<.*?>|<\/.*>$/g, "");
  }

  present() {
    return [...this.awareness.getStates()].filter(([, s]) => s.user).map(([, s]) => s.user).sort();
  }

  close() {
    this.provider.destroy();
    this.awareness.destroy();
  }

  // die ends the client as a power cut does.
  die() {
    this.provider.shouldConnect = false;
    this.provider.ws?.terminate?.();
    this.awareness.destroy();
  }
}

const peers = [];
const join = async (door, room, options) => {
  const peer = new Peer(door, room, options);
  peers.push(peer);
  await peer.synced();
  return peer;
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

for (const [name, open] of Object.entries(doors)) {
  describe(`on ${name}`, { timeout: 1_200_000 }, () => {
    const door = open();
    before(() => door.start());
    after(async () => {
      for (const p of peers.splice(0)) p.close();
      await door.close();
    });

    test("clients of every version type into one note and end equal", async () => {
      const all = [];
      for (const version of Object.keys(versions)) all.push(await join(door, "a note/with slashes & spaces äö", { version }));
      for (let i = 0; i < 30; i++) {
        for (const p of all) p.insert(i % 3 === 0 ? 0 : p.text.length, String.fromCharCode(97 + (i % 26)));
        if (i % 10 === 0) await sleep(20);
      }
      await until(() => all.every((p) => p.toString().length === 90 && p.toString() === all[0].toString()), () => all.map(String).join("\n"));
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
      const joined = await Promise.all(Object.keys(versions).flatMap((version) => [version, version]).map(async (version) => {
        const peer = new Peer(door, "large", { version });
        peers.push(peer);
        let updates = 0, waited = false;
        peer.doc.on("update", () => {
          updates++;
          waited ||= peer.doc.store?.pendingStructs != null;
        });
        await new Promise((resolve) => peer.provider.on("sync", (synced) => synced && resolve()));
        return { version, peer, updates, waited, has: Buffer.from(versions[version].yjs.encodeStateVector(peer.doc)) };
      }));
      for (const { version, peer, updates, waited, has } of joined) {
        assert.deepEqual(has, sv, `y-websocket ${version}`);
        assert.ok(updates > 5, `y-websocket ${version}: ${updates} updates`);
        assert.equal(waited, false, `y-websocket ${version}: nothing waited for a later piece`);
        peer.close();
      }
      a.close();
    });

    test("Y14 presence reaches a newcomer at once, and vanishes with its socket", async () => {
      const a = await join(door, "presence");
      a.awareness.setLocalState({ user: "anna" });
      const b = await join(door, "presence");
      b.awareness.setLocalState({ user: "bert", long: "x".repeat(3000) });
      const c = await join(door, "presence");
      await until(() => c.present().join() === "anna,bert", () => c.present().join());
      await until(() => a.present().join() === "anna,bert", () => a.present().join());
      // After 30 seconds of silence a client removes another by itself.
      b.die();
      await until(() => a.present().join() === "anna" && c.present().join() === "anna", () => a.present().join(), 25_000);
      a.close();
      await until(() => c.present().join() === "", () => c.present().join(), 25_000);
      c.close();
    });

    test("Y12 the room ignores too large presence, and nobody loses the document", async () => {
      for (const version of Object.keys(versions)) {
        const room = `too present ${version}`;
        const [a, b] = [await join(door, room, { version }), await join(door, room)];
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
      let away;
      for (let round = 0; ; round++) {
        assert.ok(round < 20, `back after ${away} ms`);
        const [a, b] = [await join(door, `back-${round}`), await join(door, `back-${round}`)];
        a.awareness.setLocalState({ user: "anna" });
        await until(() => b.present().join() === "anna", "anna");
        const removed = [];
        b.awareness.on("change", (change) => removed.push(...change.removed));
        const left = Date.now();
        a.provider.ws.terminate();
        await until(() => a.events.length > 0 && a.provider.wsconnected, "connected again");
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
    });

    test("a reader sees everything and writes nothing; its socket lives", async () => {
      const writer = await join(door, "read-only");
      const reader = await join(door, "read-only", { jwt: token("r", { scope: "yjs:read" }) });
      const denied = [];
      reader.provider.messageHandlers[2] = () => denied.push(1);
      reader.insert(0, "forbidden");
      await until(() => denied.length > 0, "refused");
      writer.insert(0, "allowed");
      await until(() => reader.toString().includes("allowed"), "seen");
      reader.awareness.setLocalState({ user: "reader" });
      await until(() => writer.present().join() === "reader", "the reader's presence");
      assert.equal(writer.toString(), "allowed");
      assert.deepEqual(reader.events, []);
      const late = await join(door, "read-only");
      assert.equal(late.toString(), "allowed");
      for (const p of [writer, reader, late]) p.close();
    });

    test("a client without permission gets a close code, and does not reconnect", async () => {
      const cases = [
        [4401, "room", token("a", {}, "another secret")],
        [4401, "room", token("a", { exp: 1000 })],
        [4403, "room", token("a", { scope: "sync:read" })],
        [4403, "room", token("a", { rooms: ["customer-*"] })],
        [4404, "r".repeat(600), token("a")],
      ];
      for (const [code, room, jwt] of cases) {
        const p = new Peer(door, room, { jwt });
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
      const p = await join(door, "http");
      const posted = await http(door, "/yjs/http", { method: "POST", body: Y.encodeStateAsUpdate(doc) });
      assert.equal(posted.status, 204);
      await until(() => p.toString() === "over HTTP", () => p.toString());
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
      await until(() => p.events.some((e) => e[0] === "closed" && e[1] === 4404), () => JSON.stringify(p.events));
      assert.equal((await http(door, "/yjs/http")).status, 404);
      p.close();
      const late = await join(door, "http");
      assert.equal(late.toString(), "");
      late.close();
    });

    test("S6 S8 an edit makes a space, and its deletion ends the document for who has it open", async () => {
      const jwt = token("owner", { spaces: ["", "*"], scope: "yjs:read yjs:write sync:admin spaces:admin" });
      const info = async () => (await http(door, "/s/edited/info", { jwt })).json();
      const [writer, reader] = [await join(door, "note", { jwt, at: "/s/edited" }), await join(door, "note", { jwt, at: "/s/edited" })];
      assert.equal((await info()).created_at, null);
      writer.insert(0, "the first write");
      await until(() => reader.toString() === "the first write", () => reader.toString());
      let now;
      await until(async () => ((now = await info()), now.created_at !== null && now.documents === 1), () => JSON.stringify(now));
      const { spaces } = await (await http(door, "/spaces?prefix=edited", { jwt })).json();
      assert.deepEqual(spaces, [{ name: "edited", created_at: now.created_at }]);

      assert.equal((await http(door, "/s/edited", { jwt, method: "DELETE" })).status, 204);
      for (const p of [writer, reader]) {
        await until(() => p.events.some((e) => e[0] === "closed" && e[1] === 4404), () => JSON.stringify(p.events));
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
        const writers = [await join(door, room), await join(door, room)];
        const seen = new Y.Doc();
        const reader = await join(door, room, { doc: seen });
        const crowd = [];
        while (round > 0 && crowd.length < CROWD) crowd.push(await join(door, room));
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

    test("offline edits arrive when the host is up again", async () => {
      const a = await join(door, "down");
      a.insert(0, "before ");
      await until(async () => (await http(door, "/yjs/down")).status === 200, "stored");
      await door.stop();
      a.insert(7, "while it was down");
      await door.start();
      const b = await join(door, "down");
      await until(() => b.toString() === "before while it was down", () => b.toString());
      a.close(), b.close();
    });
  });
}
