// What a receiver hears of rows, documents, projects and spaces, on both hosts.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { doors, token } from "../doors.mjs";
import { until } from "../until.mjs";
import { Client } from "./client.mjs";
import { Receiver, variables } from "./receiver.mjs";

const patience = 60_000;

for (const [name, open] of Object.entries(doors)) {
  describe(`on ${name}`, { timeout: 600_000 }, () => {
    let receiver, door, client;
    before(async () => {
      receiver = await new Receiver().open();
      door = open(variables(receiver));
      await door.start();
      client = new Client(door);
    });
    after(async () => {
      await door.close();
      await receiver.close();
    });

    // told waits for an event of a type with these data.
    const told = async (type, data) => {
      const found = () => receiver.of(type).find((event) => JSON.stringify(event.data) === JSON.stringify(data));
      await until(found, () => `${type} ${JSON.stringify(data)} among ${JSON.stringify(receiver.events)} ${receiver.faults} ${door.log}`, patience);
      return found();
    };

    for (const space of ["", "acme"]) {
      test(`W1 W2 the receiver hears of changes ${space ? "in a space" : "in the root"}`, async () => {
        const of = space || null;
        const stamp = await client.push("a", { space });
        if (space) await told("space.created", { space });
        await told("records.changed", { space: of, tables: ["customers"], stamp });
        await told("records.changed", { space: of, tables: ["products"], stamp: await client.push("b", { space, table: "products" }) });
        const project = await client.project({ space });
        await told("project.changed", { space: of, project, timestamp: 1 });
        const event = await told("document.changed", { space: of, room: "note", etag: await client.edit("note", { space }) });
        assert.match(event.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        await client.deleteDocument("note", { space });
        await told("document.deleted", { space: of, room: "note" });
        if (space) {
          await client.deleteSpace(space);
          await told("space.deleted", { space });
        }
        assert.deepEqual(receiver.faults, []);
      });
    }

    test("W3 W5 a failed event is sent again with its id, in order, and the operator sees why", async () => {
      receiver.respond = () => 302;
      const stamps = [await client.push("c")];
      await until(() => receiver.attempts.some(({ data }) => data.stamp === stamps[0]), "it is sent", patience);
      stamps.push(await client.push("d"), await client.push("e", { table: "products" }));
      let status;
      await until(async () => (status = (await client.webhooks()).objects[0]).failures > 0, "it failed", patience);
      assert.deepEqual([status.space, status.room, status.last_error.message], [null, null, "status 302"]);
      assert.equal(status.waiting, 3, "the event, and a row for each table");
      receiver.respond = () => 204;
      await client.retry();
      const last = await told("records.changed", { space: null, tables: ["customers", "products"], stamp: stamps[2] });
      const sent = receiver.attempts.filter(({ data }) => data.stamp === stamps[0]);
      assert.deepEqual([...new Set(sent.map(({ id }) => id))].length, 1, "the same id");
      assert.ok(receiver.events.indexOf(last) > receiver.events.findIndex(({ id }) => id === sent[0].id));
      await until(async () => {
        const { waiting, last_success_at: at, failures } = (await client.webhooks()).objects[0];
        return waiting === 0 && failures === 0 && at >= status.last_error.at;
      }, "nothing waits", patience);
    });

    test("W3 W5 spaces and documents that fail are listed first, and a retry reaches them", async () => {
      await client.edit("healthy");
      await told("document.changed", { space: null, room: "healthy", etag: '"1"' });
      receiver.respond = () => 500;
      await client.push("f", { space: "failing" });
      await client.edit("failing", { space: "failing" });
      await client.edit("failing");
      const of = ({ objects }, space, room) => objects.findIndex((object) => object.space === space && object.room === room);
      const fails = [[null, null], ["failing", null], ["failing", "failing"], [null, "failing"]];
      let list;
      await until(async () => {
        list = await client.webhooks();
        return fails.every(([space, room]) => list.objects[of(list, space, room)]?.failures > 0);
      }, () => JSON.stringify(list), patience);
      for (const [space, room] of fails) {
        const object = list.objects[of(list, space, room)];
        assert.ok(of(list, null, "healthy") > of(list, space, room), JSON.stringify(list));
        assert.deepEqual([object.last_error.message, object.waiting > 0, object.next_attempt_at > object.last_error.at], ["status 500", true, true], JSON.stringify(object));
      }
      const first = (await client.ask("GET", "/webhooks?limit=1")).json();
      const second = (await client.ask("GET", `/webhooks?limit=1&after=${first.next}`)).json();
      assert.equal(new Set([...first.objects, ...second.objects].map(({ space, room }) => `${space}/${room}`)).size, 3, "the root, and one a page");
      receiver.respond = () => 204;
      await client.retry();
      await told("records.changed", { space: "failing", tables: ["customers"], stamp: (await client.ask("GET", "/s/failing/info")).json().stamp });
      await told("document.changed", { space: "failing", room: "failing", etag: '"1"' });
      await told("document.changed", { space: null, room: "failing", etag: '"1"' });
      await told("space.created", { space: "failing" });
    });

    test("W3 after 410 no outbox sends anything, until a retry or the next start", async () => {
      const gone = async (id) => {
        receiver.respond = () => 410;
        const before = receiver.attempts.length;
        const stamp = await client.push(id);
        await until(async () => receiver.attempts.length > before && (await client.webhooks()).objects[0].waiting > 0, "the receiver is gone", patience);
        return { stamp, length: receiver.attempts.length };
      };
      const { length } = await gone("g");
      const stamp = await client.push("h", { space: "later" });
      const waits = ({ space, room, waiting }) => space === "later" && room === null && waiting > 0;
      await until(async () => (await client.webhooks()).objects.some(waits), "the event of the space waits", patience);
      assert.equal(receiver.attempts.length, length);
      receiver.respond = () => 204;
      await client.retry();
      await told("records.changed", { space: "later", tables: ["customers"], stamp });
      await until(async () => (await client.webhooks()).objects[0].waiting === 0, "nothing waits", patience);
      const last = await gone("i");
      receiver.respond = () => 204;
      await door.stop();
      await door.start();
      await told("records.changed", { space: null, tables: ["customers"], stamp: last.stamp });
    });

    test("W5 only an operator asks", async () => {
      for (const [method, path] of [["GET", "/webhooks"], ["POST", "/webhooks/retry"]]) {
        const authorization = `Bearer ${token("ann", { scope: "sync:read sync:write" })}`;
        assert.equal((await fetch(door.url + path, { method, headers: { authorization } })).status, 403);
      }
    });
  });
}
