// The kit's documents in SQLite, in the forms of op-sqlite and expo-sqlite over node:sqlite.
import { sqliteDocuments } from "../../web/client/dist/react-native.js";
import { conformance } from "../../web/client/test/documents.mjs";
import { forms, memory } from "./phone-sqlite.mjs";

function disk(form) {
  const rowsOf = memory();
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
    return rowsOf(sql, parameters);
  }
  return disk;
}

for (const [name, form] of Object.entries(forms)) conformance(name, () => disk(form));
