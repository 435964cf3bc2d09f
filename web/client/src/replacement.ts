// What a replacement does to the rows of a database.
import { Q, type Database } from "@nozbe/watermelondb";
import { bare, type Changes, type Row } from "./changes.js";
import { pendingRows } from "./pending.js";
import type { Replacement } from "./source.js";

/**
 * Returns what WatermelonDB will do with the pulled changes of a replacement: it deletes each row that is not in them,
 * except for new rows that were never pushed.
 */
export async function replacementOf(database: Database, changes: Changes): Promise<Replacement> {
  const server = new Map<string, Map<unknown, Row>>();
  for (const [table, { created, updated }] of Object.entries(changes)) {
    server.set(table, new Map([...created, ...updated].map((row) => [row["id"], row])));
  }
  const deleted: Replacement["deleted"][number][] = [];
  for (const [table, rows] of server) {
    const collection = database.collections.map[table];
    if (collection === undefined) continue;
    const gone = (await collection.query().fetchIds()).filter((id) => !rows.has(id));
    for (const { id, _raw } of gone.length > 0 ? await collection.query(Q.where("id", Q.oneOf(gone))).fetch() : []) {
      if (_raw._status !== "created") deleted.push({ table, id, mine: bare(_raw), unsynced: _raw._status !== "synced" });
    }
  }
  const lost = new Set(deleted.map(({ table, id }) => `${table} ${id}`));
  const kept = (await pendingRows(database)).flatMap(({ table, id, row }) =>
    row !== null && !lost.has(`${table} ${id}`) ? { table, id, mine: row, theirs: server.get(table)?.get(id) ?? null } : [],
  );
  return { deleted, kept };
}
