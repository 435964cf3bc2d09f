// The source of structured sync: the tRPC procedures sync.pull and sync.push.
import { createTRPCClient, httpLink, type TRPCClient } from "@trpc/client";
import type { AppRouter, PushInput } from "./app-router.js";
import { append, countChanges } from "./changes.js";
import type { PullArgs, PushArgs, SyncEvents, SyncSource } from "./source.js";
import type { Answer } from "./patience.js";
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
function requireJson(response: Answer): Answer {
  const { ok, status, headers } = response;
  if (ok || /json/.test(headers.get("content-type") ?? "")) return response;
  throw new HttpError(status, "", "", retryAfter(headers));
}

const pageRows = 5000;

export interface StructuredOptions extends SyncEvents {}

/**
 * Structured sync for safeSyncDatabase(). A large pull arrives in pages of one snapshot. The tRPC client sets the
 * time limits of a call, as that of createClient() does.
 */
export function structuredSource(trpc: TRPCClient<AppRouter>, events: StructuredOptions = {}): SyncSource {
  return {
    ...events,
    async pull({ lastPulledAt, schemaVersion, migration, onProgress }: PullArgs) {
      const input = { lastPulledAt, schemaVersion, migration, limit: pageRows };
      const { cursor, ...result } = await trpc.sync.pull.query(input);
      let next = cursor;
      while (next !== undefined) {
        onProgress?.(countChanges(result.changes));
        const page = await trpc.sync.pull.query({ ...input, cursor: next });
        append(result.changes, page.changes);
        next = page.cursor;
      }
      return result;
    },
    async push({ changes, lastPulledAt }: PushArgs) {
      const answer = await trpc.sync.push.mutate({ changes: changes as PushInput["changes"], lastPulledAt });
      return { rejected: listed(answer.rejected, (row) => row), superseded: listed(answer.superseded, (id) => ({ id })) };
    },
  };
}

// listed lists what a response has by table. A server of version 0.1.0 has no `rejected`.
const listed = <T, Named extends { id: string }>(tables: Record<string, T[]> | undefined, name: (item: T) => Named) =>
  Object.entries(tables ?? {}).flatMap(([table, items]) => items.map((item) => ({ table, ...name(item) })));
