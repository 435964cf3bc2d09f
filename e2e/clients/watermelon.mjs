// A real WatermelonDB client in Node: LokiJS adapter, memory only, and the
// sync that an app would write with @trpc/client.
import { createRequire } from "node:module";
import { createTRPCClient, httpBatchLink, httpLink } from "@trpc/client";

const require = createRequire(import.meta.url);
const { Database, Model, appSchema, tableSchema } = require("@nozbe/watermelondb");
const LokiJSAdapter = require("@nozbe/watermelondb/adapters/lokijs").default;
const { synchronize } = require("@nozbe/watermelondb/sync");
const logger = require("@nozbe/watermelondb/utils/common/logger").default;
const { LokiMemoryAdapter } = require("lokijs");

logger.silence();

const times = { created_at: "number", updated_at: "number" };
const columns = (types) =>
  Object.entries({ ...types, ...times }).map(([name, type]) => ({ name, type, isOptional: !(name in times) }));

export const schema = appSchema({
  version: 1,
  tables: [
    tableSchema({
      name: "customers",
      columns: columns({ contact_name: "string", company_name: "string", notes: "string" }),
    }),
    tableSchema({
      name: "products",
      columns: columns({ title: "string", description: "string", price: "number", discounts: "number", image: "string" }),
    }),
  ],
});

class Customer extends Model {
  static table = "customers";
}
class Product extends Model {
  static table = "products";
}

let made = 0;

// A Client is one device: its database and its way to the server at url.
export class Client {
  constructor(url, token, { clock = Date.now, batch = false } = {}) {
    Object.assign(this, { url, token, clock });
    const adapter = new LokiJSAdapter({
      schema,
      useWebWorker: false,
      useIncrementalIndexedDB: true,
      dbName: `client-${++made}`,
      extraLokiOptions: { autosave: false, adapter: new LokiMemoryAdapter() },
    });
    this.database = new Database({ adapter, modelClasses: [Customer, Product] });
    const link = batch ? httpBatchLink : httpLink;
    this.trpc = createTRPCClient({ links: [link({ url: `${url}/trpc`, headers: { authorization: `Bearer ${token}` } })] });
  }

  sync() {
    return synchronize({
      database: this.database,
      sendCreatedAsUpdated: true,
      pullChanges: ({ lastPulledAt, schemaVersion, migration }) =>
        this.trpc.sync.pull.query({ lastPulledAt, schemaVersion, migration }),
      pushChanges: async ({ changes, lastPulledAt }) => {
        this.pushed = await this.trpc.sync.push.mutate({ changes, lastPulledAt });
      },
    });
  }

  create(table, fields) {
    return this.database.write(() =>
      this.database.get(table).create((record) => {
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

  // rows answers a table as it is, by id, without what is only local.
  async rows(table) {
    const records = await this.database.get(table).query().fetch();
    return records
      .map(({ _raw: { _status, _changed, ...row } }) => row)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async everything() {
    return { customers: await this.rows("customers"), products: await this.rows("products") };
  }
}
