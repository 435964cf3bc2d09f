// The log of the last 200 syncs. The database stores it in its local storage, in segments of 20 records, so that a
// sync writes its segment and not the whole log.
import type { Database } from "@nozbe/watermelondb";

/** One sync. Numbers are rows. */
export interface SyncRecord {
  /** When it began, in Unix milliseconds. */
  readonly at: number;
  readonly millis: number;
  readonly pulled: number;
  readonly pushed: number;
  readonly rejected: number;
  readonly superseded: number;
  /** Whether the server sent a replacement. */
  readonly replaced: boolean;
  /** Why it failed, in at most 200 characters; null if it did not. */
  readonly error: string | null;
}

interface Segment {
  readonly number: number;
  readonly records: readonly SyncRecord[]; // the oldest first
}

const logRecords = 200;
const segmentRecords = 20;
const segments = logRecords / segmentRecords + 1; // the newest one is not full
const longestError = 200;
const key = (number: number) => `tidemark_sync_log_${number % segments}`;

async function read(database: Database): Promise<Segment[]> {
  const found = await Promise.all(Array.from({ length: segments }, (_, i) => database.localStorage.get<Segment>(key(i))));
  return found.filter((segment) => segment !== undefined).sort((a, b) => a.number - b.number);
}

/** Returns the last syncs of a database, at most 200, the newest first. They survive a restart of the app. */
export async function syncLog(database: Database): Promise<SyncRecord[]> {
  return (await read(database)).flatMap(({ records }) => records).reverse().slice(0, logRecords);
}

/** Writes the log of a database. */
export class SyncLog {
  #number: number | undefined; // of the segment that gets the next record

  constructor(readonly database: Database) {}

  async add(record: SyncRecord): Promise<void> {
    const { localStorage } = this.database;
    this.#number ??= (await read(this.database)).pop()?.number ?? 0;
    let records = (await localStorage.get<Segment>(key(this.#number)))?.records ?? []; // none after a reset of the database
    if (records.length >= segmentRecords) {
      this.#number++;
      records = [];
    }
    const error = record.error?.slice(0, longestError) ?? null;
    await localStorage.set(key(this.#number), { number: this.#number, records: [...records, { ...record, error }] });
  }
}
