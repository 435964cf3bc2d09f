// The peer that keeps the rows of each space in a Durable Object of its own. The Worker
// verifies the token and forwards the request. The object stores a push and tells its
// hibernating sockets in the same event.
import { DurableObject } from "cloudflare:workers";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { router, type Database, type Result, type Row, type Statement } from "./rows";
import { schema } from "./schema.mjs";
import { accept, tell } from "./sockets";
import { claimsOf } from "./token";

interface Env {
  SPACE: { idFromName(name: string): unknown; get(id: unknown): { fetch(request: Request): Promise<Response> } };
  AUTH_SECRET: string;
}
interface Cursor {
  toArray(): Row[];
  rowsWritten: number;
}
interface Storage {
  sql: { exec(sql: string, ...args: unknown[]): Cursor };
  transactionSync<T>(body: () => T): T;
}

export class Space extends DurableObject implements Database {
  private storage: Storage;

  constructor(ctx: any, env: Env) {
    super(ctx, env);
    this.storage = ctx.storage;
    const [{ made }] = this.storage.sql.exec("SELECT count(*) AS made FROM sqlite_master WHERE name = 'Clock'").toArray();
    if (!made) this.run(schema.map((sql) => ({ sql, args: [] })));
  }

  run(statements: Statement[]): Result[] {
    return this.storage.transactionSync(() =>
      statements.map(({ sql, args }) => {
        const cursor = this.storage.sql.exec(sql, ...args);
        return { rows: cursor.toArray(), changes: cursor.rowsWritten };
      }),
    );
  }

  publish(tables: string[], stamp: number) {
    tell(this.ctx, tables, stamp);
  }

  fetch(request: Request) {
    const { pathname } = new URL(request.url);
    if (pathname.endsWith("/sync/subscribe")) return accept(this.ctx);
    const endpoint = pathname.slice(0, pathname.lastIndexOf("/"));
    return fetchRequestHandler({ endpoint, req: request, router, createContext: () => this });
  }
}

const matches = (glob: string, name: string) => (glob.endsWith("*") ? name.startsWith(glob.slice(0, -1)) : name === glob);

export default {
  async fetch(request: Request, env: Env) {
    const [, s, name, rest] = new URL(request.url).pathname.split("/", 4);
    if (s !== "s" || !rest) return new Response("not found", { status: 404 });
    const claims = await claimsOf(request.headers.get("authorization")?.slice(7) ?? "", env.AUTH_SECRET);
    if (!claims) return new Response("unauthorized", { status: 401 });
    if (!claims.spaces?.some((glob) => matches(glob, name))) return new Response("forbidden", { status: 403 });
    return env.SPACE.get(env.SPACE.idFromName(name)).fetch(request);
  },
};
