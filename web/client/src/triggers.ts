// When to sync: at the start, after local writes, on a notification, and on
// every (re)connection. Rich text has its own connection and needs none of these.
import type { Database } from "@nozbe/watermelondb";
import { countUnsynced, safeSyncDatabase, syncState, type SyncSource } from "./safe-sync.js";
import type { Server } from "./server.js";
import { subscribe } from "./subscribe.js";

export interface TriggerOptions {
  server: Server;
  /** Where to listen; `/sync/subscribe` if absent. */
  path?: string;
  /** How long to wait for more local writes before syncing, 300 ms if absent. */
  debounceMillis?: number;
}

/**
 * Keeps a database in sync until the function that it answers is called. What
 * was written before that call still goes to the server.
 * A notification that was missed while away costs nothing: the hello of each
 * connection pulls. Refused, it listens again when a sync begins with a new token.
 */
export function syncTriggers(database: Database, source: SyncSource, options: TriggerOptions): () => void {
  const { server, path, debounceMillis = 300 } = options;
  const sync = () => void safeSyncDatabase(database, source);

  let timer: ReturnType<typeof setTimeout> | null = null;
  const changes = database.withChangesForTables(Object.keys(database.collections.map)).subscribe((changed) => {
    if (changed === null) return; // what a new subscriber is told first
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(settled, debounceMillis);
  });
  async function settled() {
    timer = null;
    if ((await countUnsynced(database)) > 0) sync();
  }

  let used: string | null = null; // the token of the last ticket
  let refused = false;
  const listen = () =>
    subscribe({ url: server.url, token: () => (used = server.token()) }, {
      ...(path === undefined ? {} : { path }),
      onNotification: sync,
      onRefused: () => {
        refused = true;
        sync(); // its answer says why
      },
    });
  let unsubscribe = listen();
  const unwatch = syncState(database).subscribe(() => {
    if (!refused || server.token() === used) return;
    refused = false;
    unsubscribe = listen();
  });
  const visible = () => {
    if (document.visibilityState === "visible") sync();
  };
  globalThis.addEventListener?.("online", sync);
  globalThis.document?.addEventListener("visibilitychange", visible);
  sync();

  return () => {
    changes.unsubscribe();
    unsubscribe();
    unwatch();
    if (timer !== null) {
      clearTimeout(timer);
      void settled();
    }
    globalThis.removeEventListener?.("online", sync);
    globalThis.document?.removeEventListener("visibilitychange", visible);
  };
}
