// A WatermelonDB database in memory, and a source whose answers a test gives.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { Database, Model, appSchema, tableSchema } = require("@nozbe/watermelondb");
const LokiJSAdapter = require("@nozbe/watermelondb/adapters/lokijs").default;
const { LokiMemoryAdapter } = require("lokijs");
require("@nozbe/watermelondb/utils/common/logger").default.silence();

class Note extends Model {
  static table = "notes";
}
class Task extends Model {
  static table = "tasks";
}

const number = (name) => ({ name, type: "number" });
const string = (name) => ({ name, type: "string" });

let opened = 0;

export function open() {
  const schema = appSchema({
    version: 1,
    tables: [
      tableSchema({ name: "notes", columns: [string("title"), string("body"), number("created_at"), number("updated_at")] }),
      tableSchema({ name: "tasks", columns: [string("name"), number("server_version")] }),
    ],
  });
  const adapter = new LokiJSAdapter({
    schema,
    useWebWorker: false,
    useIncrementalIndexedDB: true,
    dbName: `test-${++opened}`,
    extraLokiOptions: { autosave: false, adapter: new LokiMemoryAdapter() },
  });
  return openOn(adapter);
}

const openOn = (adapter) => new Database({ adapter, modelClasses: [Note, Task] });

/** Opens what another database has stored, as the app's next start does. */
export const restart = ({ adapter }) => openOn(adapter.underlyingAdapter);

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
