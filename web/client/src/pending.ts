// The rows that the server does not have yet.
import { Q, type Database } from "@nozbe/watermelondb";
import { bare, type Row } from "./changes.js";

export interface PendingRow {
  readonly table: string;
  readonly id: string;
  readonly status: "created" | "updated" | "deleted";
  /** The columns that this device wrote; all of a new row, none of a deleted one. */
  readonly changed: string[];
  /** The row as it is here; null if it is deleted. */
  readonly row: Row | null;
}

/** Returns how many rows of a database the server does not have yet. */
export async function countUnsynced(database: Database): Promise<number> {
  const counts = Object.values(database.collections.map).map(async (collection) => {
    const created = await collection.query(Q.where("_status", "created")).fetchCount();
    const updated = await collection.query(Q.where("_status", "updated")).fetchCount();
    return created + updated + (await database.adapter.getDeletedRecords(collection.table)).length;
  });
  return (await Promise.all(counts)).reduce((sum, n) => sum + n, 0);
}

/** Returns the rows that were created, edited or deleted here and that the server does not have yet. */
export async function pendingRows(database: Database): Promise<PendingRow[]> {
  const lists = Object.values(database.collections.map).map(async (collection) => {
    const { table } = collection;
    const written = await collection.query(Q.where("_status", Q.oneOf(["created", "updated"]))).fetch();
    const deleted = await database.adapter.getDeletedRecords(table);
    return [
      ...written.map(({ id, _raw }): PendingRow => {
        const row = bare(_raw);
        const { id: _, ...columns } = row;
        const changed = _raw._status === "created" ? Object.keys(columns) : _raw._changed.split(",").filter(Boolean);
        return { table, id, status: _raw._status as "created" | "updated", changed, row };
      }),
      ...deleted.map((id): PendingRow => ({ table, id, status: "deleted", changed: [], row: null })),
    ];
  });
  return (await Promise.all(lists)).flat();
}
