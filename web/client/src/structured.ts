// The source of structured sync: the tRPC procedures sync.pull and sync.push.
import { createTRPCClient, httpLink, type TRPCClient } from "@trpc/client";
import type { AppRouter, PushInput, PushOutput } from "./app-router.js";
import { append } from "./changes.js";
import type { PullArgs, PushArgs, Rejection, SyncSource } from "./safe-sync.js";
import { baseUrl, HttpError, retryAfter, send, type Server } from "./server.js";

/** Returns a typed tRPC client. The server speaks plain JSON: set no transformer. */
export function createClient(server: Server): TRPCClient<AppRouter> {
  return createTRPCClient<AppRouter>({
    links: [
      httpLink({
        url: `${baseUrl(server)}/trpc`,
        headers: () => ({ authorization: `Bearer ${server.token() ?? ""}` }),
        fetch: async (input, init) => requireJson(await send(server, String(input), init as RequestInit)),
      }),
    ],
  });
}

// requireJson throws HttpError for an error that is not JSON, as of a proxy. tRPC would
// report only invalid JSON, without the status and Retry-After.
function requireJson(response: Response): Response {
  const { ok, status, headers } = response;
  if (ok || /json/.test(headers.get("content-type") ?? "")) return response;
  throw new HttpError(status, "", "", retryAfter(headers));
}

const pageRows = 5000;

export interface StructuredOptions {
  /**
   * Called after each push in which the server rejected rows, because a value fails a check or a rule forbids the
   * write. The database still has the person's rows. The kit then pulls at once, and the pull brings the server's rows.
   */
  onRejected?: ((rejections: readonly Rejection[]) => void) | undefined;
}

/**
 * Structured sync for safeSyncDatabase(). A large pull arrives in pages of one snapshot. The tRPC client sets the
 * time limits of a call, as that of createClient() does.
 */
export function structuredSource(trpc: TRPCClient<AppRouter>, { onRejected }: StructuredOptions = {}): SyncSource {
  return {
    onRejected,
    async pull({ lastPulledAt, schemaVersion, migration }: PullArgs) {
      const input = { lastPulledAt, schemaVersion, migration, limit: pageRows };
      const { cursor, ...result } = await trpc.sync.pull.query(input);
      let next = cursor;
      while (next !== undefined) {
        const page = await trpc.sync.pull.query({ ...input, cursor: next });
        append(result.changes, page.changes);
        next = page.cursor;
      }
      return result;
    },
    async push({ changes, lastPulledAt }: PushArgs) {
      const answer = await trpc.sync.push.mutate({ changes: changes as PushInput["changes"], lastPulledAt });
      return { rejected: rejections(answer) };
    },
  };
}

// rejections lists the rejected rows of all tables. A server of version 0.1.0 does not return any.
function rejections({ rejected = {} }: Partial<PushOutput>): Rejection[] {
  return Object.entries(rejected).flatMap(([table, rows]) => rows.map((row) => ({ table, ...row })));
}
