// Two real WatermelonDB clients on each host. A writes. B gets a notification from
// SyncRoom, pulls, and ends equal to A. The host stops and starts in between. All of this
// in the root and in a space.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { WebSocket } from "ws";
import { doors, token } from "../doors.mjs";
import { Client } from "./watermelon.mjs";

// subscribe connects to SyncRoom; heard(table) waits for its next change.
async function subscribe(url, jwt) {
  const ws = new WebSocket(`${url.replace("http", "ws")}/sync/subscribe`, { headers: { authorization: `Bearer ${jwt}` } });
  const messages = [];
  let wake = () => {};
  ws.on("message", (data) => (messages.push(JSON.parse(data)), wake()));
  const next = async (matches) => {
    for (;;) {
      const i = messages.findIndex(matches);
      if (i >= 0) return messages.splice(i, 1)[0];
      await new Promise((resolve) => (wake = resolve));
    }
  };
  const hello = await Promise.race([
    next((m) => m.type === "hello"),
    new Promise((_, reject) => ws.once("error", reject).once("close", (code) => reject(new Error(`closed with ${code}`)))),
  ]);
  return { hello, heard: (table) => next((m) => m.type === "change" && m.table === table), close: () => ws.terminate() };
}

// A Pair is A and B, in the root or in a space.
class Pair {
  constructor(door, space) {
    this.url = door.url + (space && `/s/${space}`);
    this.of = (sub) => token(sub, space && { spaces: [space] });
    this.a = new Client(this.url, this.of("a"));
    this.b = new Client(this.url, this.of("b"), { batch: true });
  }

  async beforeTheRestart() {
    const { url, of, a, b } = this;
    await a.sync();
    await b.sync();
    const room = await subscribe(url, of("b"));
    assert.equal(room.hello.table, "*");

    this.anna = await a.create("customers", { contact_name: "Anna", company_name: "Ångström", notes: "first\n\"quoted\" 😀" });
    const bert = await a.create("customers", { contact_name: "Bert" });
    this.lamp = await a.create("products", { title: "Lamp", price: 19.9, discounts: 0.5, image: null });
    await a.sync();
    assert.ok((await room.heard("customers")).stamp > room.hello.stamp);
    await room.heard("products");
    await b.sync();
    assert.deepEqual(await b.everything(), await a.everything());
    assert.equal((await b.rows("customers")).length, 2);

    await a.update("customers", this.anna.id, { notes: "second" });
    await a.remove("customers", bert.id);
    await a.sync();
    await room.heard("customers");
    await b.sync();
    assert.deepEqual(await b.everything(), await a.everything());
    room.close();
  }

  async whileTheHostIsStopped() {
    await this.a.update("products", this.lamp.id, { price: 25 });
    await assert.rejects(this.a.sync());
  }

  async afterTheRestart() {
    const { url, of, a, b, anna, lamp } = this;
    const room = await subscribe(url, of("b"));
    await a.sync();
    await room.heard("products");
    await b.sync();
    await b.update("customers", anna.id, { company_name: "from B" });
    await b.remove("products", lamp.id);
    await b.sync();
    await a.sync();
    assert.deepEqual(await a.everything(), await b.everything());
    assert.deepEqual((await a.rows("customers")).map((r) => [r.notes, r.company_name]), [["second", "from B"]]);
    assert.deepEqual(await a.rows("products"), []);
    room.close();

    const late = new Client(url, of("c"));
    await late.sync();
    assert.deepEqual(await late.everything(), await a.everything());
  }
}

for (const [name, open] of Object.entries(doors)) {
  describe(`on ${name}`, { timeout: 1_200_000 }, () => {
    const door = open();
    before(() => door.start());
    after(() => door.close());

    test("B gets a notification of each change of A, and ends equal, over a restart of the host", async () => {
      const pairs = ["", "acme"].map((space) => new Pair(door, space));
      for (const pair of pairs) await pair.beforeTheRestart();
      await door.stop();
      for (const pair of pairs) await pair.whileTheHostIsStopped();
      await door.start();
      for (const pair of pairs) await pair.afterTheRestart();
    });

    test("requests without a valid token get 401, and subscriptions 4401", async () => {
      const bad = [undefined, "x", token("a", {}, "another secret"), token("a", { exp: 1000 })];
      for (const jwt of bad) {
        const headers = jwt ? { authorization: `Bearer ${jwt}` } : {};
        for (const path of ["/trpc/sync.pull", "/sync/pull", "/sync/subscribe", "/yjs/a", "/nowhere"]) {
          assert.equal((await fetch(door.url + path, { headers })).status, 401, `${path} with ${jwt}`);
        }
        await assert.rejects(subscribe(door.url, jwt), /closed with 4401/);
      }
      assert.equal((await fetch(`${door.url}/healthz`)).status, 200);
    });

    test("F3 the server is ready", async () => {
      const response = await fetch(`${door.url}/readyz`);
      assert.deepEqual([response.status, await response.json()], [200, { status: "ready" }]);
      assert.equal((await fetch(`${door.url}/readyz`, { method: "HEAD" })).status, 200);
    });
  });
}
