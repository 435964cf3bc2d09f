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

/** Returns the number of rows and ids in changes. */
export const countChanges = (changes: Changes) =>
  Object.values(changes).reduce((n, { created, updated, deleted }) => n + created.length + updated.length + deleted.length, 0);

/** Returns a row without the columns of WatermelonDB's own. */
export function bare({ _status, _changed, ...row }: Row): Row {
  return row;
}
