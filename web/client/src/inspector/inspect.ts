// What the kit knows of its databases, sockets and documents, for the inspector's panel and for the browser's console.
import { Q, type Database } from "@nozbe/watermelondb";
import { getLastPulledAt } from "@nozbe/watermelondb/sync/impl/index.js";
import type { Row } from "../changes.js";
import { clockOffset } from "../clock-offset.js";
import { pendingRows, type PendingRow } from "../pending.js";
import { syncState, type SyncState } from "../safe-sync.js";
import { callJson, type Server } from "../server.js";
import { socketLog, type SocketInfo } from "../sockets.js";
import { syncLog, type SyncRecord } from "../sync-log.js";
import { explainRow, type Explanation, type RowFacts, type StoredRow } from "./explain.js";

/** An open document. */
export interface RoomInfo {
  readonly id: string;
  /** Of the document as one update. */
  readonly bytes: number;
  readonly synced: boolean;
  /** It has edits that the server may lack. */
  readonly unsaved: boolean;
  /** Why the device could not store it at the last attempt. */
  readonly error: string | null;
}

/** The part of a room of `tidemark-client/documents` that the inspector shows. */
export interface InspectedRoom extends Omit<RoomInfo, "error"> {
  readonly storageError: Error | null;
}

export interface Inspected {
  readonly server: Server;
  readonly database: Database;
  /** Whether the server explains the rows of the database; true if absent. It does not explain those of a project. */
  readonly explained?: boolean;
  /** openRooms() of `tidemark-client/documents`, if the app has documents. */
  readonly rooms?: () => readonly InspectedRoom[];
  /** Returns the ids of the documents with edits that the server may lack: unsavedRooms() of `tidemark-client/documents`. */
  readonly unsavedRooms?: () => readonly string[] | Promise<readonly string[]>;
}

export interface Marks {
  /** The stamp up to which this device has seen everything. */
  readonly lastPulledAt: number | null;
  readonly lastSyncAt: number | null;
  readonly schemaVersion: number;
  readonly phase: SyncState["phase"];
  readonly error: string | null;
}

/** A row, and why it is as it is. */
export interface ExplainedRow extends Explanation, RowFacts {
  /** Why nobody could ask the server. */
  readonly failure: string | null;
}

/** Answers questions about a database and what belongs to it. */
export class Inspector {
  constructor(readonly inspected: Inspected) {}

  get tables(): string[] {
    return Object.keys(this.inspected.database.collections.map);
  }

  /** The rows that the server does not have yet. */
  pending(): Promise<PendingRow[]> {
    return pendingRows(this.inspected.database);
  }

  /** The last syncs, the newest first. */
  syncs(): Promise<SyncRecord[]> {
    return syncLog(this.inspected.database);
  }

  async marks(): Promise<Marks> {
    const { database } = this.inspected;
    const { lastSyncAt, phase, error } = syncState(database).get();
    return { lastPulledAt: await this.#lastPulledAt(), lastSyncAt, schemaVersion: database.schema.version, phase, error: error?.message ?? null };
  }

  /** The WebSockets to the server. */
  sockets(): SocketInfo[] {
    const origin = this.inspected.server.url.replace(/^http/, "ws");
    return socketLog().filter(({ url }) => url.startsWith(origin));
  }

  /** The documents that are open. */
  rooms(): RoomInfo[] {
    return (this.inspected.rooms?.() ?? []).map(({ id, bytes, synced, unsaved, storageError }) => ({ id, bytes, synced, unsaved, error: storageError?.message ?? null }));
  }

  /** The ids of the documents that are not open and have edits that the server may lack. */
  async closedRooms(): Promise<string[]> {
    const open = this.rooms().map(({ id }) => id);
    return ((await this.inspected.unsavedRooms?.()) ?? []).filter((id) => !open.includes(id));
  }

  /** The server's clock minus the device's, in milliseconds; null if it is unknown. */
  clock(): number | null {
    return clockOffset(this.inspected.server);
  }

  /** Says why a row is as it is, here and on the server. */
  async explain(table: string, id: string): Promise<ExplainedRow> {
    const { server, database, explained = true } = this.inspected;
    let there: StoredRow | null = null;
    let failure: string | null = null;
    try {
      if (!explained) throw new Error("the server explains the rows of tables, and none of a project");
      there = await storedRow(server, table, id);
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
    const rejection = syncState(database).get().rejected.find((row) => row.table === table && row.id === id) ?? null;
    const facts = { table, id, here: await this.#here(table, id), there, lastPulledAt: await this.#lastPulledAt(), rejection, clockOffset: this.clock(), now: Date.now() };
    return { ...facts, ...explainRow(facts), failure };
  }

  async #lastPulledAt(): Promise<number | null> {
    return (await getLastPulledAt(this.inspected.database)) ?? null;
  }

  async #here(table: string, id: string): Promise<Row | null> {
    const { adapter, collections } = this.inspected.database;
    const collection = collections.map[table as keyof typeof collections.map];
    if (collection === undefined) return null;
    const [record] = await collection.query(Q.where("id", id)).fetch();
    if (record !== undefined) return { ...record._raw };
    const deleted = await adapter.getDeletedRecords(collection.table);
    return deleted.includes(id) ? { id, _status: "deleted", _changed: "" } : null;
  }
}

/** Returns what the server has of a row. */
export const storedRow = (server: Server, table: string, id: string): Promise<StoredRow> =>
  callJson(server, "GET", `/sync/explain?table=${encodeURIComponent(table)}&id=${encodeURIComponent(id)}`);

/**
 * Makes an inspector, and gives it to the browser's console as `__TIDEMARK__`, for instance `await __TIDEMARK__.pending()`.
 * Call it in development only: whoever opens the console reads the person's data. Returns the inspector.
 */
export function installInspector(inspected: Inspected): Inspector {
  const inspector = new Inspector(inspected);
  (globalThis as { __TIDEMARK__?: Inspector }).__TIDEMARK__ = inspector;
  return inspector;
}
