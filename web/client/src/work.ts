// What of a person's work on this device the server does not have yet, in a form for the person.
import { Q, type Database } from "@nozbe/watermelondb";

/** Rows of a table that the server does not have yet, by what was done to them here. */
export interface TableWork {
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
}

/** A room with edits that the server may lack. */
export interface RoomWork {
  readonly space: string;
  readonly id: string;
}

export interface UnsyncedWork {
  /** The number of rows and rooms. */
  readonly total: number;
  /** The rows by table. A table without such rows is absent. */
  readonly tables: Readonly<Record<string, TableWork>>;
  readonly rooms: readonly RoomWork[];
}

export type Tables = Record<string, TableWork>;

/** Returns the unsynced rows of one database. */
export async function unsyncedTables(database: Database): Promise<Tables> {
  const counts = Object.values(database.collections.map).map(async (collection): Promise<[string, TableWork]> => {
    const [created, updated] = await Promise.all(["created", "updated"].map((status) => collection.query(Q.where("_status", status)).fetchCount()));
    const deleted = await database.adapter.getDeletedRecords(collection.table);
    return [collection.table, { created: created!, updated: updated!, deleted: deleted.length }];
  });
  return Object.fromEntries((await Promise.all(counts)).filter(([, work]) => sum(work) > 0));
}

const sum = ({ created, updated, deleted }: TableWork) => created + updated + deleted;

/** Returns the rows of all tables, by table, and the rooms. */
export function together(databases: readonly Tables[], rooms: readonly RoomWork[]): UnsyncedWork {
  const tables: Tables = {};
  for (const [table, work] of databases.flatMap(Object.entries) as [string, TableWork][]) {
    const { created, updated, deleted } = tables[table] ?? { created: 0, updated: 0, deleted: 0 };
    tables[table] = { created: created + work.created, updated: updated + work.updated, deleted: deleted + work.deleted };
  }
  return { total: Object.values(tables).reduce((total, work) => total + sum(work), rooms.length), tables, rooms };
}

/** Returns what the server does not have yet of the given databases. The app adds the rooms, if it has any. */
export async function unsyncedWork(databases: Iterable<Database>, rooms: readonly RoomWork[] = []): Promise<UnsyncedWork> {
  return together(await Promise.all([...databases].map(unsyncedTables)), rooms);
}
