// What only Hocuspocus' provider has, with its versions 2, 3 and 4 on both hosts. docs/protocol.md, H1 to H8.
// yjs.test.mjs has what every client has, and several.test.mjs the bytes on the wire.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import * as Y from "yjs";
import { doors, token } from "../doors.mjs";
import { until } from "../until.mjs";
import { join as joinAsMember } from "./member.mjs";
import { clients, connection, disconnect, everyClient, join, peer } from "./providers.mjs";

const versions = everyClient.filter((client) => client.startsWith("hocuspocus"));
const documentBytes = 3_000_000;
const soon = { delay: 10, minDelay: 10 }; // a client connects again at once

const call = (door, method, path, { jwt = token("http"), body } = {}) =>
  fetch(door.url + path, { method, body, headers: { authorization: `Bearer ${jwt}` } });
const textAt = async (door, room) => (await call(door, "GET", `/yjs/${encodeURIComponent(room)}?format=text&name=note`)).text();

// several returns a socket of a version for several documents, and a function that opens one. All end with the test.
function several(t, door, client, options) {
  const socket = connection(clients[client], door, { ...soon, ...options });
  const opened = [];
  t.after(() => {
    for (const p of opened) p.close();
    disconnect(socket);
  });
  const open = (room, more) => {
    opened.push(peer(door, room, { client, socket, ...more }));
    return opened.at(-1);
  };
  return { socket, open };
}

// save makes an edit and waits until the client knows that it is stored.
async function save(p, text) {
  p.insert(0, text);
  await until(() => p.saved, () => `${text} saved; ${p.statuses} ${JSON.stringify(p.events)}`);
}

for (const [name, host] of Object.entries(doors)) {
  describe(`on ${name}`, { timeout: 1_200_000 }, () => {
    const door = host({ LIMIT_YJS_DOCUMENT_BYTES: String(documentBytes), LIMIT_YJS_MESSAGES_PER_SECOND: "20" });
    before(() => door.start());
    after(() => door.close());

    for (const client of versions) {
      test(`H3 ${client}: a denial of one document leaves the others and the socket alone`, async (t) => {
        const { socket, open } = several(t, door, client);
        const jwt = async () => token("bob", { rooms: ["bobs-*"] });
        const mine = open(`bobs-${client}`, { jwt });
        await mine.synced();
        for (const [room, bearer, why] of [
          ["alices", jwt, /rooms do not include/],
          ["a", token("a", {}, "another secret"), /signature/],
          ["b", () => token("a", { exp: 1000 }), /expired/],
          ["c", token("a", { scope: "sync:read" }), /scope lacks yjs:read/],
          ["d", "nonsense", /invalid token/],
          ["r".repeat(600), token("a"), /1 to 512 bytes/],
        ]) {
          const denied = open(room, { jwt: bearer });
          assert.match((await denied.closed())[2], why);
          assert.equal(denied.provider.isAuthenticated, false);
          denied.insert(0, "lost");
          await save(mine, "mine ");
          assert.deepEqual(denied.events.length, 1);
          denied.close();
        }
        assert.equal((await call(door, "GET", "/yjs/alices")).status, 404);
        assert.equal(mine.provider.authorizedScope, "read-write");
        assert.deepEqual(mine.events, []);
        assert.equal(socket.identifier, 1, "connections");
      });

      test(`H3 ${client}: a client whose only document is denied does not connect again`, async (t) => {
        const { socket, open } = several(t, door, client);
        const denied = open("only", { jwt: token("a", { scope: "sync:read" }) });
        await denied.closed();
        const later = open(`later ${client}`);
        await later.synced();
        await save(later, "on the same socket");
        assert.equal(denied.events.length, 1);
        assert.equal(socket.identifier, 1, "connections");
      });

      test(`H4 ${client}: a reader has no unsynced changes until it edits, and then for ever`, async (t) => {
        const room = `read ${client}`;
        const writer = await join(door, room);
        writer.insert(0, "read ");
        await until(async () => (await textAt(door, room)) === "read ", "stored");
        const reader = await join(door, room, { client, jwt: token("r", { scope: "yjs:read" }) });
        t.after(() => (reader.close(), writer.close()));
        await until(() => reader.saved, () => `saved: ${reader.statuses}`);
        assert.equal(reader.provider.authorizedScope, "readonly");
        let refused = 0;
        reader.onDenied(() => refused++);
        reader.insert(0, "forbidden ");
        await until(() => refused === 1, "refused");
        assert.equal(reader.provider.unsyncedChanges, 1);
        reader.provider.sendStateless("from a reader");
        writer.insert(0, "more to ");
        await until(() => reader.toString().includes("more to "), () => reader.toString());
        assert.equal(writer.toString(), "more to read ");
        assert.deepEqual([reader.events, reader.stateless], [[], []]);
      });

      test(`H6 ${client}: a deletion closes one document, and a client leaves one, without the socket`, async (t) => {
        const { socket, open } = several(t, door, client);
        const rooms = ["deleted", "left", "kept"].map((what) => `${what} ${client}`);
        const [deleted, left, kept] = rooms.map((room) => open(room));
        for (const p of [deleted, left, kept]) await save(p, "text");
        const watcher = await join(door, rooms[1]);
        t.after(() => watcher.close());
        left.awareness.setLocalState({ user: "left" });
        await until(() => watcher.present().join() === "left", () => "present");
        left.close();
        await until(() => watcher.present().join() === "", () => "gone");
        assert.equal((await call(door, "DELETE", `/yjs/${encodeURIComponent(rooms[0])}`)).status, 204);
        const [, code, reason] = await deleted.closed();
        assert.match(reason, /deleted/);
        assert.equal(code, client === "hocuspocus 4" ? 1000 : undefined);
        deleted.insert(0, "goes to nobody ");
        await save(kept, "more ");
        assert.equal((await call(door, "GET", `/yjs/${encodeURIComponent(rooms[0])}`)).status, 404);
        const again = open(rooms[1]);
        await again.synced();
        assert.equal(again.toString(), "text");
        assert.deepEqual([kept.events, deleted.events.length, socket.identifier], [[], 1, 1]);
      });

      test(`Y9 Y11 ${client}: what is over a limit stays unsynced, and a message too long closes its document alone`, async (t) => {
        const { socket, open } = several(t, door, client);
        const [full, kept] = [open(`full ${client}`), open(`beside ${client}`)];
        await full.synced();
        await save(full, "small");
        let refused = 0;
        full.onDenied(() => refused++);
        full.insert(0, "x".repeat(documentBytes));
        await until(() => refused === 1, "refused");
        assert.equal(full.provider.unsyncedChanges, 1);
        assert.equal(await textAt(door, `full ${client}`), "small");
        full.awareness.setLocalState({ user: "u" });
        full.doc.getMap("map").set("long", new Uint8Array(17 << 20));
        assert.match((await full.closed())[2], /bytes/);
        await save(kept, "kept");
        assert.deepEqual([kept.events, socket.identifier], [[], 1]);
      });
    }

    test("Y14 a client that closes its socket is gone at once, and one whose connection broke after a grace", async () => {
      const graceMillis = 3000; // yroom.DefaultConfig
      await Promise.all(versions.map(async (client) => {
        for (let round = 0; ; round++) {
          assert.ok(round < 20, `${client}: too slow`);
          const room = `leave ${round} ${client}`;
          const [watcher, broken, leaver] = [await join(door, room), await join(door, room, { client }), await join(door, room, { client })];
          broken.awareness.setLocalState({ user: "broken" });
          leaver.awareness.setLocalState({ user: "leaver" });
          await until(() => watcher.present().join() === "broken,leaver", () => watcher.present().join());
          const cut = Date.now();
          broken.die();
          await leaver.disconnect(); // without a word about its presence
          await until(() => !watcher.present().includes("leaver"), () => watcher.present().join());
          const inTime = Date.now() - cut < graceMillis;
          const left = watcher.present().join();
          await until(() => watcher.present().join() === "", () => watcher.present().join(), 25_000);
          watcher.close(), leaver.close();
          if (!inTime) continue; // nobody can tell
          assert.equal(left, "broken", client);
          return;
        }
      }));
    });

    test("a flood loses nothing: its client connects again, and then has saved all", async (t) => {
      const edits = 2000; // of 100 seconds: every machine, however slow, is faster
      const all = await Promise.all(versions.map((client) => join(door, `flood ${client}`, { client })));
      t.after(() => all.forEach((p) => p.close()));
      for (const p of all) for (let i = 0; i < edits; i++) p.insert(i, "x");
      for (const [n, p] of all.entries()) {
        const [, code, reason] = await p.happened();
        assert.equal(code, 4205);
        assert.match(reason, /too many messages/);
        await until(async () => p.saved && (await textAt(door, `flood ${versions[n]}`)).length === edits, () => `saved: ${JSON.stringify(p.events)}`);
      }
    });

    test("H5 a stateless message reaches every version, its sender too, and no client of y-websocket", async (t) => {
      const all = await Promise.all(versions.map((client) => join(door, "stateless", { client })));
      const reader = await join(door, "stateless", { client: "hocuspocus 4", jwt: token("r", { scope: "yjs:read" }) });
      const other = await joinAsMember(door, "stateless");
      t.after(() => ([...all, reader].forEach((p) => p.close()), other.die()));
      const heard = other.heard.length;
      reader.provider.sendStateless("ignored");
      for (const [n, p] of all.entries()) {
        p.provider.sendStateless(`from ${versions[n]}`);
        const want = versions.slice(0, n + 1).map((client) => `from ${client}`);
        for (const q of [...all, reader]) await until(() => q.stateless.length > n, () => `${q.stateless}`);
        for (const q of [...all, reader]) assert.deepEqual(q.stateless, want);
      }
      await other.sync();
      assert.equal(other.kinds(heard).replaceAll("awareness,", ""), "step1,step2");
      assert.equal((await call(door, "GET", "/yjs/stateless")).status, 404); // nothing was stored
      all[2].provider.sendStateless("x".repeat((64 << 10) + 1));
      assert.match((await all[2].closed())[2], /64 KiB/);
    });

    test("H1 version 4 has one document twice on a socket, with sessions", async (t) => {
      const { socket, open } = several(t, door, "hocuspocus 4");
      const [a, b] = [open("twice", { sessionAwareness: true }), open("twice", { sessionAwareness: true })];
      for (const [p, user] of [[a, "anna"], [b, "bert"]]) {
        await p.synced();
        p.awareness.setLocalState({ user });
      }
      for (const p of [a, b]) await until(() => p.present().join() === "anna,bert", () => p.present().join());
      await save(a, "from a");
      await until(() => b.toString() === "from a", () => b.toString());
      a.close();
      await until(() => b.present().join() === "bert", () => b.present().join());
      await save(b, "b goes on: ");
      assert.equal(await textAt(door, "twice"), "b goes on: from a");
      assert.deepEqual([b.events, socket.identifier], [[], 1]);
    });

    test("H7 when a token ends, every version asks for the next one and goes on", async (t) => {
      await Promise.all(versions.map(async (client) => {
        const { socket, open } = several(t, door, client, { delay: 1000, minDelay: 1000 });
        let asked = 0, exp;
        const first = () => token("ann", { exp: (exp = Math.floor(Date.now() / 1000) + 12) });
        const ends = open(`ends ${client}`, { jwt: async () => (asked++ === 0 ? first() : token("ann")) });
        const beside = open(`beside the end ${client}`);
        const watcher = await join(door, `ends ${client}`);
        t.after(() => watcher.close());
        for (const p of [ends, beside]) await save(p, "before");
        ends.awareness.setLocalState({ user: "ann" });
        await until(() => watcher.present().join() === "ann", "present");
        const [kind, code, reason] = await ends.happened();
        assert.deepEqual([kind, code, reason], ["close", 4205, "the token has ended"]);
        assert.ok(Date.now() > exp * 1000 - 100, "closed too early");
        ends.insert(0, "meanwhile, ");
        for (const p of [ends, beside]) await until(() => p.saved && p.provider.synced, () => "joined again");
        await save(beside, "after, ");
        await until(() => watcher.toString() === "meanwhile, before", () => watcher.toString());
        assert.deepEqual([asked, socket.identifier], [2, 2]);
        assert.deepEqual([ends, beside].map((p) => p.events.length), [1, 1]);
      }));
    });

    test("H7 a revocation ends a document: a client with a newer token joins again, one without is denied", async (t) => {
      const iat = Math.floor(Date.now() / 1000) - 10;
      const renewed = { iat: iat + 20 };
      const all = versions.map((client) => {
        let asked = 0;
        const claims = () => ({ iat, ...(asked++ > 0 && renewed) });
        const [goes, stays] = [several(t, door, client), several(t, door, client)];
        return { goes: goes.open("revoked", { jwt: token("ann", { iat }) }), stays: stays.open("revoked", { jwt: () => token("ann", claims()) }), socket: goes.socket };
      });
      for (const { goes, stays } of all) await goes.synced(), await stays.synced();
      const operator = token("operator", { scope: "sync:admin" });
      assert.equal((await call(door, "POST", "/auth/revoke", { jwt: operator, body: JSON.stringify({ sub: "ann" }) })).status, 200);
      for (const { goes, stays, socket } of all) {
        assert.match((await goes.closed())[2], /revoked/);
        assert.deepEqual(goes.events.map(([kind, code]) => [kind, code]), [["close", 4205], ["closed", undefined]]);
        await stays.happened();
        await save(stays, "stays ");
        assert.equal(socket.identifier, 2, "connections");
      }
    });

    test("S8 S13 a pause of a space closes every socket until it ends, and a deletion of the space its documents", async (t) => {
      const owner = token("owner", { spaces: ["", "*"], scope: "yjs:read yjs:write sync:admin spaces:admin" });
      const all = versions.map((client) => several(t, door, client, { at: "/s/team" }).open(client, { jwt: owner }));
      for (const p of all) await save(p, "before");
      await until(async () => (await (await call(door, "GET", "/s/team/info", { jwt: owner })).json()).documents === versions.length, "listed");
      while ((await (await call(door, "POST", "/s/team/pause", { jwt: owner })).json()).more);
      for (const p of all) {
        assert.deepEqual((await p.happened()).slice(0, 2), ["close", 4205]);
        p.insert(0, "meanwhile, ");
      }
      await until(() => all.every((p) => p.events.length > 1), "tried again"); // in vain
      for (const p of all) assert.equal(p.saved, false);
      assert.equal((await call(door, "POST", "/s/team/resume", { jwt: owner })).status, 204);
      for (const [n, p] of all.entries()) {
        await until(() => p.saved && p.provider.synced, () => `saved: ${JSON.stringify(p.events)}`);
        const stored = await call(door, "GET", `/s/team/yjs/${encodeURIComponent(versions[n])}?format=text&name=note`, { jwt: owner });
        assert.equal(await stored.text(), "meanwhile, before");
        assert.equal(p.events.some(([kind]) => kind === "closed"), false);
      }
      assert.equal((await call(door, "DELETE", "/s/team", { jwt: owner })).status, 204);
      for (const p of all) assert.match((await p.closed())[2], /deleted/);
      const strange = several(t, door, "hocuspocus 4", { at: "/s/team" }).open("x", { jwt: token("stranger") });
      assert.match((await strange.closed())[2], /spaces/);
    });

    test("H4 Y3 kill -9 loses no edit whose client had no unsynced changes, and none of those that it made afterwards", async (t) => {
      for (let round = 0; round < 2; round++) {
        const known = new Map(); // room -> how much of its text was stored
        const all = await Promise.all(versions.flatMap((client) => ["goes", "stays"].map(async (what) => {
          const p = await join(door, `${what} ${round} ${client}`, { client });
          return { room: `${what} ${round} ${client}`, p };
        })));
        t.after(() => all.forEach(({ p }) => p.close()));
        let going = true;
        for (const { room, p } of all) {
          await save(p, "x");
          const type = () => going && p.insert(0, "typed ");
          p.provider.on("unsyncedChanges", () => {
            if (!going || p.provider.unsyncedChanges !== 0) return;
            known.set(room, p.text.length);
            setImmediate(type);
          });
          type();
        }
        await until(() => all.every(({ p }) => p.text.length > 300), "typed");
        going = false;
        await door.stop("SIGKILL");
        for (const { room, p } of all) if (room.startsWith("goes")) p.close();
        for (const { room, p } of all) if (room.startsWith("stays")) p.insert(0, "offline ");
        await door.start();
        for (const { room, p } of all) {
          if (room.startsWith("goes")) {
            assert.ok((await textAt(door, room)).length >= known.get(room), room);
          } else {
            await until(() => p.saved && p.provider.synced, () => `${room} saved: ${JSON.stringify(p.events)}`);
            assert.equal(await textAt(door, room), p.toString(), room);
            p.close();
          }
        }
      }
    });
  });
}
