// What a receiver hears of rows, documents, projects and spaces, on both hosts.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { doors } from "../doors.mjs";
import { until } from "../until.mjs";
import { Client } from "./client.mjs";
import { Receiver, variables } from "./receiver.mjs";

const patience = 15_000;

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
  });
}
