// When to sync: at the start, after local writes, on a notification, and on each new
// connection. Rich text has its own connection and does not need this.
import type { Database } from "@nozbe/watermelondb";
import { countUnsynced } from "./pending.js";
import { backoff } from "./backoff.js";
import { browserPlatform, type Platform } from "./platform.js";
import { refuseSync, safeSyncDatabase, syncState } from "./safe-sync.js";
import { CLOSE_DELETED, ClosedError, type Server } from "./server.js";
import type { SyncSource } from "./source.js";
import { subscribe } from "./subscribe.js";

export interface TriggerOptions {
  server: Server;
  /** The path of the notifications; `/sync/subscribe` if absent. */
  path?: string;
  /** How long to wait for more local writes before syncing, 300 ms if absent. */
  debounceMillis?: number;
  /** What tells that the device is online and the app active; browserPlatform if absent. In React Native reactNativePlatform(). */
  platform?: Platform;
}

/**
 * Keeps a database in sync, and returns a function that stops. Rows written before the stop still go to the server.
 * A missed notification loses nothing: each connection begins with a hello, which pulls. After a rejected token it
 * listens again when a sync begins with a new one. When somebody deletes the space, it does not sync any more: a push
 * would make the space again. The state then has a ClosedError, and the database its rows.
 */
export function syncTriggers(database: Database, source: SyncSource, options: TriggerOptions): () => void {
  const { server, path, debounceMillis = 300, platform = browserPlatform } = options;
  let deleted = false;
  const sync = () => void (deleted || server.signal?.aborted || safeSyncDatabase(database, source));

  let timer: ReturnType<typeof setTimeout> | null = null;
  const changes = database.withChangesForTables(Object.keys(database.collections.map)).subscribe((changed) => {
    if (changed === null) return; // the first call of a new subscription
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(settled, debounceMillis);
  });
  async function settled() {
    timer = null;
    if ((await countUnsynced(database)) > 0) sync();
  }

  let ticketToken: string | null = null; // the token of the last ticket
  let refused = false;
  let refusals = 0; // since the last notification
  let pause: ReturnType<typeof setTimeout> | undefined;
  const listen = () =>
    subscribe({ url: server.url, space: server.space ?? "", signal: server.signal, token: () => (ticketToken = server.token()) }, {
      ...(path === undefined ? {} : { path }),
      platform,
      onNotification: () => {
        refusals = 0;
        sync();
      },
      onRefused: (code, reason) => {
        if (code === CLOSE_DELETED) {
          deleted = true;
          refuseSync(database, new ClosedError(code, reason));
          return;
        }
        refused = true;
        refusals++;
        sync(); // its state gives the reason
      },
    });
  let unsubscribe = listen();
  const unwatch = syncState(database).subscribe(() => {
    if (!refused || server.token() === ticketToken) return;
    refused = false;
    if (refusals === 1) unsubscribe = listen();
    else pause = setTimeout(() => (unsubscribe = listen()), backoff(refusals, 1000, 60_000)); // token() may return a new one at each call
  });
  const unheed = [platform.onActive?.(sync), platform.onConnection?.((online) => online && sync())];
  sync();

  return () => {
    changes.unsubscribe();
    unsubscribe();
    unwatch();
    clearTimeout(pause);
    if (timer !== null) {
      clearTimeout(timer);
      void settled();
    }
    for (const stop of unheed) stop?.();
  };
}
