// What a sync needs of a server, and what it tells the app.
import type { PullInput } from "./app-router.js";
import type { Changes, Row } from "./changes.js";

export interface PullArgs {
  /** The timestamp of the pull before, null at first. */
  lastPulledAt: number | null;
  schemaVersion: number;
  migration: NonNullable<PullInput["migration"]> | null;
  /** A source with pages calls it after each page, with the number of rows that arrived so far. */
  onProgress?: (rows: number) => void;
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
  /** The row as this device pushed it; null for a deletion. The kit adds it to what a source returns. */
  readonly mine?: Row | null;
}

/** An edit that the server did not store, because somebody else's later edit or deletion won. */
export interface Loss {
  readonly table: string;
  readonly id: string;
  /** The row as this device pushed it. */
  readonly mine: Row | null;
  /** The row that won; null if it is deleted, or if this person may not read it. */
  readonly theirs: Row | null;
}

/** What a replacement changes: the server was restored or purged, or lets this person read other rows than before. */
export interface Replacement {
  /** The rows that the device had and the server does not have. `unsynced`: with edits that never reached the server. */
  readonly deleted: readonly { table: string; id: string; mine: Row; unsynced: boolean }[];
  /** The rows with unsynced edits that stay. `theirs` is null if the server does not have the row: the device created it. */
  readonly kept: readonly { table: string; id: string; mine: Row; theirs: Row | null }[];
}

export interface PushResult {
  rejected: readonly Rejection[];
  /** The rows whose pushed edit lost. */
  superseded?: readonly Pick<Loss, "table" | "id">[];
}

/** What became of the person's edits. */
export interface SyncEvents {
  /**
   * Called after each push in which the server rejected rows, because a value fails a check or a rule forbids the
   * write. The database still has the person's rows. The kit then pulls at once, and the pull brings the server's rows.
   */
  onRejected?: ((rejections: readonly Rejection[]) => void) | undefined;
  /** Called after the pull that brings the rows that won over pushed edits. The kit pulls at once after such a push. */
  onSuperseded?: ((losses: readonly Loss[]) => void) | undefined;
  /** Called after a pull that replaced the rows of the database. */
  onReplaced?: ((replacement: Replacement) => void) | undefined;
}

/** The largest push that a source sends as one. */
export interface PushLimits {
  readonly rows: number;
  /** UTF-16 units of the rows as JSON, each of which is at most three bytes on the wire. */
  readonly units: number;
}

/** The server's side of a sync: structuredSource() or projectSource(). */
export interface SyncSource extends SyncEvents {
  pull(args: PullArgs): Promise<PullResult>;
  push(args: PushArgs): Promise<PushResult | void>;
  /** The kit cuts a larger push into parts, and calls push() for each. 5,000 rows and 4,000,000 units if absent. */
  readonly limits?: PushLimits;
}
