// One sync at a time for each database, and its state for a status chip.
import type { Database } from "@nozbe/watermelondb";
import { backoff, longestTimerMillis } from "./backoff.js";
import { pull, push, type Taken } from "./exchange.js";
import { isTemporary, statusOf, waitOf } from "./failure.js";
import { bare } from "./changes.js";
import { countUnsynced } from "./pending.js";
import type { Loss, Rejection, SyncSource } from "./source.js";
import { SyncLog, type SyncRecord } from "./sync-log.js";

/** How far a sync is. Numbers are rows. */
export interface Progress {
  readonly phase: "pull" | "push";
  readonly done: number;
  /** Null while a pull does not know it yet. */
  readonly total: number | null;
}

export interface SyncState {
  /** `waiting`: the sync failed and will try again by itself. `refused`: it failed and a person must act. */
  readonly phase: "idle" | "syncing" | "waiting" | "refused";
  /** Rows created, edited or deleted here that the server does not have yet. */
  readonly unsynced: number;
  /** The time of the last successful sync, in Unix milliseconds. */
  readonly lastSyncAt: number | null;
  /** The error of the last sync; null after a success. */
  readonly error: Error | null;
  /** The server needs a new token. */
  readonly unauthorized: boolean;
  /** The rows of the last push that the server rejected. */
  readonly rejected: readonly Rejection[];
  /** How far the sync is; null if none runs. */
  readonly progress: Progress | null;
}

const lastSyncKey = "tidemark_last_sync_at";

type Writable<T> = { -readonly [K in keyof T]: T[K] };

class Syncer {
  state: SyncState = { phase: "idle", unsynced: 0, lastSyncAt: null, error: null, unauthorized: false, rejected: [], progress: null };
  readonly listeners = new Set<() => void>();
  readonly #log: SyncLog;
  readonly #losses: Loss[] = []; // without `theirs`, which the next pull brings
  #running: Promise<SyncState> | null = null;
  #next: Promise<SyncState> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #refused: Error | null = null; // by refuse(), since the last call of sync()
  #resets: number; // of the database, as far as the state knows

  constructor(readonly database: Database) {
    this.#resets = database._resetCount;
    this.#log = new SyncLog(database);
    database.withChangesForTables(Object.keys(database.collections.map)).subscribe(() => void this.count());
    database.localStorage.get<number>(lastSyncKey).then(
      (at) => this.#report({ lastSyncAt: this.state.lastSyncAt ?? at ?? null }),
      () => {},
    );
  }

  sync(source: SyncSource): Promise<SyncState> {
    this.#refused = null;
    if (this.#running === null) return (this.#running = this.#run(source));
    return (this.#next ??= this.#running.then(() => {
      this.#next = null;
      return this.#refused === null ? (this.#running = this.#run(source)) : this.state;
    }));
  }

  async #run(source: SyncSource): Promise<SyncState> {
    clearTimeout(this.#timer);
    if (this.#resets !== this.database._resetCount) this.#forget();
    this.#report({ phase: "syncing", progress: { phase: "pull", done: 0, total: null } });
    const record: Writable<SyncRecord> = { at: Date.now(), millis: 0, pulled: 0, pushed: 0, rejected: 0, superseded: 0, replaced: false, error: null };
    try {
      await this.#pull(source, record);
      await this.#push(source, record);
      if (record.rejected + record.superseded > 0) await this.#pull(source, record); // it pushes nothing, so it ends
      this.#failures = 0;
      this.#report({ phase: "idle", error: null, unauthorized: false, lastSyncAt: Date.now(), progress: null });
      await this.database.localStorage.set(lastSyncKey, this.state.lastSyncAt);
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      record.error = error.message;
      this.#failed(source, error);
    }
    record.millis = Date.now() - record.at;
    await this.#log.add(record).catch(() => {}); // the state has the error of the database
    this.#running = null;
    if (this.#refused !== null) void this.refuse(this.#refused);
    return this.count();
  }

  // forget leaves nothing of the rows before a reset: they may have been another person's.
  #forget() {
    this.#resets = this.database._resetCount;
    this.#losses.length = 0;
    this.#report({ lastSyncAt: null, rejected: [] });
  }

  async #pull(source: SyncSource, record: Writable<SyncRecord>) {
    const { rows, changes, replaced, replacement } = await pull(this.database, source, (done, total) =>
      this.#report({ progress: { phase: "pull", done, total } }),
    );
    record.pulled += rows;
    record.replaced ||= replaced;
    if (replacement !== null) tell(() => source.onReplaced?.(replacement));
    const losses = this.#losses.splice(0).map((loss) => ({ ...loss, theirs: changes[loss.table]?.updated.find(({ id }) => id === loss.id) ?? null }));
    if (losses.length > 0) tell(() => source.onSuperseded?.(losses));
  }

  // WatermelonDB marks a rejected row as synced, too: named in its experimentalRejectedIds it would be pushed for ever.
  async #push(source: SyncSource, record: Writable<SyncRecord>) {
    let total = 0;
    const taken = ({ entries, result }: Taken) => {
      const mine = ({ table, id }: { table: string; id: string }) => {
        const row = entries.find((entry) => entry.id === id && entry.table === table)?.row;
        return row ? bare(row) : null;
      };
      const rejections = result.rejected.map((rejection) => ({ ...rejection, mine: mine(rejection) }));
      const losses = (result.superseded ?? []).map((loss) => ({ ...loss, mine: mine(loss), theirs: null }));
      this.#losses.push(...losses);
      const rejected = record.pushed === 0 ? rejections : [...this.state.rejected, ...rejections];
      record.pushed += entries.length;
      record.rejected += rejections.length;
      record.superseded += losses.length;
      this.#report({ rejected, progress: { phase: "push", done: record.pushed, total } });
      if (rejections.length > 0) tell(() => source.onRejected?.(rejections));
    };
    await push(this.database, source, (all) => this.#report({ progress: { phase: "push", done: 0, total: (total = all) } }), taken);
  }

  #failed(source: SyncSource, error: Error) {
    const status = statusOf(error);
    if (!isTemporary(status)) {
      this.#report({ phase: "refused", error, unauthorized: status === 401, progress: null });
      return;
    }
    const wait = waitOf(error) || backoff(++this.#failures, 1000, 60_000); // a wait of 0 would try without a pause
    this.#timer = setTimeout(() => void this.sync(source), Math.min(wait, longestTimerMillis));
    this.#report({ phase: "waiting", error, unauthorized: false, progress: null });
  }

  async refuse(error: Error) {
    this.#refused = error;
    clearTimeout(this.#timer);
    this.#report({ phase: "refused", error });
    await this.#running;
  }

  async count(): Promise<SyncState> {
    // The sync reports a database that cannot be read.
    const unsynced = await countUnsynced(this.database).catch(() => this.state.unsynced);
    if (unsynced !== this.state.unsynced) this.#report({ unsynced });
    return this.state;
  }

  #report(change: Partial<SyncState>) {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) tell(listener);
  }
}

// tell calls the app. The page reports the app's error, and the sync goes on.
function tell(listener: () => void) {
  try {
    listener();
  } catch (error) {
    setTimeout(() => { throw error; });
  }
}

const syncers = new WeakMap<Database, Syncer>();

function syncerOf(database: Database): Syncer {
  const syncer = syncers.get(database) ?? new Syncer(database);
  syncers.set(database, syncer);
  return syncer;
}

/**
 * Pulls and pushes. Call it as often as you like: it never runs twice at once, and all calls during a run share the
 * one run that follows. It never throws: it returns the state, as syncState() does. If the server rejected rows, it
 * pulls once more, and the database then has the server's rows. After a temporary failure it tries again by itself, with
 * growing waits. After any other failure it tries again at the next call.
 */
export function safeSyncDatabase(database: Database, source: SyncSource): Promise<SyncState> {
  return syncerOf(database).sync(source);
}

/**
 * Sets the state of a database's sync to refused, and ends its attempts until somebody calls safeSyncDatabase(). Resolves
 * when no sync runs any more.
 */
export const refuseSync = (database: Database, error: Error) => syncerOf(database).refuse(error);

/** Returns the state of a database's sync, in the form of React's useSyncExternalStore. */
export function syncState(database: Database): { get(): SyncState; subscribe(listener: () => void): () => void } {
  const syncer = syncerOf(database);
  return {
    get: () => syncer.state,
    subscribe: (listener) => {
      syncer.listeners.add(listener);
      void syncer.count();
      return () => void syncer.listeners.delete(listener);
    },
  };
}
