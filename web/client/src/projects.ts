// The source of a project's database, in the delta dialect. Each project needs a database
// of its own, because each has its own last_pulled_at.
import { append, countChanges, type Changes } from "./changes.js";
import { callJson, type Server } from "./server.js";
import type { PullArgs, PushArgs, Rejection, SyncEvents, SyncSource } from "./source.js";
import { uuid } from "./uuid.js";

interface DeltaPage {
  changes: Changes;
  timestamp: number;
  next_cursor: string | null;
}

interface Uploaded {
  skipped?: { tasks?: string[] }; // tasks that somebody else had deleted
}

/** The project's path on the server. */
export const projectPath = (projectId: string) => `/api/v1/projects/${encodeURIComponent(projectId)}`;

const pageRows = 1000;

// rejectedOf rejects the rows of the tables that an upload does not have, so that the app knows of each.
const rejectedOf = (others: Changes): Rejection[] =>
  Object.entries(others).flatMap(([table, { created, updated, deleted }]) =>
    [...created.map((row) => String(row["id"])), ...updated.map((row) => String(row["id"])), ...deleted].map((id) => ({
      table, id, reason: `a sync of a project pushes tasks only: change ${table} through the REST API`,
    })),
  );

// The server takes 500 rows and 1.9 MB.
const limits = { rows: 500, units: 600_000 };

/**
 * A project for safeSyncDatabase(). It pushes tasks as WatermelonDB stores them: the server merges by field,
 * from `_changed` and `server_version`. Everything else changes through REST, and the next pull brings the change: the
 * source rejects a row of another table, and the device keeps it as it is.
 */
export function projectSource(server: Server, projectId: string, events: SyncEvents = {}): SyncSource {
  const path = `${projectPath(projectId)}/sync/`;
  return {
    ...events,
    limits,
    async pull({ lastPulledAt, onProgress }: PullArgs) {
      const since = `?since=${lastPulledAt ?? 0}&page_size=${pageRows}`;
      const { changes, timestamp, next_cursor } = await callJson<DeltaPage>(server, "GET", path + since);
      let cursor = next_cursor;
      while (cursor !== null) {
        onProgress?.(countChanges(changes));
        const page = await callJson<DeltaPage>(server, "GET", `${path}${since}&cursor=${encodeURIComponent(cursor)}`);
        append(changes, page.changes);
        cursor = page.next_cursor;
      }
      return { changes, timestamp };
    },

    async push({ changes, lastPulledAt }: PushArgs) {
      const { tasks, ...others } = changes;
      const rejected = rejectedOf(others);
      if (tasks === undefined || countChanges({ tasks }) === 0) return { rejected };
      const upload = { client_batch_id: uuid(), last_pulled_at: lastPulledAt, changes: { tasks } };
      const { skipped } = await callJson<Uploaded>(server, "POST", path, upload);
      return { rejected, superseded: (skipped?.tasks ?? []).map((id) => ({ table: "tasks", id })) };
    },
  };
}
