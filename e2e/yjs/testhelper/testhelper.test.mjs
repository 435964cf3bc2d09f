// yjs's testHelper on both hosts: five clients make random changes, connect, disconnect
// and hear each other's messages in random order through a room, and in the end it
// compares their types, structs, delete sets and snapshots. YJS_SEEDS is how many runs
// there are of each kind, from YJS_FIRST_SEED on.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { setImmediate as breathe } from "node:timers/promises";
import * as prng from "lib0/prng";
import * as Y from "yjs";
import { applyRandomTests } from "yjs/testHelper";
import { doors, token } from "../../doors.mjs";
import { asker } from "../member.mjs";
import { changes } from "./changes.mjs";
import { through } from "./connector.mjs";
import { Wire } from "./wire.mjs";

const seeds = Number(process.env.YJS_SEEDS ?? 2);
const first = Number(process.env.YJS_FIRST_SEED ?? 1);
const steps = 120;

for (const [name, open] of Object.entries(doors)) {
  describe(`yjs's testHelper on ${name}`, { timeout: 3_600_000 }, () => {
    const door = open();
    const wire = new Wire();
    let room, cutAll;
    before(async () => {
      await door.start();
      cutAll = through(wire, () => `${door.url.replace("http", "ws")}/yjs/${room}?token=${token("someone")}`);
    });
    after(async () => {
      await wire.close();
      await door.close();
    });

    for (const [kind, mods] of Object.entries(changes)) {
      test(`every client of random changes of ${kind} ends equal`, async () => {
        for (let seed = first; seed < first + seeds; seed++) {
          room = `${kind}-${seed}`;
          let users;
          try {
            ({ users } = applyRandomTests({ prng: prng.create(seed) }, mods, steps));
          } catch (e) {
            cutAll();
            throw new Error(`seed ${seed}: ${e.stack}`);
          }
          // At rest the room has what its clients have.
          const stored = new Y.Doc();
          const { bytes } = await asker(door)(200, "GET", room);
          Y.applyUpdate(stored, bytes);
          assert.deepEqual(contents(stored), contents(users[0]), `seed ${seed}`);
          await breathe();
        }
      });
    }
  });
}

const contents = (doc) => ({
  array: doc.getArray("array").toJSON(), map: doc.getMap("map").toJSON(), xml: doc.get("xml", Y.XmlElement).toString(),
  text: JSON.parse(JSON.stringify(doc.getText("text").toDelta())),
});
