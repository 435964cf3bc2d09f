// Other servers of Yjs rooms lose data, show wrong presence or flood their clients. This
// one must not. A comment names the server that fails the test. Most members are bare
// sockets: a client that renews its state could hide that the room lost it.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import * as Y from "yjs";
import { doors, token, wazero } from "../doors.mjs";
import { until } from "../until.mjs";
import { join } from "./member.mjs";
import { eachDialect, join as joinAs } from "./providers.mjs";
import { start, written } from "./workerd.mjs";

const http = (host, path, options) =>
  fetch(host.url + path, { ...options, headers: { authorization: `Bearer ${token("http")}` } });

// stored returns the document of a room, read over HTTP.
async function stored(host, room) {
  const response = await http(host, `/yjs/${room}`);
  assert.equal(response.status, 200);
  const doc = new Y.Doc();
  Y.applyUpdate(doc, new Uint8Array(await response.arrayBuffer()));
  return doc;
}

// copied waits until the room is compacted and copied to the database after the last copy.
// It returns the time of the copy.
async function copied(host, room, before = 0) {
  let at;
  await until(async () => {
    const { rooms } = await (await http(host, `/yjs/?prefix=${room}`)).json();
    at = rooms[0]?.updated_at;
    return at > before;
  }, () => `${room} copied`);
  return at;
}

const noise = (bytes, seed = 1) => {
  let x = seed;
  return Uint8Array.from({ length: bytes }, () => (x = (x * 48271) % 2147483647) & 255);
};

// gone returns the clients whose removal a member was told.
const gone = (member, n) => member.heard.slice(n).flatMap((f) => f.entries ?? []).filter((e) => e.state === null).map((e) => e.client);

for (const [name, open] of Object.entries(doors)) {
  describe(`on ${name}`, { timeout: 1_200_000 }, () => {
    const door = open();
    before(() => door.start());
    after(() => door.close());

    // y-durableobjects sends the response to each step 1 to everybody.
    for (const client of eachDialect) {
      test(`a join of ${client} sends the other members only the newcomer's presence, once it has one`, async (t) => {
        const room = `join of ${client}`;
        const members = [await join(door, room), await join(door, room), await join(door, room)];
        await members[0].edit((doc) => doc.getText("note").insert(0, "here already"));
        members[0].announce({ user: "anna" });
        for (const m of members) await m.next("awareness");
        for (const m of members) m.n = m.heard.length;

        const newcomer = await joinAs(door, room, { client });
        t.after(() => newcomer.close());
        assert.equal(newcomer.toString(), "here already");
        // It responds to the room's step 1 before it edits.
        newcomer.insert(0, "newcomer, ");
        for (const m of members) {
          await m.next("update", m.n);
          assert.equal(m.kinds(m.n), "update");
        }
        newcomer.awareness.setLocalState({ user: "newcomer" });
        for (const m of members) {
          const { entries } = await m.next("awareness", m.n);
          assert.deepEqual(entries, [{ client: newcomer.doc.clientID, state: { user: "newcomer" } }]);
          await m.sync();
          assert.equal(m.kinds(m.n), "update,awareness,step1,step2");
        }
        for (const m of members) m.die();
      });
    }

    // y-durableobjects removes the presence of everybody.
    test("Y14 a socket that closes or breaks takes its own presence away, and no other", async () => {
      const [anna, bert, carl, dora] = await Promise.all([1, 2, 3, 4].map(() => join(door, "leave")));
      for (const [m, user] of [[anna, "anna"], [bert, "bert"], [carl, "carl"], [dora, "dora"]]) m.announce({ user });
      for (const m of [anna, dora]) await until(() => m.users() === "anna,bert,carl,dora", () => m.users());
      bert.ws.close();
      for (const m of [anna, dora]) await until(() => m.users() === "anna,carl,dora", () => m.users());
      carl.die();
      for (const m of [anna, dora]) await until(() => m.users() === "anna,dora", () => m.users());
      for (const m of [anna, dora]) {
        await m.sync();
        assert.deepEqual(gone(m), [bert.doc.clientID, carl.doc.clientID]);
      }
      // Clients renew their state, too: a newcomer removes a client after 30 silent seconds.
      for (const [m, user] of [[anna, "anna"], [dora, "dora"]]) {
        m.announce({ user });
        await m.sync();
      }
      const late = await join(door, "leave");
      assert.equal(late.users(), "anna,dora");
      for (const m of [anna, dora, late]) m.die();
    });

    // y-partyserver, y-sweet and Hocuspocus save by a timer, 2 to 10 seconds later.
    test("Y3 Y4 an edit that came back to its writer, or whose POST got 204, survives kill -9 at that moment", async () => {
      for (let round = 1; round <= 2; round++) {
        const update = new Y.Doc();
        update.getText("note").insert(0, `posted ${round}`);
        const writer = await join(door, `echo-${round}`);
        for (let i = 0; i < 5; i++) await writer.edit((doc) => doc.getText("note").insert(0, `${i} `));
        const { status } = await http(door, `/yjs/post-${round}`, { method: "POST", body: Y.encodeStateAsUpdate(update) });
        assert.equal(status, 204);
        await writer.edit((doc) => doc.getText("note").insert(0, "last "));
        await door.stop("SIGKILL");
        await door.start();
        assert.equal((await stored(door, `echo-${round}`)).getText("note").toString(), "last 4 3 2 1 0 ");
        assert.equal((await stored(door, `post-${round}`)).getText("note").toString(), `posted ${round}`);
      }
    });

    // y-durableobjects keeps a document in one value of the storage, of 128 KB
    // in an object's key-value storage and 2 MB in its SQLite.
    test("a document of 6 MB, compacted in parts, is read whole after a restart", async () => {
      const writer = await join(door, "parts");
      const blobs = () => writer.doc.getMap("blobs");
      await writer.edit(() => blobs().set("great", noise(3_000_000)));
      const first = await copied(door, "parts");
      for (let i = 0; i < 25; i++) await writer.edit(() => blobs().set(`${i}`, noise(130_000, i + 2)));
      await copied(door, "parts", first);
      await writer.edit((doc) => doc.getText("note").insert(0, "in the log"));
      await door.stop();
      await door.start();
      const reader = await join(door, "parts");
      const want = Y.encodeStateAsUpdate(writer.doc);
      assert.ok(want.length > 6_000_000, `${want.length} bytes`);
      for (const doc of [reader.doc, await stored(door, "parts")]) {
        assert.equal(Buffer.compare(Y.encodeStateAsUpdate(doc), want), 0);
      }
      reader.die();
    });

    // y-sweet crashes on large updates.
    test("an update of 10 MB is stored, and the room goes on", async () => {
      const [writer, other] = [await join(door, "great"), await join(door, "great")];
      await writer.edit((doc) => doc.getMap("blobs").set("great", noise(10_000_000)));
      await other.edit((doc) => doc.getText("note").insert(0, "small"));
      await until(() => writer.doc.getText("note").toString() === "small", () => "small");
      const late = await join(door, "great");
      for (const m of [writer, other, late]) {
        assert.equal(m.doc.getMap("blobs").get("great").length, 10_000_000);
        assert.equal(m.closed, null);
        m.die();
      }
    });
  });
}

// The hosts with other variables, and the id of the serving process.
const hosts = {
  workerd: start,
  wazero: async (variables) => {
    const door = await wazero(variables).start();
    return { url: door.url, pid: door.process.pid, close: () => door.close() };
  },
};

for (const [name, open] of Object.entries(hosts)) {
  describe(`on ${name}`, { timeout: 1_200_000 }, () => {
    const limit = 1_500_000;
    let host;
    before(async () => (host = await open({ LIMIT_YJS_DOCUMENT_BYTES: String(limit) })));
    after(() => host.close());

    // Hocuspocus stores the whole document each time.
    test("100 keystrokes into a document of 1 MB write less than a tenth of 100 documents", { skip: !existsSync("/proc/self/io") }, async () => {
      const writer = await join(host, "keystrokes");
      await writer.edit((doc) => doc.getMap("blobs").set("blob", noise(1_000_000)));
      await copied(host, "keystrokes");
      const before = written(host.pid);
      for (let i = 0; i < 100; i++) await writer.edit((doc) => doc.getText("note").insert(i, "k"));
      const bytes = written(host.pid) - before;
      assert.ok(bytes < 10_000_000, `${bytes} bytes`);
      writer.die();
    });

    // Hocuspocus has no limit.
    test("Y6 Y9 a full document rejects writes with a reason, can be read and emptied, and closes no socket", async () => {
      const [writer, other] = [await join(host, "full"), await join(host, "full")];
      // One edit, so that either the log or the snapshot has all of it.
      await writer.edit((doc) => {
        for (let i = 0; i < 14; i++) doc.getMap("blobs").set(`${i}`, noise(100_000));
      });
      const kept = Y.encodeStateAsUpdate(writer.doc);
      const more = new Y.Doc();
      more.getMap("blobs").set("more", noise(200_000));
      const body = Y.encodeStateAsUpdate(more);
      writer.send([0, 2], body);
      assert.match((await writer.next("denied")).body, new RegExp(`full.*${limit} bytes`));
      const posted = await http(host, "/yjs/full", { method: "POST", body });
      assert.equal(posted.status, 413);
      assert.match(await posted.text(), new RegExp(`full.*${limit} bytes`));

      const late = await join(host, "full");
      assert.equal(Buffer.compare(Y.encodeStateAsUpdate(late.doc), kept), 0);
      writer.announce({ user: "writer" });
      await until(() => late.users() === "writer", () => late.users());
      await other.edit((doc) => doc.getMap("blobs").delete("0"));
      await late.sync();
      assert.equal(late.doc.getMap("blobs").size, 13);
      for (const m of [writer, other, late]) {
        assert.equal(m.closed, null);
        assert.equal(m.doc.getMap("blobs").has("more"), false);
        m.die();
      }
    });
  });
}

// Every machine, however slow, exceeds this rate.
for (const [name, open] of Object.entries(hosts)) {
  test(`a flood closes its socket with a reason, and nobody else's, on ${name}`, { timeout: 1_200_000 }, async (t) => {
    const host = await open({ LIMIT_YJS_MESSAGES_PER_SECOND: "1" });
    t.after(() => host.close());
    const [good, bad] = [await join(host, "flood"), await join(host, "flood")];
    for (let i = 0; i < 1000; i++) bad.ws.send(new Uint8Array([3]));
    await until(() => bad.closed, () => "closed");
    assert.equal(bad.closed.code, 4529);
    assert.match(bad.closed.reason, /\w+ \w+/);
    await good.sync();
    assert.equal(good.closed, null);
    good.die();
  });
}

describe("asleep on workerd", { timeout: 1_200_000 }, () => {
  let host;
  before(async () => (host = await start()));
  after(() => host.close());

  // y-partyserver keeps presence in memory, which the object loses.
  test("after a hibernation a newcomer gets the presence of all, and a closed socket takes its own away", async () => {
    const room = "presence";
    const [anna, bert] = [await join(host, room), await join(host, room)];
    anna.announce({ user: "anna" });
    bert.announce({ user: "bert", more: "x".repeat(4000) });
    for (const m of [anna, bert]) await until(() => m.users() === "anna,bert", () => m.users());
    const n = anna.heard.length;
    await host.hibernate(room);
    const late = await join(host, room);
    assert.equal(late.users(), "anna,bert");
    assert.equal(late.heard[0].kind, "awareness");
    await host.hibernate(room);
    bert.ws.close();
    for (const m of [anna, late]) await until(() => m.users() === "anna", () => m.users());
    await host.hibernate(room);
    const later = await join(host, room);
    assert.equal(later.users(), "anna");
    await host.hibernate(room);
    anna.die();
    for (const m of [late, later]) await until(() => m.users() === "", () => m.users());
    assert.deepEqual(gone(anna, n), [bert.doc.clientID]);
    for (const m of [late, later]) m.die();
  });
});
