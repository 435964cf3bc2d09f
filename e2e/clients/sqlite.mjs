// WatermelonDB's own SQLiteAdapter in Node, over node:sqlite. The adapter needs
// better-sqlite3, which is native code. BetterSqlite has the part that the adapter calls.
import Module, { createRequire } from "node:module";
import { DatabaseSync } from "node:sqlite";

class BetterSqlite {
  constructor(path) {
    this.database = new DatabaseSync(path);
    this.memory = path === ":memory:";
    this.exec("PRAGMA synchronous = OFF"); // no test takes the power away
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

/** Returns the SQLiteAdapter of the WatermelonDB that a require() finds, and the driver that it has in Node. */
export function sqliteOf(require) {
  const load = Module._load;
  Module._load = (name, ...rest) => (name === "better-sqlite3" ? BetterSqlite : load(name, ...rest));
  const { default: SQLiteAdapter } = require("@nozbe/watermelondb/adapters/sqlite");
  const { default: DatabaseDriver } = require("@nozbe/watermelondb/adapters/sqlite/sqlite-node/DatabaseDriver");
  Module._load = load;
  return { SQLiteAdapter, DatabaseDriver };
}

const require = createRequire(import.meta.url);
const { SQLiteAdapter, DatabaseDriver } = sqliteOf(require);
export { DatabaseDriver };
export const { sanitizedRaw } = require("@nozbe/watermelondb/RawRecord");

// sqlite returns an adapter of a database in memory.
export const sqlite = (schema) => new SQLiteAdapter({ schema, dbName: ":memory:" });
