// The field notes of several people, with real WatermelonDB databases and the client kit, against
// the self-hosted server, in its root and in a space. `make build/field-notes` compiles the app.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { root, token, wazero } from "../../e2e/doors.mjs";

const require = createRequire(path.join(root, "build/field-notes/main.js"));
const { FieldNotes, subjectOf } = require("./app.js");
const { inMemory } = require("./memory.js");
const { migrations, schema } = require("./schema.js");
const { safeSyncDatabase, storageName } = require("tidemark-client");
const { appSchema, tableSchema } = require("@nozbe/watermelondb");
const { schemaMigrations } = require("@nozbe/watermelondb/Schema/migrations");

const folder = "examples/field-notes";
const file = `${folder}/tables.toml`;

// An app of version 1 does not know the weather.
const older = appSchema({
  version: 1,
  tables: Object.values(schema.tables).map(({ name, columnArray }) =>
    tableSchema({ name, columns: columnArray.filter((column) => column.name !== "weather") })),
});

const door = wazero();
const { command } = door;
door.command = (door) => [...command(door), "--tables", file];
let devices = 0;

// A Device is one person's app. Its token can change. notices are the rows that the server did not take.
class Device {
  constructor(space, sub, claims, adapter) {
    Object.assign(this, { space, notices: [] });
    this.signIn(sub, claims);
    const server = { url: door.url, space, token: () => this.token };
    this.adapter = adapter ?? inMemory(storageName(server, sub, String(++devices)));
    this.notes = new FieldNotes(server, subjectOf(this.token), this.adapter, (rejections) => this.notices.push(...rejections.map(({ mine, ...rejection }) => rejection)));
  }

  signIn(sub, claims) {
    this.token = token(sub, { ...claims, ...(this.space ? { spaces: [this.space] } : {}) });
  }

  // sync fails the test if the server did not take what it should have taken.
  async sync() {
    const { phase, unsynced, error } = await safeSyncDatabase(this.notes.database, this.notes.source);
    assert.deepEqual({ phase, unsynced, error }, { phase: "idle", unsynced: 0, error: null });
    return this;
  }

  names = async () => (await this.notes.places()).map(({ name }) => name).sort();
}

const open = (space, sub, claims) => new Device(space, sub, claims).sync();
const columns = (rows, ...names) => rows.map(({ _raw }) => names.map((name) => _raw[name]));

test("the TypeScript is up to date, and the declaration has no mistake", () => {
  const args = ["tables", "check", "--file", file, "--types", folder];
  const [tool, ...first] = process.env.TIDEMARK_SERVER ? [process.env.TIDEMARK_SERVER] : ["go", "run", "./wasm/cmd/tidemark"];
  execFileSync(tool, [...first, ...args], { cwd: root, stdio: "pipe" });
});

describe("field notes", { timeout: 600_000 }, () => {
  before(() => door.start());
  after(async () => {
    await door.close();
    setTimeout(() => process.exit(1), 5_000).unref(); // a sync that failed would try again for ever
  });

  test("the terminal shows rows, and tells what the server did not take", () => {
    const input = "place Ferry\nvisit 1 9 too good\nvisit 1 4 herons\nsync\nvisits\nvisit 2 3\nspecies Robin\nsync\nspecies\nquit\n";
    const output = execFileSync("node", ["build/field-notes/main.js", door.url, token("term")], { cwd: root, input, encoding: "utf8" });
    assert.deepEqual(output.split("\n").map((line) => line.replace(/^(> )+/, "")).filter(Boolean), [
      "Field notes of term. Type help, or a command.",
      "! visits, rating: it is greater than 5",
      "  idle, 0 rows to send",
      "  Ferry: 4 of 5, herons",
      "no place has the number 2: see places",
      "! species, latin: it does not match the pattern [A-Z][a-z]+ [a-z-]+",
      "  idle, 0 rows to send",
      "  none",
    ]);
  });

  for (const space of ["", "club"]) {
    describe(space ? `in the space ${space}` : "in the root", () => {
      test("a visit is on its author's devices, and on nobody else's", async () => {
        const alice = await open(space, "alice");
        const place = await alice.notes.addPlace({ name: "Ferry" });
        const visit = await alice.notes.addVisit({ place_id: place.id, rating: 4, note: "herons", weather: "sun" });
        await alice.sync();
        const [her, bob] = [await open(space, "alice"), await open(space, "bob")];
        assert.deepEqual(columns(await her.notes.visits(), "id", "rating", "note", "weather"), [[visit.id, 4, "herons", "sun"]]);
        assert.deepEqual(await her.names(), ["Ferry"]);
        assert.deepEqual([await bob.notes.visits(), await bob.names()], [[], []]);
      });

      test("the server rejects a rating of 9, tells the author, and takes the other rows", async () => {
        const carol = await open(space, "carol");
        const place = await carol.notes.addPlace({ name: "Moor" });
        const { id } = await carol.notes.addVisit({ place_id: place.id, rating: 9 });
        await carol.notes.addVisit({ place_id: place.id, rating: 2 });
        await carol.sync();
        assert.deepEqual(carol.notices, [{ table: "visits", id, column: "rating", reason: "it is greater than 5" }]);
        assert.deepEqual(columns(await carol.notes.visits(), "rating"), [[2]]);
        assert.deepEqual(columns(await (await open(space, "carol")).notes.visits(), "rating"), [[2]]);
      });

      test("a team shares a place, and whoever leaves the team no longer has it", async () => {
        const red = { teams: ["red"] };
        const [dora, eric, fay] = await Promise.all([open(space, "dora", red), open(space, "eric", { teams: ["blue", "red"] }), open(space, "fay")]);
        await dora.notes.addPlace({ name: "Quay", team_id: "red" });
        await dora.notes.addPlace({ name: "Garden" });
        await dora.sync();
        await Promise.all([eric.sync(), fay.sync()]);
        assert.deepEqual([await eric.names(), await fay.names()], [["Quay"], []]);

        await eric.notes.rename((await eric.notes.places())[0], "Old quay");
        await eric.sync();
        await dora.sync();
        assert.deepEqual(await dora.names(), ["Garden", "Old quay"]);

        await eric.notes.addPlace({ name: "Hut" }); // unsynchronized when the token changes
        eric.signIn("eric", { teams: ["blue"] });
        await eric.sync();
        assert.deepEqual(await eric.names(), ["Hut"]);
      });

      test("an editor writes the catalogue, and everybody else only reads it", async () => {
        const editor = await open(space, "gwen", { scope: "sync:read sync:write catalogue" });
        const hugo = await open(space, "hugo", { scope: "sync:read sync:write" });
        await editor.notes.addSpecies({ name: "Robin", latin: "Erithacus rubecula" });
        const wrong = await editor.notes.addSpecies({ name: "Wren", latin: "troglodytes" });
        const { id } = await hugo.notes.addSpecies({ name: "Dragon", latin: "Draco volans" });
        await editor.sync();
        await hugo.sync();
        assert.deepEqual(editor.notices.map((notice) => [notice.id, notice.column]), [[wrong.id, "latin"]]);
        assert.deepEqual(hugo.notices.map((notice) => [notice.id, notice.column]), [[id, undefined]]);
        for (const device of [editor, hugo]) assert.deepEqual(columns(await device.notes.species(), "name"), [["Robin"]]);
      });

      test("an app of version 1 goes on, and gets the weather when it is updated", async () => {
        const old = await new Device(space, "ida", {}, inMemory(`ida of ${space}`, { schema: older, migrations: schemaMigrations({ migrations: [] }) })).sync();
        const visit = await old.notes.database.write(() => old.notes.database.get("visits").create((record) => {
          Object.assign(record, { ownerId: "ida", placeId: "p", rating: 3 });
        }));
        await old.sync();
        const current = await open(space, "ida");
        assert.deepEqual(columns(await current.notes.visits(), "id", "rating", "weather"), [[visit.id, 3, "unknown"]]);

        await new Promise((saved) => old.adapter._driver.loki.saveDatabase(saved));
        const updated = new Device(space, "ida", {}, await old.adapter.testClone({ schema, migrations }));
        assert.deepEqual(columns(await updated.notes.visits(), "id", "weather"), [[visit.id, ""]]); // WatermelonDB's own
        await updated.sync();
        assert.deepEqual(columns(await updated.notes.visits(), "id", "weather"), [[visit.id, "unknown"]]);
      });
    });
  }
});
