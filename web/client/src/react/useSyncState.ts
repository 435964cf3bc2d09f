import type { Database } from "@nozbe/watermelondb";
import { useMemo, useSyncExternalStore } from "react";
import { syncState, type SyncState } from "../safe-sync.js";

/** Returns the state of a database's sync, for a status chip. */
export function useSyncState(database: Database): SyncState {
  const { get, subscribe } = useMemo(() => syncState(database), [database]);
  return useSyncExternalStore(subscribe, get);
}
