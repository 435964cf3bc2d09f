// WatermelonDB's own SQLiteAdapter in Node, over node:sqlite. The adapter needs
// better-sqlite3, which is native code. BetterSqlite has the part that the adapter calls.
import Module, { createRequire } from "node:module";
import { DatabaseSync } from "node:sqlite";

class BetterSqlite {
  constructor(path) {
    this.database = new DatabaseSync(path);
    this.memory = path === ":memory:";
  }

  get open() {
    return this.database.isOpen;
  }

  exec(sql) {
    this.database.exec(sql);
  }

  close() {
    this.database.close();
  }

  prepare(sql) {
    const statement = this.database.prepare(sql);
    return {
      run: (args) => statement.run(...args),
      get: (args) => statement.get(...args),
      all: (args) => statement.all(...args),
    };
  }

  // pragma returns the value of a pragma.
  pragma(text) {
    return Object.values(this.database.prepare(`PRAGMA ${text}`).get() ?? {})[0];
  }

  transaction(work) {
    return () => {
      this.exec("BEGIN");
      try {
        work();
        this.exec("COMMIT");
      } catch (error) {
        this.exec("ROLLBACK");
        throw error;
      }
    };
  }
}

const load = Module._load;
Module._load = (name, ...rest) => (name === "better-sqlite3" ? BetterSqlite : load(name, ...rest));
const require = createRequire(import.meta.url);
const SQLiteAdapter = require("@nozbe/watermelondb/adapters/sqlite").default;
export const DatabaseDriver = require("@nozbe/watermelondb/adapters/sqlite/sqlite-node/DatabaseDriver").default;
export const { sanitizedRaw } = require("@nozbe/watermelondb/RawRecord");
Module._load = load;

// sqlite returns an adapter of a database in memory.
export const sqlite = (schema) => new SQLiteAdapter({ schema, dbName: ":memory:" });
