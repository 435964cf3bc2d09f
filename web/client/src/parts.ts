// How a push is cut into parts that the server takes, each of which succeeds or not.
import type { Changes, Row, TableChanges } from "./changes.js";
import { statusOf } from "./failure.js";
import type { PushLimits } from "./source.js";

/** One row of a push, or the id of a deleted one. */
export type Entry = { readonly table: string } & (
  | { readonly kind: "created" | "updated"; readonly row: Row; readonly id: string }
  | { readonly kind: "deleted"; readonly row: null; readonly id: string }
);

/**
 * Lists a push in the order in which it is cut: creations, of which parents come before what refers to them, then
 * updates, then deletions. Otherwise tables are in the schema's order, and rows as WatermelonDB lists them. Deletions
 * are in the reverse of that order.
 */
export function inOrder(changes: Changes): Entry[] {
  const tables = Object.entries(changes);
  const rows = (kind: "created" | "updated") =>
    tables.flatMap(([table, lists]) => lists[kind].map((row): Entry => ({ table, kind, row, id: row["id"] as string })));
  const deleted = tables.flatMap(([table, lists]) => lists.deleted.map((id): Entry => ({ table, kind: "deleted", row: null, id })));
  return [...parentsFirst(rows("created")), ...rows("updated"), ...deleted.reverse()];
}

// parentsFirst moves each row behind those whose ids it has in a column. LokiJS lists rows in any order, and a table can
// refer to itself.
function parentsFirst(entries: readonly Entry[]): Entry[] {
  const byId = new Map<unknown, Entry>(entries.map((entry) => [entry.id, entry]));
  const left = new Set(entries);
  const ordered: Entry[] = [];
  for (const entry of entries) {
    const path = left.delete(entry) ? [entry] : []; // each waits for the next one
    while (path.length > 0) {
      const values = Object.values(path[path.length - 1]!.row!);
      const parent = values.map((value) => byId.get(value)).find((other) => other !== undefined && left.delete(other));
      if (parent !== undefined) path.push(parent);
      else ordered.push(path.pop()!);
    }
  }
  return ordered;
}

/** A part of a push. */
export interface Part {
  readonly entries: readonly Entry[];
  readonly units: number;
}

/** Returns the part that begins at an index: as many entries as the limits allow, and at least one. */
export function cut(entries: readonly Entry[], from: number, limits: PushLimits): Part {
  let units = 0;
  let to = from;
  for (; to < entries.length && (to === from || to - from < limits.rows); to++) {
    const { row, id } = entries[to]!;
    const more = JSON.stringify(row ?? id).length + 1;
    if (to > from && units + more > limits.units) break;
    units += more;
  }
  return { entries: entries.slice(from, to), units };
}

/** Returns a part as changes of all the tables, as WatermelonDB pushes them. */
export function changesOf({ entries }: Part, tables: readonly string[]): Changes {
  const changes: Changes = Object.fromEntries(tables.map((table): [string, TableChanges] => [table, { created: [], updated: [], deleted: [] }]));
  for (const entry of entries) {
    const lists = changes[entry.table]!;
    if (entry.kind === "deleted") lists.deleted.push(entry.id);
    else lists[entry.kind].push(entry.row);
  }
  return changes;
}

/** A row that is too large by itself. */
class RowTooLargeError extends Error {
  readonly status = 413;
  constructor(
    readonly table: string,
    readonly id: string,
    override readonly cause: unknown,
  ) {
    super(`The row ${id} of ${table} is too large for the server: ${cause instanceof Error ? cause.message : cause}`);
    this.name = "RowTooLargeError";
  }
}

/** Returns limits of half of a part that was too large for the server. It throws any other error, and that of a single row. */
export function halved({ entries, units }: Part, error: unknown): PushLimits {
  const { data, message = "" } = error as { data?: { id?: string }; message?: string };
  // A full space takes no smaller push either, and an error with an id is about one row.
  if (statusOf(error) !== 413 || /LIMIT_SPACE_BYTES/.test(message) || data?.id !== undefined) throw error;
  const [{ table, id }] = entries as [Entry];
  if (entries.length === 1) throw new RowTooLargeError(table, id, error);
  return { rows: Math.ceil(entries.length / 2), units: Math.ceil(units / 2) };
}
