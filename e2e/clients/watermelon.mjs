// A real WatermelonDB client in Node, in memory, with the LokiJS adapter or another. It
// syncs as an app would, with @trpc/client.
import { createRequire } from "node:module";
import { createTRPCClient, httpBatchLink, httpLink } from "@trpc/client";

const require = createRequire(import.meta.url);
const { Database, Model, appSchema, tableSchema } = require("@nozbe/watermelondb");
const LokiJSAdapter = require("@nozbe/watermelondb/adapters/lokijs").default;
const { synchronize } = require("@nozbe/watermelondb/sync");
const logger = require("@nozbe/watermelondb/utils/common/logger").default;
const { LokiMemoryAdapter } = require("lokijs");

logger.silence();

// The errors that WatermelonDB logs and does not throw.
export const complaints = [];
logger.error = (...messages) => complaints.push(messages.join(" "));

const times = { created_at: "number", updated_at: "number" };
const columns = (types) =>
  Object.entries({ ...types, ...times }).map(([name, type]) => ({ name, type: type.replace("!", ""), isOptional: !(name in times || type.endsWith("!")) }));

// The server's tables: the columns by table name. A column is optional, unless ! follows its type.
export const served = {
  customers: { contact_name: "string", company_name: "string", notes: "string" },
  products: { title: "string", description: "string", price: "number", discounts: "number", image: "string" },
};

export const schemaOf = (tables) =>
  appSchema({ version: 1, tables: Object.entries(tables).map(([name, types]) => tableSchema({ name, columns: columns(types) })) });

export const schema = schemaOf(served);

const modelOf = (name) =>
  class extends Model {
    static table = name;
  };

let made = 0;

export const loki = (schema) =>
  new LokiJSAdapter({
    schema,
    useWebWorker: false,
    useIncrementalIndexedDB: true,
    dbName: `client-${++made}`,
    extraLokiOptions: { autosave: false, adapter: new LokiMemoryAdapter() },
  });

// A Client is one device: its database, with the server's tables or others, and its
// connection to the server at url. With a limit it pulls in pages of so many rows.
export class Client {
  constructor(url, token, { clock = Date.now, batch = false, link = batch ? httpBatchLink : httpLink, limit, adapter = loki, tables = served, fetch } = {}) {
    Object.assign(this, { url, token, clock, limit, tables: Object.keys(tables) });
    this.database = new Database({ adapter: adapter(schemaOf(tables)), modelClasses: Object.keys(tables).map(modelOf) });
    const headers = () => ({ authorization: `Bearer ${this.token}` });
    this.trpc = createTRPCClient({ links: [link({ url: `${url}/trpc`, headers, fetch })] });
  }

  // sync sets pulled to the number of pulled rows, and pushed to the result of the push,
  // undefined without a push. Hooks are more arguments of synchronize().
  sync(hooks) {
    this.pulled = this.pushed = undefined;
    return synchronize({
      database: this.database,
      sendCreatedAsUpdated: true,
      pullChanges: async ({ lastPulledAt, schemaVersion, migration }) => {
        const answer = await this.pull({ lastPulledAt, schemaVersion, migration });
        this.pulled = Object.values(answer.changes).reduce((n, { updated, deleted }) => n + updated.length + deleted.length, 0);
        return answer;
      },
      pushChanges: async ({ changes, lastPulledAt }) => {
        this.pushed = await this.trpc.sync.push.mutate({ changes, lastPulledAt });
      },
      ...hooks,
    });
  }

  async pull(input) {
    const { limit } = this;
    let { cursor, ...answer } = await this.trpc.sync.pull.query({ ...input, limit });
    while (cursor) {
      const page = await this.trpc.sync.pull.query({ ...input, limit, cursor });
      for (const [table, { updated, deleted }] of Object.entries(page.changes)) {
        answer.changes[table].updated.push(...updated);
        answer.changes[table].deleted.push(...deleted);
      }
      cursor = page.cursor;
    }
    return answer;
  }

  // create creates a row. Without an id WatermelonDB chooses one.
  create(table, { id, ...fields }) {
    return this.database.write(() =>
      this.database.get(table).create((record) => {
        if (id) record._raw.id = id;
        this.set(record, { created_at: this.clock(), updated_at: this.clock(), ...fields });
      }),
    );
  }

  update(table, id, fields) {
    return this.database.write(async () => {
      const record = await this.database.get(table).find(id);
      await record.update(() => this.set(record, { updated_at: this.clock(), ...fields }));
    });
  }

  remove(table, id) {
    return this.database.write(async () => (await this.database.get(table).find(id)).markAsDeleted());
  }

  set(record, fields) {
    for (const [name, value] of Object.entries(fields)) record._setRaw(name, value);
  }

  // rows returns the rows of a table by id, without WatermelonDB's local columns.
  async rows(table) {
    const records = await this.database.get(table).query().fetch();
    return records
      .map(({ _raw: { _status, _changed, ...row } }) => row)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async everything() {
    return Object.fromEntries(await Promise.all(this.tables.map(async (table) => [table, await this.rows(table)])));
  }
}
