// The peer that keeps its rows in D1: the tRPC fetch adapter, prepared statements in one
// batch, and a hibernating SyncRoom that the Worker tells after the push.
import { DurableObject } from "cloudflare:workers";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { router, type Database, type Row, type Statement } from "./rows";
import { accept, tell } from "./sockets";
import { verify } from "./token";

interface Env {
  DB: D1Database;
  SYNC_ROOM: DurableObjectNamespace<SyncRoom>;
  AUTH_SECRET: string;
}
interface Context {
  waitUntil(p: Promise<unknown>): void;
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

const syncRoom = (env: Env) => env.SYNC_ROOM.get(env.SYNC_ROOM.idFromName("sync"));

function databaseOf(env: Env, ctx: Context): Database {
  return {
    async run(statements: Statement[]) {
      const prepared = new Map<string, D1Statement>();
      const bound = statements.map(({ sql, args }) => {
        let statement = prepared.get(sql);
        if (!statement) prepared.set(sql, (statement = env.DB.prepare(sql)));
        return args.length > 0 ? statement.bind(...args) : statement;
      });
      const results = await env.DB.batch(bound);
      return results.map(({ results, meta }) => ({ rows: results, changes: meta.changes }));
    },
    publish: (tables, stamp) => ctx.waitUntil(syncRoom(env).publish(tables, stamp)),
  };
}

export class SyncRoom extends DurableObject {
  fetch() {
    return accept(this.ctx);
  }

  async publish(tables: string[], stamp: number) {
    tell(this.ctx, tables, stamp);
  }
}

export default {
  async fetch(request: Request, env: Env, ctx: Context) {
    const { pathname } = new URL(request.url);
    if (pathname === "/healthz") return Response.json({ status: "ok" });
    const token = request.headers.get("authorization")?.slice(7) ?? "";
    if (!(await verify(token, env.AUTH_SECRET))) return new Response("unauthorized", { status: 401 });
    if (pathname === "/sync/subscribe") return syncRoom(env).fetch(request);
    return fetchRequestHandler({ endpoint: "/trpc", req: request, router, createContext: () => databaseOf(env, ctx) });
  },
};
