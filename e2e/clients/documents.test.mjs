// The kit's documents in SQLite, in the forms of op-sqlite and expo-sqlite over node:sqlite.
import { DatabaseSync } from "node:sqlite";
import { sqliteDocuments } from "../../web/client/dist/react-native.js";
import { conformance } from "../../web/client/test/documents.mjs";

const rowsOf = (database, sql, parameters) => database.prepare(sql).all(...parameters).map((row) => ({ ...row }));

const forms = {
  "op-sqlite": (run) => ({
    async execute(sql, parameters = []) {
      const bound = parameters.map((value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value));
      const rows = await run(sql, bound);
      for (const row of rows) for (const [name, value] of Object.entries(row)) if (value instanceof Uint8Array) row[name] = value.slice().buffer;
      return { rows, rowsAffected: 0 };
    },
  }),
  "expo-sqlite": (run) => ({ getAllAsync: (sql, parameters) => run(sql, parameters) }),
};

function disk(form) {
  const database = new DatabaseSync(":memory:");
  let [failAt, killAt, dead] = [0, 0, () => {}];
  const disk = {
    writes: 0,
    killed: new Promise((resolve) => (dead = resolve)),
    storage: () => sqliteDocuments(form(run)),
    fail: (n) => void (failAt = disk.writes + n),
    kill: (n) => void (killAt = disk.writes + n),
    async restart() {
      killAt = 0;
      const storage = disk.storage();
      await storage.unsaved({ owner: "tidemark,server,ada," });
      return storage;
    },
  };
  async function run(sql, parameters) {
    await null;
    if (!/^SELECT/.test(sql)) {
      disk.writes++;
      if (disk.writes === failAt) throw new Error("database or disk is full");
      if (killAt > 0 && disk.writes >= killAt) {
        dead();
        return new Promise(() => {});
      }
    }
    return rowsOf(database, sql, parameters);
  }
  return disk;
}

for (const [name, form] of Object.entries(forms)) conformance(name, () => disk(form));
