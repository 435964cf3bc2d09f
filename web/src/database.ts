// The databases on this device, in IndexedDB.
import { Database, type AppSchema, type Model } from "@nozbe/watermelondb";
import type { Class } from "@nozbe/watermelondb/types";
import LokiJSAdapter from "@nozbe/watermelondb/adapters/lokijs";
import { setGenerator } from "@nozbe/watermelondb/utils/common/randomId";
import { uuid } from "tidemark-client";
import { unsyncedKey } from "./removal";

setGenerator(uuid);

/** Called when the browser does not store data. */
let failed: (reason: string) => void = () => {};
export const onStorageFailure = (listener: typeof failed) => void (failed = listener);

export function openDatabase(name: string, schema: AppSchema, modelClasses: Class<Model>[]): Database {
  const adapter = new LokiJSAdapter({
    dbName: name,
    schema,
    useWebWorker: false,
    useIncrementalIndexedDB: true,
    extraLokiOptions: { autosave: true, autosaveInterval: 100 }, // milliseconds until a write is on disk
    onSetUpError: (error) => failed(String(error)),
    onQuotaExceededError: () => failed("This device has no space left. You lose your next changes when you close the page."),
  });
  return new Database({ adapter, modelClasses });
}

/** The storage of one tab. */
export interface Storage {
  /** The prefix of the names of its databases. */
  name: string;
  /** Stores how many rows of a database the server does not have yet. */
  remember(database: string, unsynced: number): void;
  /** Returns the databases that have such rows. */
  waiting(): string[];
}

const slots = 20;
function waiting(name: string): string[] {
  const prefix = unsyncedKey(name, "");
  return Object.keys(localStorage).filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
}

/**
 * Reserves storage for this tab by a lock. LokiJS keeps a whole database in memory, and
 * tabs must not share one. So each tab of a person has databases of its own. Storage with
 * unsynced rows is taken first.
 */
export async function takeStorage(subject: string): Promise<Storage> {
  const names = Array.from({ length: slots }, (_, slot) => `tidemark-${subject}-${slot}`);
  for (const name of new Set([...names.filter((n) => waiting(n).length > 0), ...names])) {
    if (!(await hold(name))) continue;
    const remember = (database: string, unsynced: number) => {
      const key = unsyncedKey(name, database);
      if (unsynced > 0) localStorage.setItem(key, String(unsynced));
      else localStorage.removeItem(key);
    };
    return { name, remember, waiting: () => waiting(name) };
  }
  throw new Error(`Tidemark is open in ${slots} tabs. Close one.`);
}

// hold takes a lock until the tab is closed. It returns false if another tab has it.
// A page without a secure context has no locks: its tabs share one storage.
function hold(name: string): Promise<boolean> {
  if (!("locks" in navigator)) return Promise.resolve(true);
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock === null ? undefined : new Promise(() => {});
      })
      .catch(reject);
  });
}
