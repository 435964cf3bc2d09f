// Faults at a bad time: a receiver that hangs for longer than a request may take, a start without a receiver, and a space
// that is deleted while an event of it is on its way.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { wazero } from "../doors.mjs";
import { until } from "../until.mjs";
import { Client } from "./client.mjs";
import { Receiver, variables } from "./receiver.mjs";

const patience = 60_000;

describe("on wazero", { timeout: 600_000 }, () => {
  let receiver, door, client;
  before(async () => {
    receiver = await new Receiver().open();
    door = wazero({ ...variables(receiver), LIMIT_CALL_MS: "6000" });
    await door.start();
    client = new Client(door);
  });
  after(async () => {
    await door.close();
    await receiver.close();
  });

  test("W3 a receiver that hangs for longer than LIMIT_CALL_MS is a failure, and gets the event again", async () => {
    receiver.respond = () => undefined;
    const stamp = await client.push("a");
    let status;
    const failed = async () => (status = (await client.webhooks()).objects[0]).failures > 0 || sleep(100, false);
    await until(failed, () => JSON.stringify(status), patience);
    receiver.respond = () => 204;
    await until(() => receiver.of("records.changed").some(({ data }) => data.stamp === stamp), () => door.log, patience);
    assert.doesNotMatch(door.log, /alarm was given up|took too long/);
  });

  test("W3 what waited while there was no receiver is sent when there is one again", async () => {
    receiver.respond = () => 500;
    const stamp = await client.push("b");
    await until(() => receiver.attempts.some(({ data }) => data.stamp === stamp), () => door.log, patience);
    const { port } = receiver;
    await receiver.close();
    await door.stop();
    door.variables = { LIMIT_CALL_MS: "6000" };
    await door.start();
    await sleep(6000); // the alarm goes off
    await door.stop();
    await receiver.open(port);
    receiver.respond = () => 204;
    door.variables = { ...variables(receiver), LIMIT_CALL_MS: "6000" };
    await door.start();
    await client.webhooks();
    await until(() => receiver.of("records.changed").some(({ data }) => data.stamp === stamp), () => door.log, patience);
  });

  test("W3 a document that is deleted with its space while an event is on its way stores nothing again", async () => {
    let answer;
    const asked = new Promise((resolve) => {
      receiver.respond = ({ type }) => {
        if (type !== "document.changed") return 204;
        resolve();
        return new Promise((respond) => (answer = () => respond(204)));
      };
    });
    await client.edit("note", { space: "acme" });
    await asked;
    const files = () => {
      const dir = path.join(door.dir, "do", "SpaceYjsRoom");
      return existsSync(dir) ? readdirSync(dir) : [];
    };
    assert.notEqual(files().length, 0);
    await client.deleteSpace("acme");
    assert.deepEqual(files(), []);
    receiver.respond = () => 204;
    answer();
    await until(() => receiver.of("space.deleted").length > 0, () => door.log, patience);
    await until(() => receiver.of("document.changed").length > 0, () => door.log, patience);
    await client.edit("other"); // another alarm and its event come after what the first one did
    await until(() => receiver.of("document.changed").length > 1, () => door.log, patience);
    assert.deepEqual(files(), []);
  });
});
