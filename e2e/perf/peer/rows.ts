// What a careful developer writes in TypeScript for structured sync: a tRPC router over
// any SQLite, with the same guarded upsert row by row.
import { initTRPC } from "@trpc/server";

export interface Statement {
  sql: string;
  args: unknown[];
}
export type Row = Record<string, unknown>;
export interface Result {
  rows: Row[];
  changes: number;
}
export interface Database {
  // run runs the statements as one transaction.
  run(statements: Statement[]): Result[] | Promise<Result[]>;
  // publish tells the subscribers which tables have changed.
  publish(tables: string[], stamp: number): void;
}
type Changes = Record<string, { created: Row[]; updated: Row[]; deleted: string[] }>;

const tables = {
  customers: { sql: "Customers", id: "CustomerId", columns: { contact_name: "ContactName", company_name: "CompanyName", notes: "Notes" } },
  products: {
    sql: "Products", id: "ProductId",
    columns: { title: "Title", description: "Description", price: "Price", discounts: "Discounts", image: "Image" },
  },
} as const;
const names = Object.keys(tables) as (keyof typeof tables)[];

function pullOf(since: number): Statement[] {
  const statements: Statement[] = [{ sql: "SELECT stamp FROM Clock", args: [] }];
  for (const name of names) {
    const { sql, id, columns } = tables[name];
    const list = Object.entries(columns).map(([wire, column]) => `${column} AS ${wire}`);
    statements.push(
      { sql: `SELECT ${id} AS id, ${list}, created_at, updated_at FROM ${sql} WHERE stamp > ?1 AND deleted = 0`, args: [since] },
      { sql: `SELECT ${id} AS id FROM ${sql} WHERE stamp > ?1 AND deleted = 1 AND ?1 > 0`, args: [since] },
    );
  }
  return statements;
}

// pushOf returns the statements of a push, and for each the table that it changes.
function pushOf(pushed: Changes, now: number): { statements: Statement[]; owners: string[] } {
  const statements = [{ sql: "UPDATE Clock SET stamp = MAX(stamp + 1, CAST(?1 AS INTEGER)) RETURNING stamp", args: [now] as unknown[] }];
  const owners = [""];
  for (const name of names) {
    const { sql, id, columns } = tables[name];
    const change = pushed[name];
    if (!change) continue;
    const wire = Object.keys(columns);
    const sqlColumns = [...Object.values(columns), "created_at", "updated_at"];
    const content = (prefix: string) => `json_array(${Object.values(columns).map((c) => prefix + c)})`;
    const upsert =
      `INSERT INTO ${sql} (${id}, ${sqlColumns}, deleted, stamp)
       VALUES (${[id, ...sqlColumns].map((_, i) => `?${i + 1}`)}, 0, (SELECT stamp FROM Clock))
       ON CONFLICT (${id}) DO UPDATE SET ${sqlColumns.map((c) => `${c} = excluded.${c}`)}, stamp = excluded.stamp
       WHERE deleted = 0 AND (excluded.updated_at, ${content("excluded.")}) > (updated_at, ${content("")})`;
    for (const row of [...change.created, ...change.updated]) {
      statements.push({ sql: upsert, args: [row.id, ...wire.map((c) => row[c] ?? null), row.created_at, row.updated_at] });
      owners.push(name);
    }
    const remove =
      `INSERT INTO ${sql} (${id}, deleted, stamp) VALUES (?1, 1, (SELECT stamp FROM Clock))
       ON CONFLICT (${id}) DO UPDATE SET deleted = 1, stamp = excluded.stamp WHERE deleted = 0`;
    for (const deleted of change.deleted) {
      statements.push({ sql: remove, args: [deleted] });
      owners.push(name);
    }
  }
  return { statements, owners };
}

const object = (input: unknown): any => {
  if (typeof input !== "object" || input === null) throw new Error("an object is expected");
  return input;
};

const t = initTRPC.context<Database>().create();

export const router = t.router({
  sync: t.router({
    pull: t.procedure.input(object).query(async ({ input, ctx: db }) => {
      const [clock, ...results] = await db.run(pullOf(input.lastPulledAt ?? 0));
      const changes: Changes = {};
      names.forEach((name, i) => {
        changes[name] = { created: [], updated: results[2 * i].rows, deleted: results[2 * i + 1].rows.map((r) => r.id as string) };
      });
      return { changes, timestamp: clock.rows[0].stamp as number };
    }),

    push: t.procedure.input(object).mutation(async ({ input, ctx: db }) => {
      const { statements, owners } = pushOf(input.changes, Date.now());
      const results = await db.run(statements);
      const stamp = results[0].rows[0].stamp as number;
      const changed = new Set<string>();
      results.forEach(({ changes }, i) => {
        if (owners[i] && changes > 0) changed.add(owners[i]);
      });
      if (changed.size > 0) db.publish([...changed], stamp);
      return { timestamp: stamp };
    }),
  }),
});
