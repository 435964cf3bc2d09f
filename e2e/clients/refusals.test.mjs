// What docs/protocol.md lists a push to be refused for, as real clients meet it: through
// every link the server names the table, the id and the column, a neighbour in the batch
// goes through, and when the row is mended on the device, the app synchronizes again.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { httpBatchLink, httpBatchStreamLink, httpLink } from "@trpc/client";
import { doors, root, token } from "../doors.mjs";
import { Client, served } from "./watermelon.mjs";

const [, list] = /### What a push is refused for\n([^]*?)\n##/.exec(readFileSync(path.join(root, "docs/protocol.md"), "utf8"));
const listed = [...list.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name);

const links = { httpLink, httpBatchLink, httpBatchStreamLink };
const long = "x".repeat(900_000);
const many = 50_001;

// customers is a push of one table, whose author has seen everything.
async function customers({ trpc }, changes) {
  const { timestamp } = await trpc.sync.pull.query({ lastPulledAt: null, limit: 1 });
  return { changes: { customers: { created: [], updated: [], deleted: [], ...changes } }, lastPulledAt: timestamp };
}

const bad = (code, httpStatus, where) => ({ code, httpStatus, ...where });
const destroy = (table, id) => async (device) => {
  await device.database.write(async () => (await device.database.get(table).find(id)).destroyPermanently());
};

// What a device does that the server refuses, what the refusal says, and what mends it.
const onDevices = {
  "unknown table": {
    tables: { ...served, drafts: { text: "string" } },
    spoil: (device, id) => device.create("drafts", { id, text: "a" }),
    refusal: (id) => bad("BAD_REQUEST", 400, { table: "drafts", id }),
    mend: (device, id) => destroy("drafts", id)(device),
  },
  id: {
    spoil: (device, id) => device.create("customers", { id: `${id} é` }),
    refusal: (id) => bad("BAD_REQUEST", 400, { table: "customers", id: `${id} é` }),
    mend: (device, id) => destroy("customers", `${id} é`)(device),
  },
  value: {
    tables: { ...served, products: { ...served.products, price: "string" } },
    spoil: (device, id) => device.create("products", { id, price: "19.90" }),
    refusal: (id) => bad("BAD_REQUEST", 400, { table: "products", id, column: "price" }),
    mend: (device, id) => device.update("products", id, { price: null }),
  },
  "row too large": {
    spoil: (device, id) => device.create("customers", { id, notes: long }),
    refusal: (id) => bad("PAYLOAD_TOO_LARGE", 413, { table: "customers", id }),
    mend: (device, id) => device.update("customers", id, { notes: "short" }),
  },
  "body too large": {
    spoil: async (device, id) => {
      for (let i = 0; i < 20; i++) await device.create("customers", { id: `${id}-${i}`, notes: long.slice(100_000 / 2) });
    },
    refusal: () => bad("PAYLOAD_TOO_LARGE", 413, {}),
    mend: async (device, id) => {
      for (let i = 0; i < 20; i++) await device.update("customers", `${id}-${i}`, { notes: "short" });
    },
  },
  conflict: {
    conflict: "abort",
    spoil: async (device, id, writer) => {
      await device.create("customers", { id, notes: "first" });
      await device.sync();
      await device.update("customers", id, { notes: "mine" });
      const change = async () => writer.trpc.sync.push.mutate(await customers(writer, { updated: [{ id, notes: "theirs", updated_at: Date.now() }] }));
      return { onDidPullChanges: () => void (device.meanwhile = change()) };
    },
    refusal: (id) => bad("CONFLICT", 409, { ids: { customers: [id] } }),
    mend: () => {}, // the next sync pulls, and merges
  },
  "pulled too long ago": {
    spoil: async (device, id) => {
      await device.create("customers", { id });
      const restore = () => fetch(`${device.url}/sync/restore`, { method: "POST", headers: { authorization: `Bearer ${token("operator", { scope: "sync:admin" })}` } });
      return { onDidPullChanges: () => void (device.meanwhile = restore()) };
    },
    refusal: () => bad("CONFLICT", 409, { ids: {} }),
    mend: () => {}, // the next sync pulls a replacement
  },
};

// What WatermelonDB does not send, as another client might: changes, before them what they need, and
// what they are mended to.
const byHand = {
  "id twice": (id) => ({
    changes: { updated: [{ id }, { id }] },
    refusal: bad("BAD_REQUEST", 400, { table: "customers", id }),
    mended: { updated: [{ id }] },
  }),
  shape: () => ({
    changes: { created: [1] },
    refusal: bad("BAD_REQUEST", 400, { table: "customers" }),
    mended: {},
  }),
  "not JSON": (id) => ({
    text: (push) => JSON.stringify(push).replace('"infinite"', "1e999"),
    changes: { updated: [{ id, notes: "infinite" }] },
    refusal: bad("BAD_REQUEST", 400, { table: "customers", id, column: "notes" }),
    mended: { updated: [{ id, notes: "a" }] },
  }),
  "row would become too large": (id) => ({
    before: { updated: [{ id, notes: long.slice(300_000) }] },
    changes: { updated: [{ id, company_name: long.slice(300_000) }] },
    refusal: bad("BAD_REQUEST", 400, { table: "customers", id }),
    mended: { updated: [{ id, company_name: "short" }] },
  }),
  "too many rows": () => ({
    changes: { updated: Array.from({ length: many }, (_, i) => ({ id: `many${i}` })) },
    refusal: bad("PAYLOAD_TOO_LARGE", 413, { table: "customers" }),
    mended: {},
  }),
  "too many ids": () => ({
    changes: { deleted: Array.from({ length: many }, (_, i) => `many${i}`) },
    refusal: bad("PAYLOAD_TOO_LARGE", 413, { table: "customers" }),
    mended: {},
  }),
};

// said is what an error says beside its message and its path.
function said(error) {
  assert.ok(error?.data, `refused by ${error}`);
  const { path: _, ...data } = error.data;
  return data;
}

for (const [name, open] of Object.entries(doors)) {
  describe(`on ${name}`, { timeout: 1_200_000 }, () => {
    const door = open();
    before(() => door.start());
    after(() => door.close());

    test("every entry of the list is walked", () => {
      assert.deepEqual(listed.slice().sort(), [...Object.keys(onDevices), ...Object.keys(byHand)].sort());
    });

    for (const [linkName, link] of Object.entries(links)) {
      const idOf = (entry) => `${linkName}-${entry.replaceAll(" ", "-")}`;

      for (const [entry, { tables, conflict, spoil, refusal, mend }] of Object.entries(onDevices)) {
        test(`${entry}, on a device, by ${linkName}`, async () => {
          const id = idOf(entry);
          const device = new Client(door.url, token("device"), { link, tables });
          const neighbour = { id: `${id}-neighbour`, notes: "good" };
          let beside;
          const pushChanges = async (push) => {
            await device.meanwhile;
            const good = await customers(device, { updated: [neighbour] });
            beside = device.trpc.sync.push.mutate(good).then(() => undefined, (error) => error);
            device.pushed = await device.trpc.sync.push.mutate({ ...push, conflict });
          };
          const hooks = await spoil(device, id, new Client(door.url, token("writer")));
          await device.create("customers", { id: `${id}-good`, notes: "good" });

          const error = await device.sync({ pushChanges, ...hooks }).then(() => undefined, (e) => e);
          assert.deepEqual(said(error), refusal(id));
          // A body is refused before it is read, with all calls that it has.
          const whole = entry === "body too large" && link !== httpLink;
          assert.equal((await beside)?.data.code, whole ? "PAYLOAD_TOO_LARGE" : undefined);

          await mend(device, id);
          await device.sync({ pushChanges });
          assert.equal(await beside, undefined); // stored before the others pull
          const other = new Client(door.url, token("other"));
          for (const client of [device, other]) await client.sync();
          const stored = await other.rows("customers");
          for (const want of [`${id}-good`, neighbour.id]) assert.ok(stored.some((row) => row.id === want), `${want} is stored`);
          assert.deepEqual(stored, await device.rows("customers"));
        });
      }

      for (const [entry, make] of Object.entries(byHand)) {
        test(`${entry}, by ${linkName}`, async () => {
          const { before: first, changes, text = JSON.stringify, refusal, mended } = make(idOf(entry));
          const neighbour = { id: `${idOf(entry)}-neighbour`, notes: "good" };
          // The links write JSON themselves: what is none is put in on the way.
          const spoilt = (url, init) => fetch(url, { ...init, body: init.body && text(JSON.parse(init.body)) });
          const client = new Client(door.url, token("device"), { link, fetch: spoilt });
          const pushOf = (changes) => customers(client, changes);
          const { mutate } = client.trpc.sync.push;
          if (first) await mutate(await pushOf(first));
          const pushes = [await pushOf(changes), await pushOf({ updated: [neighbour] })];
          const [refused, beside] = await Promise.allSettled(pushes.map((push) => mutate(push)));
          assert.deepEqual(said(refused.reason), refusal);
          assert.ok(beside.value, `the neighbour failed: ${beside.reason}`);
          await mutate(await pushOf(mended));
        });
      }
    }

    test("an id that is used again after its row was deleted is told", async () => {
      const [one, two] = [new Client(door.url, token("one")), new Client(door.url, token("two"))];
      await one.create("customers", { id: "again", notes: "first" });
      await one.sync();
      await two.sync();
      await one.remove("customers", "again");
      await one.sync();
      await one.sync(); // until it has heard of its own deletion, a pull would take the new row away
      await one.create("customers", { id: "again", notes: "second" });
      await one.sync();
      assert.deepEqual(one.pushed.superseded, { customers: ["again"] });
      for (const device of [one, two]) {
        await device.sync();
        assert.ok(!(await device.rows("customers")).some(({ id }) => id === "again"));
      }
    });
  });
}
