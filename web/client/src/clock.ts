// If two edited a row without having seen each other's edit, the later updated_at wins.
// These helpers keep the edits of a device with a slow clock later than the row that it edits.
import type { Model } from "@nozbe/watermelondb";

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
