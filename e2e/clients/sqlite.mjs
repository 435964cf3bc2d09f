// WatermelonDB's SQLiteAdapter in Node as it is, over node:sqlite. It wants
// better-sqlite3, which is native code; what it calls of it is BetterSqlite.
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

  prepare(sql) {
    const statement = this.database.prepare(sql);
    return {
      run: (args) => statement.run(...args),
      get: (args) => statement.get(...args),
      all: (args) => statement.all(...args),
    };
  }

  // pragma answers the one value of a pragma that is asked for.
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
const SQLiteAdapter = createRequire(import.meta.url)("@nozbe/watermelondb/adapters/sqlite").default;
Module._load = load;

// sqlite makes the adapter of a database in memory.
export const sqlite = (schema) => new SQLiteAdapter({ schema, dbName: ":memory:" });
