// The last write wins by updated_at. A device whose clock is slow would lose
// against the very row that it edits; these helpers keep its edits ahead.
import type { Model } from "@nozbe/watermelondb";
import type { Row } from "./changes.js";

/** The updated_at of an edit: now, but later than the row that is edited. */
export function nextUpdatedAt(previous: number | null | undefined, now = Date.now()): number {
  return Math.max(now, (previous ?? 0) + 1);
}

const column = "updated_at";

/** Updates a record and, if its table has one, its updated_at. Call it in a writer, as record.update(). */
export function edit<Record extends Model>(record: Record, change: (record: Record) => void): Promise<Record> {
  const { [column]: before } = record._raw as { [column]?: number };
  return record.update((r) => {
    change(r);
    if (before !== undefined) r._setRaw(column, nextUpdatedAt(before));
  });
}

/**
 * For synchronize(): WatermelonDB merges an incoming row with local edits column
 * by column, but leaves the local updated_at on the result, and the server then
 * takes it for older than the row it was merged with. Here the merged row is later.
 */
export const mergedIsLater = (_table: string, _local: Row, remote: Row, resolved: Row): Row => {
  if (resolved["_changed"] && typeof remote[column] === "number") {
    resolved[column] = nextUpdatedAt(remote[column], Number(resolved[column]));
  }
  return resolved;
};
