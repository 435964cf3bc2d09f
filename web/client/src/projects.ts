// The source of a project's database, in the delta dialect. Each project needs a database
// of its own, because each has its own last_pulled_at.
import { append, type Changes, type TableChanges } from "./changes.js";
import type { PullArgs, PushArgs, SyncSource } from "./safe-sync.js";
import { callJson, type Server } from "./server.js";
import { uuid } from "./uuid.js";

interface DeltaPage {
  changes: Changes;
  timestamp: number;
  next_cursor: string | null;
}

/** The project's path on the server. */
export const projectPath = (projectId: string) => `/api/v1/projects/${encodeURIComponent(projectId)}`;

const pageRows = 1000;
const uploadRows = 500;
const uploadBytes = 1_800_000; // of rows; the server takes 1.9 MB in all

/**
 * A project for safeSyncDatabase(). It pushes tasks as WatermelonDB stores them: the server merges by field,
 * from `_changed` and `server_version`. Everything else changes through REST, and the next pull brings the change.
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
      for (const tasks of parts(changes["tasks"])) {
        await callJson(server, "POST", path, { client_batch_id: uuid(), last_pulled_at: lastPulledAt, changes: { tasks } });
      }
    },
  };
}

// parts splits an upload into parts that the server accepts by rows and bytes.
function* parts(tasks: TableChanges | undefined): Generator<TableChanges> {
  const all = [
    ...(tasks?.created ?? []).map((row) => ["created", row] as const),
    ...(tasks?.updated ?? []).map((row) => ["updated", row] as const),
    ...(tasks?.deleted ?? []).map((id) => ["deleted", id] as const),
  ];
  const encoder = new TextEncoder();
  let part: TableChanges = { created: [], updated: [], deleted: [] };
  let [rows, bytes] = [0, 0];
  for (const [kind, row] of all) {
    const size = encoder.encode(JSON.stringify(row)).length + 1;
    if (rows === uploadRows || (rows > 0 && bytes + size > uploadBytes)) {
      yield part;
      part = { created: [], updated: [], deleted: [] };
      [rows, bytes] = [0, 0];
    }
    (part[kind] as unknown[]).push(row);
    rows++;
    bytes += size;
  }
  if (rows > 0) yield part;
}
