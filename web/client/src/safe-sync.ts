// One sync at a time for each database, and a state that a status chip can show.
import type { Database } from "@nozbe/watermelondb";
import { Q } from "@nozbe/watermelondb";
import { synchronize, type SyncPullResult, type SyncPushArgs } from "@nozbe/watermelondb/sync/index.js";
import type { PullInput } from "./app-router.js";
import { backoff } from "./backoff.js";
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

/** Where a database is synchronized with: structuredSource() or projectSource(). */
export interface SyncSource {
  pull(args: PullArgs): Promise<PullResult>;
  push(args: PushArgs): Promise<void>;
}

export interface SyncState {
  /** What goes on; `waiting`: failed, will try again by itself; `refused`: needs a person. */
  readonly phase: "idle" | "syncing" | "waiting" | "refused";
  /** Rows created, edited or deleted here that the server does not have yet. */
  readonly unsynced: number;
  /** When a sync last went through, in Unix milliseconds. */
  readonly lastSyncAt: number | null;
  /** Why the last sync failed. */
  readonly error: Error | null;
  /** The server wants a new token. */
  readonly unauthorized: boolean;
}

/** The HTTP status of what tRPC or callJson threw, or null if no answer came. */
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

// Asking again helps when nobody answered, when the server failed, was busy or
// saw a conflict; any other 4xx stays what it is.
const passes = (status: number | null) => status === null || status >= 500 || [408, 409, 429].includes(status);

/** How many rows of a database the server does not have yet. */
export async function countUnsynced(database: Database): Promise<number> {
  const counts = Object.values(database.collections.map).map(async (collection) => {
    const created = await collection.query(Q.where("_status", "created")).fetchCount();
    const updated = await collection.query(Q.where("_status", "updated")).fetchCount();
    return created + updated + (await database.adapter.getDeletedRecords(collection.table)).length;
  });
  return (await Promise.all(counts)).reduce((sum, n) => sum + n, 0);
}

const longestMillis = 2 ** 31 - 1; // of a timer

const lastSyncKey = "tidemark_last_sync_at";

class Syncer {
  state: SyncState = { phase: "idle", unsynced: 0, lastSyncAt: null, error: null, unauthorized: false };
  readonly listeners = new Set<() => void>();
  #running: Promise<SyncState> | null = null;
  #next: Promise<SyncState> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;

  constructor(readonly database: Database) {
    database.withChangesForTables(Object.keys(database.collections.map)).subscribe(() => void this.count());
    database.localStorage.get<number>(lastSyncKey).then(
      (at) => this.#report({ lastSyncAt: this.state.lastSyncAt ?? at ?? null }),
      () => {},
    );
  }

  sync(source: SyncSource): Promise<SyncState> {
    if (this.#running === null) return (this.#running = this.#run(source));
    return (this.#next ??= this.#running.then(() => {
      this.#next = null;
      return (this.#running = this.#run(source));
    }));
  }

  async #run(source: SyncSource): Promise<SyncState> {
    clearTimeout(this.#timer);
    this.#report({ phase: "syncing" });
    try {
      await synchronize({
        database: this.database,
        sendCreatedAsUpdated: true,
        pullChanges: ({ lastPulledAt, schemaVersion, migration }) =>
          source.pull({ lastPulledAt: lastPulledAt ?? null, schemaVersion, migration }) as Promise<SyncPullResult>,
        pushChanges: ({ changes, lastPulledAt }: SyncPushArgs) => source.push({ changes: changes as Changes, lastPulledAt }),
      });
      this.#failures = 0;
      this.#report({ phase: "idle", error: null, unauthorized: false, lastSyncAt: Date.now() });
      await this.database.localStorage.set(lastSyncKey, this.state.lastSyncAt);
    } catch (thrown) {
      this.#failed(source, thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
    this.#running = null;
    return this.count();
  }

  #failed(source: SyncSource, error: Error) {
    const status = statusOf(error);
    if (!passes(status)) {
      this.#report({ phase: "refused", error, unauthorized: status === 401 });
      return;
    }
    const wait = waitOf(error) || backoff(++this.#failures, 1000, 60_000); // 0 would be asking without end
    this.#timer = setTimeout(() => void this.sync(source), Math.min(wait, longestMillis));
    this.#report({ phase: "waiting", error, unauthorized: false });
  }

  async count(): Promise<SyncState> {
    // A database that cannot be read says so by the sync.
    const unsynced = await countUnsynced(this.database).catch(() => this.state.unsynced);
    if (unsynced !== this.state.unsynced) this.#report({ unsynced });
    return this.state;
  }

  #report(change: Partial<SyncState>) {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) {
      try {
        listener();
      } catch (error) {
        setTimeout(() => { throw error; }); // for the page to report; the sync goes on
      }
    }
  }
}

const syncers = new WeakMap<Database, Syncer>();

function syncerOf(database: Database): Syncer {
  const syncer = syncers.get(database) ?? new Syncer(database);
  syncers.set(database, syncer);
  return syncer;
}

/**
 * Pulls and pushes. Call it as often as you like: it never runs twice at once,
 * and all calls during a run share the one run that follows it. It never
 * throws: the state it answers (also syncState()) says what happened. After a
 * failure that may pass it tries again by itself, with growing waits; a server
 * that refuses is asked again at the next call.
 */
export function safeSyncDatabase(database: Database, source: SyncSource): Promise<SyncState> {
  return syncerOf(database).sync(source);
}

/** The state of a database's sync, in the form of React's useSyncExternalStore. */
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
