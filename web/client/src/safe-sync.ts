// One sync at a time for each database, and its state for a status chip.
import type { Database } from "@nozbe/watermelondb";
import { Q } from "@nozbe/watermelondb";
import { synchronize, type SyncPullArgs, type SyncPullResult, type SyncPushArgs } from "@nozbe/watermelondb/sync/index.js";
import type { PullInput } from "./app-router.js";
import { backoff, longestTimerMillis } from "./backoff.js";
import type { Changes } from "./changes.js";
import { HttpError, retryAfter } from "./server.js";

export interface PullArgs {
  /** The timestamp of the pull before, null at first. */
  lastPulledAt: number | null;
  schemaVersion: number;
  migration: NonNullable<PullInput["migration"]> | null;
}

export interface PullResult {
  changes: Changes;
  timestamp: number;
  experimentalStrategy?: "replacement";
}

export interface PushArgs {
  changes: Changes;
  lastPulledAt: number;
}

/** A row that the server rejected by itself. It took the other rows of the push. */
export interface Rejection {
  readonly table: string;
  readonly id: string;
  /** The column whose value fails a check; absent if a rule forbids the write. */
  readonly column?: string;
  readonly reason: string;
}

export interface PushResult {
  rejected: readonly Rejection[];
}

/** The server's side of a sync: structuredSource() or projectSource(). */
export interface SyncSource {
  pull(args: PullArgs): Promise<PullResult>;
  push(args: PushArgs): Promise<PushResult | void>;
  /** Called after each push in which the server rejected rows, and before the pull that brings the server's rows. */
  onRejected?: ((rejections: readonly Rejection[]) => void) | undefined;
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
}

/** Returns the HTTP status of an error of tRPC or callJson(); null if there was no response. */
export function statusOf(error: unknown): number | null {
  const e = error as { status?: number; data?: { httpStatus?: number }; meta?: { response?: Response }; cause?: unknown } | null;
  if (e?.cause instanceof HttpError) return e.cause.status;
  return e?.data?.httpStatus ?? e?.status ?? e?.meta?.response?.status ?? null;
}

function waitOf(error: unknown): number | null {
  const e = error as { retryAfterMillis?: number | null; meta?: { response?: Response }; cause?: unknown } | null;
  if (e?.cause instanceof HttpError) return e.cause.retryAfterMillis;
  return e?.retryAfterMillis ?? (e?.meta?.response ? retryAfter(e.meta.response.headers) : null);
}

// A new try helps if there was no response, or if the server failed, was busy or found a
// conflict. Any other 4xx would be the same again.
const isTemporary = (status: number | null) => status === null || status >= 500 || [408, 409, 429].includes(status);

/** Returns how many rows of a database the server does not have yet. */
export async function countUnsynced(database: Database): Promise<number> {
  const counts = Object.values(database.collections.map).map(async (collection) => {
    const created = await collection.query(Q.where("_status", "created")).fetchCount();
    const updated = await collection.query(Q.where("_status", "updated")).fetchCount();
    return created + updated + (await database.adapter.getDeletedRecords(collection.table)).length;
  });
  return (await Promise.all(counts)).reduce((sum, n) => sum + n, 0);
}

const lastSyncKey = "tidemark_last_sync_at";

class Syncer {
  state: SyncState = { phase: "idle", unsynced: 0, lastSyncAt: null, error: null, unauthorized: false, rejected: [] };
  readonly listeners = new Set<() => void>();
  #running: Promise<SyncState> | null = null;
  #next: Promise<SyncState> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #refused: Error | null = null; // by refuse(), since the last call of sync()

  constructor(readonly database: Database) {
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
    this.#report({ phase: "syncing" });
    try {
      if ((await this.#round(source)).length > 0) await synchronize(this.#pulling(source)); // it pushes nothing, so it ends
      this.#failures = 0;
      this.#report({ phase: "idle", error: null, unauthorized: false, lastSyncAt: Date.now() });
      await this.database.localStorage.set(lastSyncKey, this.state.lastSyncAt);
    } catch (thrown) {
      this.#failed(source, thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
    this.#running = null;
    if (this.#refused !== null) void this.refuse(this.#refused);
    return this.count();
  }

  #pulling(source: SyncSource) {
    return {
      database: this.database,
      sendCreatedAsUpdated: true,
      pullChanges: ({ lastPulledAt, schemaVersion, migration }: SyncPullArgs) =>
        source.pull({ lastPulledAt: lastPulledAt ?? null, schemaVersion, migration }) as Promise<SyncPullResult>,
    };
  }

  // #round pulls, pushes, and returns the rows that the server rejected. WatermelonDB marks them as synced, too: named
  // in its experimentalRejectedIds they would be pushed for ever.
  async #round(source: SyncSource): Promise<readonly Rejection[]> {
    let rejected: readonly Rejection[] | undefined; // undefined if nothing was pushed
    const pushChanges = async ({ changes, lastPulledAt }: SyncPushArgs) => {
      rejected = (await source.push({ changes: changes as Changes, lastPulledAt }))?.rejected ?? [];
    };
    await synchronize({ ...this.#pulling(source), pushChanges });
    const rejections = rejected ?? [];
    if (rejected !== undefined) this.#report({ rejected });
    if (rejections.length > 0) tell(() => source.onRejected?.(rejections));
    return rejections;
  }

  #failed(source: SyncSource, error: Error) {
    const status = statusOf(error);
    if (!isTemporary(status)) {
      this.#report({ phase: "refused", error, unauthorized: status === 401 });
      return;
    }
    const wait = waitOf(error) || backoff(++this.#failures, 1000, 60_000); // a wait of 0 would try without a pause
    this.#timer = setTimeout(() => void this.sync(source), Math.min(wait, longestTimerMillis));
    this.#report({ phase: "waiting", error, unauthorized: false });
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
