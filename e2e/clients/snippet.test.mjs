// The snippet of docs/guide-watermelondb.md, as it stands there, with a first sync of 100,000 rows.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { createTRPCClient, httpBatchLink } from "@trpc/client";
import { doors, root, token } from "../doors.mjs";
import { Client } from "./watermelon.mjs";

const { synchronize } = createRequire(import.meta.url)("@nozbe/watermelondb/sync");

const [, code] = /## Pull and push[^]*?```js\n([^]*?)```/.exec(readFileSync(path.join(root, "docs/guide-watermelondb.md"), "utf8"));
const AsyncFunction = (async () => {}).constructor;
const names = ["createTRPCClient", "httpBatchLink", "synchronize", "database", "url", "token", "console"];
const snippet = new AsyncFunction(...names, code);

const rows = 100_000;
const atOnce = 10_000;

for (const [name, open] of Object.entries(doors)) {
  describe(`on ${name}`, { timeout: 1_200_000 }, () => {
    const door = open();
    before(() => door.start());
    after(() => door.close());

    test("the guide's snippet pulls 100,000 rows, and pushes what a slow clock wrote", async () => {
      const writer = new Client(door.url, token("writer"));
      for (let from = 0; from < rows; from += atOnce) {
        const updated = Array.from({ length: atOnce }, (_, i) => ({ id: `r${from + i}`, contact_name: `row ${from + i}`, created_at: 1, updated_at: 1 }));
        await writer.trpc.sync.push.mutate({ changes: { customers: { created: [], updated, deleted: [] } }, lastPulledAt: 1 });
      }
      const warned = [];
      const device = new Client(door.url, token("reader"));
      const sync = () =>
        snippet(createTRPCClient, httpBatchLink, synchronize, device.database, door.url, device.token, { warn: (line) => warned.push(line) });
      await sync();
      assert.equal(await device.database.get("customers").query().fetchCount(), rows);

      // Its clock is an hour slow, and it had pulled what it edits: that is no conflict.
      device.clock = () => Date.now() - 3_600_000;
      await device.update("customers", "r7", { contact_name: "edited" });
      await sync();
      const { changes, timestamp } = await writer.trpc.sync.pull.query({ lastPulledAt: null, limit: 8 });
      assert.ok(timestamp > 0 && changes.customers.updated.length === 8);
      assert.deepEqual(warned, []);
      assert.equal((await device.database.get("customers").find("r7"))._raw.contact_name, "edited");
      const other = new Client(door.url, token("other"));
      await other.sync();
      assert.equal((await other.database.get("customers").find("r7"))._raw.contact_name, "edited");
    });
  });
}
