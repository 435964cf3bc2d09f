// A real WatermelonDB client of one project in Node: LokiJS adapter, memory
// only, and the sync that an app would write with fetch.
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { Database, Model, appSchema, tableSchema } = require("@nozbe/watermelondb");
const LokiJSAdapter = require("@nozbe/watermelondb/adapters/lokijs").default;
const { synchronize } = require("@nozbe/watermelondb/sync");
const logger = require("@nozbe/watermelondb/utils/common/logger").default;
const { LokiMemoryAdapter } = require("lokijs");

logger.silence();

const table = (name, columns) =>
  tableSchema({
    name,
    columns: [
      { name: "server_version", type: "number" },
      ...Object.entries(columns).map(([name, type]) => ({ name, type: type.replace("?", ""), isOptional: type.endsWith("?") })),
    ],
  });

const schema = appSchema({
  version: 1,
  tables: [
    table("projects", { name: "string", description: "string?", start_date: "string?", status: "string", calendar_id: "string?", archived: "boolean" }),
    table("tasks", {
      name: "string", description: "string?", status: "string", percent_complete: "number", planned_start: "string?", duration_days: "number?",
      parent_id: "string?", assignee_id: "string?", is_milestone: "boolean", sort_order: "number", notes: "string?",
    }),
    table("dependencies", { predecessor_id: "string", successor_id: "string", type: "string", lag_days: "number" }),
    table("calendars", { name: "string", working_days: "string", hours_per_day: "number", exceptions: "string" }), // @json columns
    table("memberships", { user_id: "string", role: "string" }),
  ],
});

export const tables = Object.keys(schema.tables);
const modelClasses = tables.map((table) => Object.assign(class extends Model {}, { table }));

let made = 0;

// A Client is one device's copy of one project. The numbers of a project's
// sequence mean nothing in another, and a database keeps one lastPulledAt: so
// each project has a database of its own.
export class Client {
  constructor(url, token, project, { pageSize } = {}) {
    Object.assign(this, { url: `${url}/api/v1/projects/${project}/`, token, pageSize, pages: 0 });
    this.open();
  }

  open() {
    const adapter = new LokiJSAdapter({
      schema, useWebWorker: false, useIncrementalIndexedDB: true, dbName: `project-${++made}`,
      extraLokiOptions: { autosave: false, adapter: new LokiMemoryAdapter() },
    });
    this.database = new Database({ adapter, modelClasses });
  }

  async ask(method, path, body) {
    const headers = { authorization: `Bearer ${this.token}`, "content-type": "application/json" };
    const response = await fetch(this.url + path, { method, headers, body: body && JSON.stringify(body) });
    const answer = response.status === 204 ? undefined : await response.json();
    if (!response.ok) throw Object.assign(new Error(`${method} ${path}: ${answer.code}`), answer);
    return answer;
  }

  // sync is what the contract gives an app: all pages of one pull are one
  // answer, and then the tasks that were changed here are uploaded.
  sync() {
    return synchronize({
      database: this.database,
      sendCreatedAsUpdated: true,
      pullChanges: async ({ lastPulledAt }) => {
        const since = lastPulledAt ?? 0;
        const changes = Object.fromEntries(tables.map((name) => [name, { created: [], updated: [], deleted: [] }]));
        for (let cursor = null; ; ) {
          const query = new URLSearchParams({ since, ...(cursor && { cursor }), ...(this.pageSize && { page_size: this.pageSize }) });
          const page = await this.ask("GET", `sync/?${query}`);
          this.pages++;
          for (const name of tables) {
            changes[name].updated.push(...page.changes[name].updated);
            changes[name].deleted.push(...page.changes[name].deleted);
          }
          cursor = page.next_cursor;
          if (cursor === null) return { changes, timestamp: page.timestamp };
          await this.betweenPages?.();
        }
      },
      pushChanges: async ({ changes, lastPulledAt }) => {
        this.uploaded = await this.ask("POST", "sync/", {
          client_batch_id: randomUUID(), last_pulled_at: lastPulledAt, changes: { tasks: changes.tasks },
        });
      },
    });
  }

  create(table, fields) {
    return this.database.write(() => this.database.get(table).create((record) => set(record, fields)));
  }

  update(table, id, fields) {
    return this.database.write(async () => {
      const record = await this.database.get(table).find(id);
      await record.update(() => set(record, fields));
    });
  }

  remove(table, id) {
    return this.database.write(async () => (await this.database.get(table).find(id)).markAsDeleted());
  }

  // rows answers a table by id, without what is only local.
  async rows(table) {
    const records = await this.database.get(table).query().fetch();
    return records.map(({ _raw: { _status, _changed, ...row } }) => row).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async everything() {
    return Object.fromEntries(await Promise.all(tables.map(async (name) => [name, await this.rows(name)])));
  }
}

function set(record, fields) {
  for (const [name, value] of Object.entries(fields)) record._setRaw(name, value);
}
