// Projects, as the routes below /api/v1/operator/projects/ return them.
import type { DependencyRow, TaskRow } from "../../../../src/projects/timeline/plan";
import { call } from "../../api";

export interface Listed {
  id: string;
  name: string;
  status: string;
  archived: boolean;
  deleted: boolean;
  sequence: number;
  tasks: number;
  members: number;
  server_version: number;
}

type Wire = Record<string, string | number | boolean | null> & { id: string; server_version: number };

/** All live rows of a project. */
export interface Content {
  sequence: number;
  project: Wire | undefined;
  tasks: (TaskRow & { assigneeId: string | null; version: number })[];
  dependencies: DependencyRow[];
  calendars: Wire[];
  members: { id: string; userId: string; role: string; version: number }[];
}

interface Page {
  changes: Record<string, { updated: Wire[] }>;
  timestamp: number;
  next_cursor: string | null;
}

/** Pulls a project, page by page, as a new member would. path is that of its sync. */
export async function contentOf(path: string, signal: AbortSignal): Promise<Content> {
  const rows: Record<string, Wire[]> = {};
  let sequence = 0;
  for (let cursor: string | null = ""; cursor !== null; ) {
    const { body }: { body: Page } = await call<Page>("GET", path, undefined, { query: { since: 0, page_size: 5000, cursor }, signal });
    for (const [name, { updated }] of Object.entries(body.changes)) rows[name] = [...(rows[name] ?? []), ...updated];
    sequence = body.timestamp;
    cursor = body.next_cursor;
  }
  const of = (name: string) => rows[name] ?? [];
  return {
    sequence,
    project: of("projects")[0],
    tasks: of("tasks").sort((a, b) => Number(a["sort_order"]) - Number(b["sort_order"])).map((row) => ({
      id: row.id,
      name: row["name"] as string,
      status: row["status"] as TaskRow["status"],
      percentComplete: row["percent_complete"] as number,
      plannedStart: row["planned_start"] as string | null,
      durationDays: row["duration_days"] as number | null,
      parentId: row["parent_id"] as string | null,
      isMilestone: row["is_milestone"] as boolean,
      assigneeId: row["assignee_id"] as string | null,
      version: row.server_version,
    })),
    dependencies: of("dependencies").map((row) => ({
      id: row.id,
      predecessorId: row["predecessor_id"] as string,
      successorId: row["successor_id"] as string,
      type: row["type"] as DependencyRow["type"],
      lagDays: row["lag_days"] as number,
    })),
    calendars: of("calendars"),
    members: of("memberships").map((row) => ({ id: row.id, userId: row["user_id"] as string, role: row["role"] as string, version: row.server_version })),
  };
}
