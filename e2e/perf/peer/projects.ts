// The peer of the projects benchmark: what a careful developer writes in
// TypeScript for the pull and the upload: the same tables, a page as one D1 batch
// whose rows JSON.stringify makes text of, an upload as one batch with a
// statement for each row. It is stricter than the backend about conflicts (whole
// rows, not fields) and does not look for cycles of parents.
import { DurableObject } from "cloudflare:workers";
import { verify } from "./token";

interface Env {
  DB: D1Database;
  SYNC_ROOM: { idFromName(name: string): unknown; get(id: unknown): SyncRoom };
  AUTH_SECRET: string;
}
interface D1Statement {
  bind(...values: unknown[]): D1Statement;
}
interface D1Database {
  prepare(sql: string): D1Statement;
  batch(statements: D1Statement[]): Promise<{ results: Row[]; meta: { changes: number } }[]>;
}
type Row = Record<string, any>;

class Refusal extends Error {
  constructor(readonly status: number, readonly code: string, detail = code) {
    super(detail);
  }
}

const taskColumns = [
  "name", "description", "status", "percent_complete", "planned_start", "duration_days", "parent_id", "assignee_id",
  "is_milestone", "sort_order", "notes",
];
const collections = [
  { name: "projects", table: "Projects", columns: ["name", "description", "start_date", "status", "calendar_id", "archived"], flag: "archived" },
  { name: "tasks", table: "ProjectTasks", columns: taskColumns, flag: "is_milestone" },
  { name: "dependencies", table: "ProjectDependencies", columns: ["predecessor_id", "successor_id", "type", "lag_days"] },
  { name: "calendars", table: "ProjectCalendars", columns: ["name", "working_days", "hours_per_day", "exceptions"] },
  { name: "memberships", table: "ProjectMemberships", columns: ["user_id", "role"] },
];

const selectAccess = `SELECT
  (SELECT role FROM ProjectMemberships WHERE project_id = ?1 AND user_id = ?2 AND deleted_version IS NULL) AS role,
  (SELECT seq FROM ProjectSequences WHERE project_id = ?1) AS mark`;

// A Cursor is the mark of the session and the last row of the page before.
interface Cursor {
  project: string;
  since: number;
  mark: number;
  collection: number;
  seq: number;
  id: string;
}

// selects[from] are the statements of a page that begins in the collection from:
// ?1 project, ?2 and ?3 the (seq, id) to go on behind in it, ?4 since, ?5 the
// mark, ?6 how many rows at most.
const selects = collections.map((_, from) => {
  const statements: string[] = [];
  let room = "?6";
  collections.slice(from).forEach(({ table, columns }, i) => {
    const where = `project_id = ?1 AND ${i === 0 ? "(seq, id) > (?2, ?3)" : "seq > ?4"} AND seq <= ?5`;
    statements.push(`SELECT id, server_version, ${columns}, seq, deleted_version FROM ${table} WHERE ${where} ORDER BY seq, id LIMIT max(0, ${room})`);
    room += ` - (SELECT count(*) FROM (SELECT 1 FROM ${table} WHERE ${where} LIMIT ?6))`;
  });
  return statements;
});

function whole(text: string | null, missing: number, most: number): number {
  if (text === null) return missing;
  const n = Number(text);
  if (!/^\d+$/.test(text) || n > most) throw new Refusal(400, "invalid");
  return n;
}

function readCursor(text: string, project: string, since: number): Cursor {
  try {
    const c: Cursor = JSON.parse(atob(text));
    const numbers = [c.mark, c.seq, c.collection].every(Number.isSafeInteger);
    if (numbers && c.project === project && c.since === since && c.collection in collections && typeof c.id === "string") return c;
  } catch {}
  throw new Refusal(400, "bad_cursor");
}

async function pull({ DB }: Env, project: string, caller: string, query: URLSearchParams): Promise<string> {
  const since = whole(query.get("since"), 0, Number.MAX_SAFE_INTEGER);
  const size = whole(query.get("page_size"), 1000, 5000);
  if (size === 0) throw new Refusal(400, "invalid");
  const after = query.has("cursor") ? readCursor(query.get("cursor")!, project, since) : undefined;
  const from = after?.collection ?? 0;
  const args = [project, after?.seq ?? since + 1, after?.id ?? "", since, after?.mark ?? Number.MAX_SAFE_INTEGER, size + 1];
  const [access, ...found] = await DB.batch([
    DB.prepare(selectAccess).bind(project, caller),
    ...selects[from].map((sql) => DB.prepare(sql).bind(...args)),
  ]);
  const { role, mark: current } = access.results[0];
  if (role === null) throw new Refusal(404, "not_found");
  if (since > current || (after && after.mark > current)) throw new Refusal(400, "ahead");
  const mark = after?.mark ?? current;

  const changes: Row = {};
  for (const { name } of collections) changes[name] = { created: [], updated: [], deleted: [] };
  let left = size;
  let last: Cursor | undefined;
  let more = false;
  found.forEach(({ results }, i) => {
    const { name, flag } = collections[from + i];
    const { updated, deleted } = changes[name];
    for (const { seq, deleted_version, ...row } of results) {
      if (left === 0) {
        more = true;
        return;
      }
      left--;
      if (left === 0) last = { project, since, mark, collection: from + i, seq, id: row.id };
      if (deleted_version !== null) {
        deleted.push(row.id);
        continue;
      }
      if (flag) row[flag] = row[flag] === 1;
      updated.push(row);
    }
  });
  return JSON.stringify({ changes, timestamp: mark, next_cursor: more ? btoa(JSON.stringify(last)) : null });
}

const text = (min: number, max: number) => (v: unknown) => typeof v === "string" && v.length >= min && v.length <= max;
const number = (min: number, max: number) => (v: unknown) => typeof v === "number" && v >= min && v <= max;
const orNull = (valid: (v: unknown) => boolean) => (v: unknown) => v === null || valid(v);
const id = (v: unknown) => typeof v === "string" && /^[\w.-]{1,64}$/.test(v);
const date = (v: unknown) => typeof v === "string" && /^\d{4}-\d\d-\d\d$/.test(v) && !Number.isNaN(Date.parse(v));
const uuid = (v: unknown) => typeof v === "string" && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(v);

const valid: Record<string, (v: unknown) => boolean> = {
  name: text(1, 500),
  description: orNull(text(0, 10_000)),
  status: (v) => ["not_started", "in_progress", "blocked", "done"].includes(v as string),
  percent_complete: (v) => Number.isInteger(v) && number(0, 100)(v),
  planned_start: orNull(date),
  duration_days: orNull(number(0, 36_500)),
  parent_id: orNull(id),
  assignee_id: orNull(text(1, 255)),
  is_milestone: (v) => typeof v === "boolean",
  sort_order: number(-1e12, 1e12),
  notes: orNull(text(0, 10_000)),
  server_version: (v) => Number.isSafeInteger(v),
};
const defaults: Row = { status: "not_started", percent_complete: 0, is_milestone: false, sort_order: 0 };

function readUpload(body: string): { batch: string; created: Row[]; updated: Row[]; deleted: string[] } {
  let input: any;
  try {
    input = JSON.parse(body);
  } catch {
    throw new Refusal(400, "invalid", "the body is not JSON");
  }
  const { created = [], updated = [], deleted = [] } = input?.changes?.tasks ?? {};
  if (!uuid(input?.client_batch_id)) throw new Refusal(400, "invalid", "client_batch_id");
  if (Object.keys(input.changes ?? {}).some((name) => name !== "tasks")) throw new Refusal(400, "invalid", "only tasks");
  if (![created, updated, deleted].every(Array.isArray)) throw new Refusal(400, "invalid", "changes.tasks");
  const rows: Row[] = [...created, ...updated];
  if (rows.length + deleted.length > 500) throw new Refusal(400, "invalid", "at most 500 rows");
  for (const row of rows) {
    for (const [field, value] of Object.entries(row)) {
      if (field === "id" ? !id(value) : !valid[field]?.(value)) throw new Refusal(400, "invalid", field);
    }
  }
  if (created.some((row: Row) => row.name === undefined)) throw new Refusal(400, "invalid", "name");
  const ids = new Set([...rows.map((row) => row.id), ...deleted]);
  if (ids.has(undefined) || !deleted.every(id) || ids.size < rows.length + deleted.length) throw new Refusal(400, "invalid", "id");
  return { batch: input.client_batch_id, created, updated, deleted };
}

// What is wrong with an upload, or NULL: ?1 project, ?2 caller, ?3 the ids of all
// rows as JSON, ?4 those of updates, ?5 {id: base version}, ?6 the parents and ?7
// the assignees that rows are given, ?8 those that are created, ?9 whether
// planned dates are set.
const problem = `CASE coalesce((SELECT role FROM ProjectMemberships WHERE project_id = ?1 AND user_id = ?2 AND deleted_version IS NULL), '')
  WHEN '' THEN 'not_found' WHEN 'Viewer' THEN 'role_too_low'
  WHEN 'Member' THEN iif(?9 OR EXISTS (SELECT 1 FROM json_each(?3) r JOIN ProjectTasks t ON t.id = r.value
    WHERE t.assignee_id <> ?2), 'role_too_low', NULL) END`;
const rowProblem = `CASE
  WHEN EXISTS (SELECT 1 FROM json_each(?3) r JOIN ProjectTasks t ON t.id = r.value WHERE t.project_id <> ?1) THEN 'id_taken'
  WHEN EXISTS (SELECT 1 FROM json_each(?4) r LEFT JOIN ProjectTasks t ON t.id = r.value WHERE t.id IS NULL) THEN 'not_found'
  WHEN EXISTS (SELECT 1 FROM json_each(?5) r JOIN ProjectTasks t ON t.id = r.key
    WHERE t.server_version <> r.value AND t.deleted_version IS NULL) THEN 'sync_conflict'
  WHEN EXISTS (SELECT 1 FROM json_each(?6) r WHERE r.value NOT IN (SELECT value FROM json_each(?8)) AND NOT EXISTS
    (SELECT 1 FROM ProjectTasks t WHERE t.id = r.value AND t.project_id = ?1 AND t.deleted_version IS NULL)) THEN 'bad_reference'
  WHEN EXISTS (SELECT 1 FROM json_each(?7) r WHERE NOT EXISTS (SELECT 1 FROM ProjectMemberships m
    WHERE m.project_id = ?1 AND m.user_id = r.value AND m.deleted_version IS NULL)) THEN 'bad_reference' END`;
const findProblem = `SELECT coalesce(${problem}, ${rowProblem}) AS problem`;
const statuses: Record<string, number> = { not_found: 404, role_too_low: 403, id_taken: 409, sync_conflict: 409, bad_reference: 400 };

// Writes take effect only if this batch drew the number: ?1 project, ?2 the batch.
const drawn = "FROM ProjectSequences s WHERE s.project_id = ?1 AND s.drawn = ?2";
const draw = `UPDATE ProjectSequences SET seq = seq + 1, drawn = ?10 WHERE project_id = ?1 AND coalesce(${problem}, ${rowProblem}) IS NULL
  AND NOT EXISTS (SELECT 1 FROM ProjectUploads WHERE project_id = ?1 AND user_id = ?2 AND client_batch_id = ?11)`;
const setChanged = (columns: string[]) =>
  columns.length === 0 ? "" : `changed = json_set(changed, ${columns.map((c) => `'$.${c}', server_version + 1`)}),`;

// upsert and update are made for the columns that a row has: ?3 is its id.
const upsert = (columns: string[]) =>
  `INSERT INTO ProjectTasks (id, project_id, ${taskColumns}, server_version, seq, created_seq)
   SELECT ?3, ?1, ${taskColumns.map((_, i) => `?${i + 4}`)}, 1, s.seq, s.seq ${drawn}
   ON CONFLICT (id) DO UPDATE SET ${columns.map((c) => `${c} = excluded.${c},`).join(" ")}
   ${setChanged(columns)} server_version = server_version + 1, seq = excluded.seq WHERE deleted_version IS NULL`;
const update = (columns: string[]) =>
  `UPDATE ProjectTasks SET ${columns.map((c, i) => `${c} = ?${i + 4},`).join(" ")}
   ${setChanged(columns)} server_version = server_version + 1, seq = s.seq ${drawn}
   AND ProjectTasks.id = ?3 AND deleted_version IS NULL`;
const bury = "server_version = server_version + 1, deleted_version = server_version + 1, seq = s.seq";
const buryTask = `WITH RECURSIVE doomed(id) AS (SELECT ?3 UNION SELECT t.id FROM doomed d JOIN ProjectTasks t ON t.parent_id = d.id)
  UPDATE ProjectTasks SET ${bury} ${drawn} AND ProjectTasks.id IN doomed AND ProjectTasks.project_id = ?1 AND deleted_version IS NULL`;
const buryLinks = `WITH dead(id) AS MATERIALIZED (SELECT t.id FROM ProjectTasks t JOIN ProjectSequences s ON s.seq = t.seq
    WHERE t.project_id = ?1 AND s.project_id = ?1 AND s.drawn = ?2 AND t.deleted_version IS NOT NULL)
  UPDATE ProjectDependencies SET ${bury} ${drawn} AND deleted_version IS NULL AND id IN (
    SELECT id FROM ProjectDependencies WHERE predecessor_id IN dead UNION SELECT id FROM ProjectDependencies WHERE successor_id IN dead)`;

const done = (condition: string) => `(SELECT json_group_array(json_object('id', t.id, 'server_version', t.server_version))
  FROM json_each(?6) r JOIN ProjectTasks t ON t.id = r.value WHERE t.seq = s.seq AND ${condition})`;
const keepAnswer = `INSERT INTO ProjectUploads (project_id, user_id, client_batch_id, at, answer)
  SELECT ?1, ?3, ?4, ?5, json_object('client_batch_id', ?4,
    'applied', json_object('tasks', json_object('created', ${done("t.deleted_version IS NULL AND t.created_seq = s.seq")},
      'updated', ${done("t.deleted_version IS NULL AND t.created_seq < s.seq")}, 'deleted', ${done("t.deleted_version IS NOT NULL")})),
    'skipped', json_object('tasks', (SELECT json_group_array(r.value) FROM json_each(?6) r
      LEFT JOIN ProjectTasks t ON t.id = r.value WHERE t.seq IS NOT s.seq)),
    'timestamp', s.seq) ${drawn}`;
const selectAnswer = "SELECT answer FROM ProjectUploads WHERE project_id = ?1 AND user_id = ?2 AND client_batch_id = ?3";

const bindable = (v: unknown) => (typeof v === "boolean" ? Number(v) : v);

async function upload(env: Env, ctx: { waitUntil(p: unknown): void }, project: string, caller: string, body: string): Promise<string> {
  const { batch, created, updated, deleted } = readUpload(body);
  const { DB } = env;
  const name = crypto.randomUUID();
  const rows = [...created, ...updated];
  const given = (field: string) => JSON.stringify(rows.map((row) => row[field]).filter((v) => v != null));
  const ids = JSON.stringify([...rows.map((row) => row.id), ...deleted]);
  const bases = Object.fromEntries(rows.filter((row) => row.server_version).map((row) => [row.id, row.server_version]));
  const checked = [
    project, caller, ids, JSON.stringify(updated.map((row) => row.id)), JSON.stringify(bases), given("parent_id"), given("assignee_id"),
    JSON.stringify(created.map((row) => row.id)), Number(rows.some((row) => row.planned_start !== undefined)),
  ];
  // One prepared statement for each set of columns.
  const prepared = new Map<string, D1Statement>();
  const prepare = (make: (columns: string[]) => string, columns: string[]) => {
    const key = `${make.name} ${columns}`;
    if (!prepared.has(key)) prepared.set(key, DB.prepare(make(columns)));
    return prepared.get(key)!;
  };
  const columnsOf = (row: Row) => taskColumns.filter((c) => row[c] !== undefined);
  const statements = [
    DB.prepare(selectAnswer).bind(project, caller, batch),
    DB.prepare(findProblem).bind(...checked),
    DB.prepare(draw).bind(...checked, name, batch),
    ...updated.map((row) => {
      const columns = columnsOf(row);
      return prepare(update, columns).bind(project, name, row.id, ...columns.map((c) => bindable(row[c])));
    }),
    ...created.map((row) =>
      prepare(upsert, columnsOf(row)).bind(project, name, row.id, ...taskColumns.map((c) => bindable(row[c] ?? defaults[c] ?? null))),
    ),
    ...deleted.map((id) => DB.prepare(buryTask).bind(project, name, id)),
    ...(deleted.length > 0 ? [DB.prepare(buryLinks).bind(project, name)] : []),
    DB.prepare(keepAnswer).bind(project, name, caller, batch, Date.now(), ids),
    DB.prepare("DELETE FROM ProjectUploads WHERE at < ?1").bind(Date.now() - 48 * 3600_000),
    DB.prepare(selectAnswer).bind(project, caller, batch),
  ];
  const results = await DB.batch(statements);
  if (results[0].results.length > 0) return results[0].results[0].answer;
  const wrong = results[1].results[0].problem;
  if (wrong !== null) throw new Refusal(statuses[wrong], wrong);
  const answer: string = results[results.length - 1].results[0].answer;
  const changed = ["tasks", ...(deleted.length > 0 ? ["dependencies"] : [])];
  ctx.waitUntil(env.SYNC_ROOM.get(env.SYNC_ROOM.idFromName(project)).publish(changed, JSON.parse(answer).timestamp));
  return answer;
}

export class SyncRoom extends DurableObject {
  async publish(changed: string[], timestamp: number) {
    for (const table of changed) {
      const message = JSON.stringify({ type: "change", table, timestamp });
      for (const ws of this.ctx.getWebSockets()) ws.send(message);
    }
  }
}

export default {
  async fetch(request: Request, env: Env, ctx: { waitUntil(p: unknown): void }) {
    const { pathname, searchParams } = new URL(request.url);
    const caller = await verify(request.headers.get("authorization")?.slice(7) ?? "", env.AUTH_SECRET);
    if (!caller) return new Response("unauthorized", { status: 401 });
    const project = /^\/api\/v1\/projects\/([\w.-]{1,64})\/sync\/$/.exec(pathname)?.[1];
    if (!project) return new Response("not found", { status: 404 });
    try {
      const answer =
        request.method === "POST"
          ? await upload(env, ctx, project, caller, await request.text())
          : await pull(env, project, caller, searchParams);
      return new Response(answer, { headers: { "content-type": "application/json" } });
    } catch (e) {
      if (!(e instanceof Refusal)) throw e;
      return Response.json({ status: e.status, code: e.code, detail: e.message }, { status: e.status });
    }
  },
};
