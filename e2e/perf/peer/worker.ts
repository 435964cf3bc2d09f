// The peer of the benchmarks: what a careful developer writes in TypeScript for
// the same job: the tRPC fetch adapter, D1 with prepared statements in one
// batch, the same guarded upsert row by row, and a hibernating SyncRoom.
import { DurableObject } from "cloudflare:workers";
import { initTRPC } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { verify } from "./token";

interface Env {
  DB: D1Database;
  SYNC_ROOM: DurableObjectNamespace<SyncRoom>;
}
interface D1Statement {
  bind(...values: unknown[]): D1Statement;
}
interface D1Database {
  prepare(sql: string): D1Statement;
  batch(statements: D1Statement[]): Promise<{ results: Row[]; meta: { changes: number } }[]>;
}
interface DurableObjectNamespace<T> {
  idFromName(name: string): unknown;
  get(id: unknown): T & { fetch(request: Request): Promise<Response> };
}
type Row = Record<string, unknown>;
type Changes = Record<string, { created: Row[]; updated: Row[]; deleted: string[] }>;

const tables = {
  customers: { sql: "Customers", id: "CustomerId", columns: { contact_name: "ContactName", company_name: "CompanyName", notes: "Notes" } },
  products: {
    sql: "Products", id: "ProductId",
    columns: { title: "Title", description: "Description", price: "Price", discounts: "Discounts", image: "Image" },
  },
} as const;
const names = Object.keys(tables) as (keyof typeof tables)[];

const object = (input: unknown): any => {
  if (typeof input !== "object" || input === null) throw new Error("an object is expected");
  return input;
};

const t = initTRPC.context<{ env: Env; ctx: { waitUntil(p: Promise<unknown>): void } }>().create();

const router = t.router({
  sync: t.router({
    pull: t.procedure.input(object).query(async ({ input, ctx: { env } }) => {
      const since = input.lastPulledAt ?? 0;
      const statements = [env.DB.prepare("SELECT stamp FROM Clock")];
      for (const name of names) {
        const { sql, id, columns } = tables[name];
        const list = Object.entries(columns).map(([wire, column]) => `${column} AS ${wire}`);
        statements.push(
          env.DB.prepare(
            `SELECT ${id} AS id, ${list}, created_at, updated_at FROM ${sql} WHERE stamp > ?1 AND deleted = 0`,
          ).bind(since),
          env.DB.prepare(`SELECT ${id} AS id FROM ${sql} WHERE stamp > ?1 AND deleted = 1 AND ?1 > 0`).bind(since),
        );
      }
      const [clock, ...rows] = await env.DB.batch(statements);
      const changes: Changes = {};
      names.forEach((name, i) => {
        changes[name] = { created: [], updated: rows[2 * i].results, deleted: rows[2 * i + 1].results.map((r) => r.id as string) };
      });
      return { changes, timestamp: clock.results[0].stamp as number };
    }),

    push: t.procedure.input(object).mutation(async ({ input, ctx: { env, ctx } }) => {
      const now = Date.now();
      const statements = [env.DB.prepare("UPDATE Clock SET stamp = MAX(stamp + 1, CAST(?1 AS INTEGER)) RETURNING stamp").bind(now)];
      const owners = [""];
      for (const name of names) {
        const { sql, id, columns } = tables[name];
        const change = input.changes[name];
        if (!change) continue;
        const wire = Object.keys(columns);
        const sqlColumns = [...Object.values(columns), "created_at", "updated_at"];
        const content = (prefix: string) => `json_array(${Object.values(columns).map((c) => prefix + c)})`;
        const upsert = env.DB.prepare(
          `INSERT INTO ${sql} (${id}, ${sqlColumns}, deleted, stamp)
           VALUES (${[id, ...sqlColumns].map((_, i) => `?${i + 1}`)}, 0, (SELECT stamp FROM Clock))
           ON CONFLICT (${id}) DO UPDATE SET ${sqlColumns.map((c) => `${c} = excluded.${c}`)}, stamp = excluded.stamp
           WHERE deleted = 0 AND (excluded.updated_at, ${content("excluded.")}) > (updated_at, ${content("")})`,
        );
        for (const row of [...change.created, ...change.updated]) {
          statements.push(upsert.bind(row.id, ...wire.map((c) => row[c] ?? null), row.created_at, row.updated_at));
          owners.push(name);
        }
        const remove = env.DB.prepare(
          `INSERT INTO ${sql} (${id}, deleted, stamp) VALUES (?1, 1, (SELECT stamp FROM Clock))
           ON CONFLICT (${id}) DO UPDATE SET deleted = 1, stamp = excluded.stamp WHERE deleted = 0`,
        );
        for (const deleted of change.deleted) {
          statements.push(remove.bind(deleted));
          owners.push(name);
        }
      }
      const results = await env.DB.batch(statements);
      const stamp = results[0].results[0].stamp as number;
      const changed = new Set<string>();
      results.forEach((result, i) => {
        if (owners[i] && result.meta.changes > 0) changed.add(owners[i]);
      });
      if (changed.size > 0) ctx.waitUntil(env.SYNC_ROOM.get(env.SYNC_ROOM.idFromName("sync")).publish([...changed], stamp));
      return { timestamp: stamp };
    }),
  }),
});

export class SyncRoom extends DurableObject {
  fetch() {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    server.send(JSON.stringify({ type: "hello", table: "*", stamp: 0 }));
    return new Response(null, { status: 101, webSocket: client });
  }

  async publish(changed: string[], stamp: number) {
    for (const table of changed) {
      const message = JSON.stringify({ type: "change", table, stamp });
      for (const ws of this.ctx.getWebSockets()) ws.send(message);
    }
  }
}

export default {
  async fetch(request: Request, env: Env & { AUTH_SECRET: string }, ctx: { waitUntil(p: Promise<unknown>): void }) {
    const { pathname } = new URL(request.url);
    if (pathname === "/healthz") return Response.json({ status: "ok" });
    const token = request.headers.get("authorization")?.slice(7) ?? "";
    if (!(await verify(token, env.AUTH_SECRET))) return new Response("unauthorized", { status: 401 });
    if (pathname === "/sync/subscribe") return env.SYNC_ROOM.get(env.SYNC_ROOM.idFromName("sync")).fetch(request);
    return fetchRequestHandler({ endpoint: "/trpc", req: request, router, createContext: () => ({ env, ctx }) });
  },
};
