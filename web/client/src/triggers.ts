// When to sync: at the start, after local writes, on a notification, and on
// every (re)connection. Rich text has its own connection and needs none of these.
import type { Database } from "@nozbe/watermelondb";
import { cancelRetry, countUnsynced, safeSyncDatabase, type SyncSource } from "./safe-sync.js";
import type { Server } from "./server.js";
import { subscribe } from "./subscribe.js";

export interface TriggerOptions {
  server: Server;
  /** Where to listen; `/sync/subscribe` if absent. */
  path?: string;
  /** How long to wait for more local writes before syncing, 300 ms if absent. */
  debounceMillis?: number;
  onConnected?(connected: boolean): void;
  onRefused?(code: number, reason: string): void;
}

/**
 * Keeps a database in sync until the function that it answers is called.
 * A notification that was missed while away costs nothing: the hello of each
 * connection pulls.
 */
export function syncTriggers(database: Database, source: SyncSource, options: TriggerOptions): () => void {
  const { server, path, debounceMillis = 300, onConnected, onRefused } = options;
  const sync = () => void safeSyncDatabase(database, source);

  let timer: ReturnType<typeof setTimeout> | undefined;
  const changes = database.withChangesForTables(Object.keys(database.collections.map)).subscribe((changed) => {
    if (changed === null) return; // what a new subscriber is told first
    clearTimeout(timer);
    timer = setTimeout(async () => {
      if ((await countUnsynced(database)) > 0) sync();
    }, debounceMillis);
  });

  const unsubscribe = subscribe(server, {
    ...(path === undefined ? {} : { path }),
    onNotification: sync,
    ...(onConnected ? { onConnected } : {}),
    ...(onRefused ? { onRefused } : {}),
  });
  const visible = () => {
    if (document.visibilityState === "visible") sync();
  };
  globalThis.addEventListener?.("online", sync);
  globalThis.document?.addEventListener("visibilitychange", visible);
  sync();

  return () => {
    clearTimeout(timer);
    changes.unsubscribe();
    unsubscribe();
    cancelRetry(database);
    globalThis.removeEventListener?.("online", sync);
    globalThis.document?.removeEventListener("visibilitychange", visible);
  };
}
