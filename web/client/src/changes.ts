// The changes of a sync, in WatermelonDB's form.

/** A raw row: id and columns. */
export type Row = Record<string, unknown>;

export interface TableChanges {
  created: Row[];
  updated: Row[];
  deleted: string[];
}

/** Changes by table. */
export type Changes = Record<string, TableChanges>;

/** Adds the rows of a page to those of the pages before it. */
export function append(changes: Changes, page: Changes) {
  for (const [table, { created, updated, deleted }] of Object.entries(page)) {
    const into = (changes[table] ??= { created: [], updated: [], deleted: [] });
    into.created = into.created.concat(created);
    into.updated = into.updated.concat(updated);
    into.deleted = into.deleted.concat(deleted);
  }
}
