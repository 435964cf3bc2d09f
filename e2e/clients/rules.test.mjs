// Unmodified WatermelonDB clients of tables with rules and checks: what becomes of rejected rows,
// of rows that change hands, and of a device whose user joins a team or leaves one. In the root and
// in a space.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { token } from "../doors.mjs";
import { declaredDoors, tables } from "./declared.mjs";
import { Client, complaints } from "./watermelon.mjs";

const byRule = "the rules of the table do not let you write this row";

// A Story is the devices of some people, whose names have a mark of their own.
class Story {
  constructor(door, space) {
    Object.assign(this, { url: door.url + (space && `/s/${space}`), spaces: space && { spaces: [space] } });
    this.mark = randomUUID().slice(0, 8);
  }

  own(name) {
    return `${name}.${this.mark}`;
  }

  // token is one of a person with these teams. An editor may write the catalogue.
  token(name, { teams, editor } = {}) {
    const scope = editor && "sync:read sync:write edit";
    const spaces = editor && this.spaces ? { spaces: { [this.spaces.spaces[0]]: scope } } : { ...this.spaces, ...(editor && { scope }) };
    return token(this.own(name), { ...spaces, ...(teams && { teams: teams.map((team) => this.own(team)) }) });
  }

  // device has synced once. Its user has the name.
  async device(name, claims, options) {
    const client = new Client(this.url, this.token(name, claims), { tables, ...options });
    client.sub = this.own(name);
    await client.sync();
    return client;
  }

  // catalogue has two rows, which the devices that begin later have, too.
  async catalogue() {
    const editor = await this.device("editor", { editor: true });
    for (const id of ["c1", "c2"]) await editor.create("catalogue", { id: this.own(id), title: "stored", price: 2 });
    await editor.sync();
    assert.deepEqual(editor.pushed.rejected, {});
    return editor;
  }

  // ids are those of the story that a device has of a table, without the mark.
  async ids(device, table) {
    return (await device.rows(table)).map(({ id }) => id).filter((id) => id.endsWith(this.mark)).map((id) => id.slice(0, -this.mark.length - 1));
  }

  async value(device, table, id, column) {
    return (await device.rows(table)).find((row) => row.id === this.own(id))?.[column];
  }
}

// settled checks that two rounds of sync end with nothing to push, and the next pulls nothing.
async function settled(...devices) {
  for (const device of devices) await device.sync();
  for (const device of devices) {
    await device.sync();
    assert.equal(device.pushed, undefined, `${device.sub} has something to push`);
  }
  for (const device of devices) {
    await device.sync();
    assert.deepEqual([device.pushed, device.pulled], [undefined, 0], `${device.sub} has something to push or pull`);
  }
}

// losesAnswers is a network that loses the answers to pushes while its lost is true.
function losesAnswers() {
  const network = async (url, init) => {
    const answer = await fetch(url, init);
    if (init.method === "POST" && network.lost) {
      await answer.text();
      throw new TypeError("the network failed");
    }
    return answer;
  };
  network.lost = true;
  return network;
}

// asCreated is a server that sends some rows in created.
const asCreated = (device, ids) => ({
  pullChanges: async (input) => {
    const answer = await device.pull(input);
    for (const part of Object.values(answer.changes)) {
      part.created = part.updated.filter(({ id }) => ids.includes(id));
      part.updated = part.updated.filter(({ id }) => !ids.includes(id));
    }
    return answer;
  },
});

// The forms in which a row may come back to a device that deleted it, and what WatermelonDB logs.
const forms = [
  { form: "updated", sendCreatedAsUpdated: true, logs: [] },
  { form: "updated", sendCreatedAsUpdated: false, logs: [/wants client to update record .* doesn't exist locally/] },
  { form: "created", sendCreatedAsUpdated: true, logs: [/'sendCreatedAsUpdated' option is enabled/] },
  { form: "created", sendCreatedAsUpdated: false, logs: [] },
];

function wantLogs(logs) {
  const said = complaints.splice(0);
  assert.equal(said.length, logs.length, said.join("\n"));
  for (const [i, log] of logs.entries()) assert.match(said[i], log);
}

for (const [name, open] of Object.entries(declaredDoors)) {
  describe(`on ${name}`, { timeout: 1_200_000 }, () => {
    const door = open();
    before(() => door.start());
    after(() => door.close());

    for (const space of ["", "acme"]) {
      const where = space ? "in a space" : "in the root";

      test(`K1 K2 K3 a device gets the server's rows back, and has nothing more to push, ${where}`, async () => {
        const story = new Story(door, space);
        const editor = await story.catalogue();
        const ann = await story.device("ann");
        await ann.update("catalogue", story.own("c1"), { title: "mine" });
        await ann.remove("catalogue", story.own("c2"));
        await ann.create("catalogue", { id: story.own("c3"), title: "new", price: 3 });
        await ann.create("visits", { id: story.own("bad"), owner_id: ann.sub, rating: 9, status: "lead" });
        await ann.create("visits", { id: story.own("good"), owner_id: ann.sub, rating: 3, status: "lead", note: "😀😀" });
        await ann.create("visits", { id: story.own("theirs"), owner_id: editor.sub, status: "lead" });
        await ann.sync();
        const { rejected, superseded } = ann.pushed;
        const list = Object.entries(rejected).flatMap(([table, rows]) => rows.map(({ id, column, reason }) => [table, id, column, reason])).sort();
        assert.deepEqual(list, [
          ["catalogue", story.own("c1"), undefined, byRule], ["catalogue", story.own("c2"), undefined, byRule], ["catalogue", story.own("c3"), undefined, byRule],
          ["visits", story.own("bad"), "rating", "it is greater than 5"], ["visits", story.own("theirs"), undefined, byRule],
        ]);
        assert.deepEqual(superseded, {});
        assert.deepEqual(await story.ids(ann, "catalogue"), ["c1", "c3"]);
        assert.deepEqual(await story.ids(ann, "visits"), ["bad", "good", "theirs"]);
        await ann.sync();
        assert.equal(ann.pushed, undefined);
        assert.deepEqual(await story.ids(ann, "catalogue"), ["c1", "c2"]);
        assert.equal(await story.value(ann, "catalogue", "c1", "title"), "stored");
        assert.deepEqual(await story.ids(ann, "visits"), ["good"]);
        await settled(ann, editor);
        assert.deepEqual(await story.ids(editor, "visits"), []);
        wantLogs([]);
      });

      test(`K3 a row comes back to the device that deleted it in any form, and without a complaint in updated with the flag, ${where}`, async () => {
        for (const { form, sendCreatedAsUpdated, logs } of forms) {
          const story = new Story(door, space);
          await story.catalogue();
          const ann = await story.device("ann");
          await ann.remove("catalogue", story.own("c2"));
          const hooks = { sendCreatedAsUpdated, ...(form === "created" && asCreated(ann, [story.own("c2")])) };
          await ann.sync(hooks);
          assert.deepEqual(await story.ids(ann, "catalogue"), ["c1"]);
          await ann.sync(hooks);
          assert.deepEqual(await story.ids(ann, "catalogue"), ["c1", "c2"], `${form}, ${sendCreatedAsUpdated}`);
          wantLogs(logs);
          await settled(ann);
          wantLogs([]);
        }
      });

      test(`K3 K4 a device that lost the answer pushes again, and gets the rows back, ${where}`, async () => {
        const story = new Story(door, space);
        const editor = await story.catalogue();
        const network = losesAnswers();
        const ann = await story.device("ann", {}, { fetch: network });
        const other = await story.device("ann");
        await ann.update("catalogue", story.own("c1"), { title: "mine" });
        await ann.remove("catalogue", story.own("c2"));
        await ann.create("visits", { id: story.own("bad"), owner_id: ann.sub, rating: 9, status: "lead" });
        await ann.create("visits", { id: story.own("good"), owner_id: ann.sub, status: "lead" });
        for (let i = 0; i < 3; i++) await assert.rejects(ann.sync(), /the network failed/);
        network.lost = false;
        await settled(ann, other);
        for (const device of [ann, other]) {
          assert.deepEqual(await story.ids(device, "catalogue"), ["c1", "c2"]);
          assert.equal(await story.value(device, "catalogue", "c1", "title"), "stored");
          assert.deepEqual(await story.ids(device, "visits"), ["good"]);
        }
        await settled(editor);
        wantLogs([]);
      });

      test(`R3 a row that changes hands leaves the devices of one team, and gets to those of another, ${where}`, async () => {
        const story = new Story(door, space);
        const [ann, bob, cid] = [await story.device("ann", { teams: ["red"] }), await story.device("bob", { teams: ["red"] }), await story.device("cid", { teams: ["blue"] })];
        for (const id of ["p", "q"]) await ann.create("places", { id: story.own(id), owner_id: ann.sub, team: story.own("red"), name: "old" });
        for (const device of [ann, bob, cid]) await device.sync();
        assert.deepEqual([await story.ids(bob, "places"), await story.ids(cid, "places")], [["p", "q"], []]);
        await ann.update("places", story.own("p"), { team: story.own("blue") });
        await ann.sync();
        await bob.update("places", story.own("p"), { name: "an edit of what bob has no more" });
        await bob.update("places", story.own("q"), { name: "an edit of bob" });
        await bob.create("places", { id: story.own("r"), owner_id: bob.sub, team: story.own("red"), name: "new" });
        await bob.sync();
        assert.deepEqual(bob.pushed.rejected, {});
        await settled(ann, bob, cid);
        assert.deepEqual([await story.ids(ann, "places"), await story.ids(bob, "places"), await story.ids(cid, "places")], [["p", "q", "r"], ["q", "r"], ["p"]]);
        assert.equal(await story.value(ann, "places", "q", "name"), "an edit of bob");
        assert.equal(await story.value(cid, "places", "p", "name"), "old");
        await cid.remove("places", story.own("p"));
        await settled(cid, ann, bob);
        assert.deepEqual(await story.ids(ann, "places"), ["q", "r"]);
        wantLogs([]);
      });

      test(`R4 whose teams change gets and loses rows, and unpushed work stays, ${where}`, async () => {
        const story = new Story(door, space);
        const [ann, bob] = [await story.device("ann", { teams: ["red", "blue"] }), await story.device("bob", { teams: ["red", "green"] })];
        const place = (id, team, who = ann) => who.create("places", { id: story.own(id), owner_id: who.sub, team: story.own(team), name: "old" });
        for (const [id, team] of [["r1", "red"], ["r2", "red"], ["g1", "green"], ["g2", "green"], ["b1", "blue"]]) await place(id, team);
        await ann.sync();
        await bob.sync();
        assert.deepEqual(await story.ids(bob, "places"), ["g1", "g2", "r1", "r2"]);

        await bob.update("places", story.own("g1"), { name: "an edit" });
        await bob.remove("places", story.own("g2"));
        await bob.update("places", story.own("r1"), { name: "an edit of what bob has no more" });
        await bob.remove("places", story.own("r2"));
        await place("new", "blue", bob);
        await place("mine", "red", bob);
        bob.token = story.token("bob", { teams: ["green", "blue"] });
        await bob.sync();
        assert.deepEqual([bob.pushed.rejected, bob.pushed.superseded], [{}, {}]);
        await settled(bob, ann);
        assert.deepEqual(await story.ids(bob, "places"), ["b1", "g1", "mine", "new"]);
        assert.deepEqual(await story.ids(ann, "places"), ["b1", "g1", "mine", "new", "r1", "r2"]);
        assert.equal(await story.value(ann, "places", "g1", "name"), "an edit");
        assert.equal(await story.value(ann, "places", "r1", "name"), "old");

        bob.token = story.token("bob", {});
        await settled(bob);
        assert.deepEqual(await story.ids(bob, "places"), ["mine", "new"]);
        wantLogs([]);
      });
    }
  });
}
