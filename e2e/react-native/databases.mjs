// A phone's databases, in its folder, on node:sqlite: WatermelonDB's native adapter, with JSI and without, and the
// native part of expo-sqlite. WatermelonDB's own driver for Node does what its native code does.
import { randomBytes } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import path from "node:path";
import { DatabaseDriver, sanitizedRaw } from "../clients/sqlite.mjs";

const methods = [
  "initialize", "setUpWithSchema", "setUpWithMigrations", "find", "query", "queryIds", "unsafeQueryRaw", "count", "batchJSON", "getLocal", "unsafeResetDatabase",
];

export class Databases {
  #drivers = new Map(); // WatermelonDB's, by name or tag
  #expo = new Map(); // expo-sqlite's databases and statements, by id

  constructor(dir) {
    this.dir = dir;
  }

  modules = {
    WatermelonJSI: { value: [...methods, "unsafeLoadFromSync"] },
    WMDatabaseBridge: { promise: [...methods, "provideSyncJson"], value: ["getRandomIds"] },
    OpSQLite: { void: ["open"], promise: ["execute"] },
    ExpoSQLite: { void: ["open"] },
  };

  /** Closes the files, as the end of the app does. */
  close() {
    for (const { database } of this.#drivers.values()) if (database.instance.open) database.instance.close();
    this.#op?.close();
    for (const open of this.#expo.values()) if (open instanceof DatabaseSync && open.isOpen) open.close();
  }

  #driver(key, method, args) {
    if (method === "initialize") return this.#initialize(key, ...args);
    const driver = this.#drivers.get(key);
    if (method === "setUpWithSchema") return driver.unsafeResetDatabase({ sql: args[1], version: args[2] }), true;
    if (method === "setUpWithMigrations") return driver.migrate({ sql: args[1], from: args[2], to: args[3] }), true;
    if (method === "unsafeResetDatabase") return driver.unsafeResetDatabase({ sql: args[0], version: args[1] }), true;
    if (method === "query") return driver.cachedQuery(...args);
    if (method === "batchJSON") return driver.batch(JSON.parse(args[0])), true;
    return driver[method](...args);
  }

  #initialize(key, name, version) {
    const driver = new DatabaseDriver();
    this.#drivers.set(key, driver);
    try {
      driver.initialize(path.join(this.dir, `${name}.db`), version);
      return { code: "ok" };
    } catch (error) {
      if (error.type === "SchemaNeededError") return { code: "schema_needed" };
      if (error.type === "MigrationNeededError") return { code: "migrations_needed", databaseVersion: error.databaseVersion };
      throw error;
    }
  }

  // In turbo mode a first pull goes to native code as JSON, which writes the rows.
  #pulls = new Map(); // by id
  turboRows = 0; // how many rows it has written
  #load(name, id, { tables }, before, after) {
    const { database } = this.#drivers.get(name);
    const { changes, ...rest } = JSON.parse(this.#pulls.get(id));
    this.#pulls.delete(id);
    database.inTransaction(() => {
      database.executeStatements(before);
      for (const [table, { created, updated, deleted }] of Object.entries(changes)) {
        if (deleted.length > 0) throw new Error("expected deleted field to be empty");
        for (const row of tables[table] ? [...created, ...updated] : []) {
          const raw = sanitizedRaw({ ...row, _status: "synced", _changed: "" }, tables[table]);
          const columns = Object.keys(raw);
          database.execute(`INSERT INTO "${table}" ("${columns.join('", "')}") VALUES (${columns.map(() => "?")})`, Object.values(raw));
          this.turboRows++;
        }
      }
      database.executeStatements(after);
    });
    return Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, JSON.stringify(value)]));
  }

  WatermelonJSI = {
    ...Object.fromEntries(methods.map((method) => [method, (name, ...args) => this.#driver(name, method, args)])),
    unsafeLoadFromSync: (...args) => this.#load(...args),
  };

  // Without JSI WatermelonDB does not wait for the tables: its native code lets other calls wait for them.
  #ready = new Map(); // { promise, resolve } by tag
  async #later(tag, method, args) {
    if (method === "initialize") {
      this.#ready.set(tag, Promise.withResolvers());
      const state = this.#driver(tag, method, args);
      if (state.code === "ok") this.#ready.get(tag).resolve();
      return state;
    }
    if (!method.startsWith("setUp")) await this.#ready.get(tag).promise;
    const value = this.#driver(tag, method, args);
    this.#ready.get(tag).resolve();
    return value;
  }

  WMDatabaseBridge = {
    ...Object.fromEntries(methods.map((method) => [method, (tag, ...args) => this.#later(tag, method, args)])),
    provideSyncJson: (id, json) => void this.#pulls.set(id, json),
    getRandomIds: () => Array.from({ length: 64 }, () => randomBytes(8).toString("hex")).join(),
  };

  // op-sqlite's, as much as the kit calls.
  #op = null;
  OpSQLite = {
    open: (name) => void (this.#op ??= new DatabaseSync(path.join(this.dir, name))),
    execute: (sql, parameters = []) => ({ rows: this.#op.prepare(sql).all(...parameters) }),
  };

  #statement = (id) => this.#expo.get(id);
  ExpoSQLite = {
    open: (id, file) => void this.#expo.set(id, new DatabaseSync(path.join(this.dir, path.basename(file)))),
    initAsync() {},
    closeAsync: (id) => this.#expo.get(id).close(),
    execAsync: (id, source) => this.#expo.get(id).exec(source),
    isInTransactionAsync: (id) => this.#expo.get(id).isTransaction,
    prepareAsync: (database, id, source) => {
      const statement = this.#expo.get(database).prepare(source);
      statement.setReturnArrays(true);
      this.#expo.set(id, { statement, rows: [] });
    },
    runAsync: (id, _database, values, blobs, positional) => {
      const open = this.#statement(id);
      const bound = { ...values, ...Object.fromEntries(Object.entries(blobs).map(([name, bytes]) => [name, new Uint8Array(bytes)])) };
      const args = positional ? Object.keys(bound).sort((a, b) => a - b).map((i) => bound[i]) : [bound];
      if (open.statement.columns().length > 0) {
        open.rows = open.statement.all(...args);
        return { lastInsertRowId: 0, changes: 0, firstRowValues: open.rows.shift() ?? [] };
      }
      const { lastInsertRowid, changes } = open.statement.run(...args);
      return { lastInsertRowId: Number(lastInsertRowid), changes: Number(changes), firstRowValues: [] };
    },
    stepAsync: (id) => this.#statement(id).rows.shift() ?? null,
    getAllAsync: (id) => this.#statement(id).rows.splice(0),
    resetAsync: (id) => void (this.#statement(id).rows = []),
    getColumnNamesAsync: (id) => this.#statement(id).statement.columns().map(({ name }) => name),
    finalizeAsync: (id) => void this.#expo.delete(id),
  };
}
