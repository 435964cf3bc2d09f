// The types of @nozbe/watermelondb/sync/impl that the kit uses, see watermelon-sync.d.ts.
import type { Database, Model } from "@nozbe/watermelondb";

/** What was written here: changes by table, and the records of those that were not deleted. */
export interface LocalChanges {
  changes: object;
  affectedRecords: Model[];
}

export function getLastPulledAt(database: Database): Promise<number | null>;
export function fetchLocalChanges(database: Database): Promise<LocalChanges>;
export function markLocalChangesAsSynced(database: Database, changes: LocalChanges): Promise<void>;
