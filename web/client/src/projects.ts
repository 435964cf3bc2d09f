// The source of a project's database: the delta dialect. One database for each
// project, since each has its own mark.
import { append, type Changes, type TableChanges } from "./changes.js";
import type { PullArgs, PushArgs, SyncSource } from "./safe-sync.js";
import { callJson, type Server } from "./server.js";
import { uuid } from "./uuid.js";

interface DeltaPage {
  changes: Changes;
  timestamp: number;
  next_cursor: string | null;
}

/** Where a project lives on the server. */
export const projectPath = (projectId: string) => `/api/v1/projects/${encodeURIComponent(projectId)}`;

const pageRows = 1000;
const uploadRows = 500;

/**
 * A project for safeSyncDatabase(). Tasks are pushed, as WatermelonDB keeps
 * them: from `_changed` and `server_version` the server merges by field.
 * Everything else changes through REST and comes back with the next pull.
 */
export function projectSource(server: Server, projectId: string): SyncSource {
  const path = `${projectPath(projectId)}/sync/`;
  return {
    async pull({ lastPulledAt }: PullArgs) {
      const since = `?since=${lastPulledAt ?? 0}&page_size=${pageRows}`;
      const { changes, timestamp, next_cursor } = await callJson<DeltaPage>(server, "GET", path + since);
      let cursor = next_cursor;
      while (cursor !== null) {
        const page = await callJson<DeltaPage>(server, "GET", `${path}${since}&cursor=${encodeURIComponent(cursor)}`);
        append(changes, page.changes);
        cursor = page.next_cursor;
      }
      return { changes, timestamp };
    },

    async push({ changes, lastPulledAt }: PushArgs) {
      for (const tasks of parts(changes["tasks"], uploadRows)) {
        await callJson(server, "POST", path, { client_batch_id: uuid(), last_pulled_at: lastPulledAt, changes: { tasks } });
      }
    },
  };
}

// parts cuts an upload so that none has more rows than the server takes.
function* parts(tasks: TableChanges | undefined, limit: number): Generator<TableChanges> {
  const all = [
    ...(tasks?.created ?? []).map((row) => ["created", row] as const),
    ...(tasks?.updated ?? []).map((row) => ["updated", row] as const),
    ...(tasks?.deleted ?? []).map((id) => ["deleted", id] as const),
  ];
  for (let at = 0; at < all.length; at += limit) {
    const part: TableChanges = { created: [], updated: [], deleted: [] };
    for (const [kind, row] of all.slice(at, at + limit)) (part[kind] as unknown[]).push(row);
    yield part;
  }
}
