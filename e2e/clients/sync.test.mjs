// Two real WatermelonDB clients on each host. A writes. B gets a notification from
// SyncRoom, pulls, and ends equal to A. The host stops and starts in between.
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

for (const [name, open] of Object.entries(doors)) {
  describe(`on ${name}`, { timeout: 1_200_000 }, () => {
    const door = open();
    before(() => door.start());
    after(() => door.close());

    test("B gets a notification of each change of A, and ends equal, over a restart of the host", async () => {
      const a = new Client(door.url, token("a"));
      const b = new Client(door.url, token("b"), { batch: true });
      await a.sync();
      await b.sync();
      let room = await subscribe(door.url, token("b"));
      assert.equal(room.hello.table, "*");

      const anna = await a.create("customers", { contact_name: "Anna", company_name: "Ångström", notes: "first\n\"quoted\" 😀" });
      const bert = await a.create("customers", { contact_name: "Bert" });
      const lamp = await a.create("products", { title: "Lamp", price: 19.9, discounts: 0.5, image: null });
      await a.sync();
      assert.ok((await room.heard("customers")).stamp > room.hello.stamp);
      await room.heard("products");
      await b.sync();
      assert.deepEqual(await b.everything(), await a.everything());
      assert.equal((await b.rows("customers")).length, 2);

      await a.update("customers", anna.id, { notes: "second" });
      await a.remove("customers", bert.id);
      await a.sync();
      await room.heard("customers");
      await b.sync();
      assert.deepEqual(await b.everything(), await a.everything());
      room.close();

      await door.stop();
      await a.update("products", lamp.id, { price: 25 });
      await assert.rejects(a.sync());
      await door.start();

      room = await subscribe(door.url, token("b"));
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

      const late = new Client(door.url, token("c"));
      await late.sync();
      assert.deepEqual(await late.everything(), await a.everything());
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
  });
}
