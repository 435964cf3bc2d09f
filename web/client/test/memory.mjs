// A WatermelonDB database in memory, and a source whose answers a test gives.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { Database, Model, appSchema, tableSchema } = require("@nozbe/watermelondb");
const LokiJSAdapter = require("@nozbe/watermelondb/adapters/lokijs").default;
const { LokiMemoryAdapter } = require("lokijs");
require("@nozbe/watermelondb/utils/common/logger").default.silence();

const tables = {
  notes: { title: "string", body: "string", created_at: "number", updated_at: "number" },
  tasks: { name: "string", server_version: "number" },
};

const modelOf = (name) => class extends Model { static table = name; };

let opened = 0;

/** Opens a new database. Its columns are those of the kit's tests, unless others are given: types by table and column. */
export function open(declared = tables) {
  const columns = (types) => Object.entries(types).map(([name, type]) => ({ name, type }));
  const adapter = new LokiJSAdapter({
    schema: appSchema({ version: 1, tables: Object.entries(declared).map(([name, types]) => tableSchema({ name, columns: columns(types) })) }),
    useWebWorker: false,
    useIncrementalIndexedDB: true,
    dbName: `test-${++opened}`,
    extraLokiOptions: { autosave: false, adapter: new LokiMemoryAdapter() },
  });
  return openOn(adapter, declared);
}

const openOn = (adapter, declared) => new Database({ adapter, modelClasses: Object.keys(declared).map(modelOf) });

/** Opens what another database of the kit's tests has stored, as the app's next start does. */
export const restart = ({ adapter }) => openOn(adapter.underlyingAdapter, tables);

export const write = (database, table, fields) =>
  database.write(() =>
    database.get(table).create((record) => {
      for (const [name, value] of Object.entries(fields)) record._setRaw(name, value);
    }),
  );

export const rows = async (database, table) => (await database.get(table).query().fetch()).map(({ _raw }) => ({ ..._raw }));

export const none = () => ({ created: [], updated: [], deleted: [] });

// settle lets everything that waits for nothing but promises go on.
export async function settle() {
  for (let i = 0; i < 200; i++) await Promise.resolve();
}
