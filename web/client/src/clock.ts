// If two devices edit a row without having seen each other's edit, the later updated_at wins.
// With these helpers an edit is later than the row that it edits, also on a slow clock.
import type { Model } from "@nozbe/watermelondb";

/** Returns the updated_at of an edit: now, or the old value plus 1 if that is later. */
export function nextUpdatedAt(previous: number | null | undefined, now = Date.now()): number {
  return Math.max(now, (previous ?? 0) + 1);
}

const column = "updated_at";

/** Updates a record and, if its table has the column, its updated_at. Call it in a writer, as record.update(). */
export function edit<Record extends Model>(record: Record, change: (record: Record) => void): Promise<Record> {
  const { [column]: before } = record._raw as { [column]?: number };
  return record.update((r) => {
    change(r);
    if (before !== undefined) r._setRaw(column, nextUpdatedAt(before));
  });
}
