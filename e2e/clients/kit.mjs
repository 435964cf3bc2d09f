// Databases of the client kit's own WatermelonDB, in Node: with LokiJS in memory, or with SQLite in a file.
import { createRequire } from "node:module";
import { root } from "../doors.mjs";
import { sqliteOf } from "./sqlite.mjs";

const require = createRequire(`${root}/web/client/dist/index.js`);
const { Database, Model, appSchema, tableSchema } = require("@nozbe/watermelondb");
const LokiJSAdapter = require("@nozbe/watermelondb/adapters/lokijs").default;
const { SQLiteAdapter } = sqliteOf(require);
const { LokiMemoryAdapter } = require("lokijs");
require("@nozbe/watermelondb/utils/common/logger").default.silence();

let opened = 0;
export const loki = (schema) => new LokiJSAdapter({
  schema, useWebWorker: false, useIncrementalIndexedDB: true, dbName: `kit-${++opened}`,
  extraLokiOptions: { autosave: false, adapter: new LokiMemoryAdapter() },
});

/** Returns the adapter of a file, which one database after another may open, as an app that starts again. */
export const sqliteIn = (file) => (schema) => new SQLiteAdapter({ schema, dbName: file });

const columnsOf = (types) => Object.entries(types).map(([name, type]) => ({ name, type: type.replace("?", ""), isOptional: type.endsWith("?") }));

/** Opens a database with the tables, { customers: { contact_name: "string?", updated_at: "number" } }. */
export function open(tables, adapter = loki) {
  const schema = appSchema({ version: 1, tables: Object.entries(tables).map(([name, types]) => tableSchema({ name, columns: columnsOf(types) })) });
  return new Database({ adapter: adapter(schema), modelClasses: Object.keys(tables).map((name) => class extends Model { static table = name; }) });
}

const times = { created_at: "number", updated_at: "number" };

/** The server's tables. */
export const served = {
  customers: { contact_name: "string?", company_name: "string?", notes: "string?", ...times },
  products: { title: "string?", description: "string?", price: "number?", discounts: "number?", image: "string?", ...times },
};

/** Returns the rows of all tables as the server has them, by id. */
export async function everything(database) {
  const lists = Object.values(database.collections.map).map(async (collection) => {
    const rows = (await collection.query().fetch()).map(({ _raw: { _status, _changed, ...row } }) => row);
    return [collection.table, rows.sort((a, b) => (a.id < b.id ? -1 : 1))];
  });
  return Object.fromEntries(await Promise.all(lists));
}
