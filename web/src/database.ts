// The databases on this device, in IndexedDB.
import { Database, type AppSchema, type Model } from "@nozbe/watermelondb";
import type { SchemaMigrations } from "@nozbe/watermelondb/Schema/migrations";
import type { Class } from "@nozbe/watermelondb/types";
import LokiJSAdapter from "@nozbe/watermelondb/adapters/lokijs";
import { setGenerator } from "@nozbe/watermelondb/utils/common/randomId";
import { uuid } from "tidemark-client";
import { root } from "./reach";
import { hasOldName, nameIn, unsyncedKey } from "./removal";

setGenerator(uuid);

/** Called when the browser does not store data. */
let failed: (reason: string) => void = () => {};
export const onStorageFailure = (listener: typeof failed) => void (failed = listener);

export function openDatabase(name: string, schema: AppSchema, modelClasses: Class<Model>[], migrations?: SchemaMigrations): Database {
  const adapter = new LokiJSAdapter({
    dbName: name,
    schema,
    ...(migrations && { migrations }),
    useWebWorker: false,
    useIncrementalIndexedDB: true,
    extraLokiOptions: { autosave: true, autosaveInterval: 100 }, // milliseconds until a write is on disk
    onSetUpError: (error) => failed(String(error)),
    onQuotaExceededError: () => failed("This device has no space left. You lose your next changes when you close the page."),
  });
  return new Database({ adapter, modelClasses });
}

/** The storage of one tab in one space. */
export interface Storage {
  /** Returns the name of something in it, such as a database. */
  name(...parts: string[]): string;
  /** Returns what the kit's session calls one of its databases. */
  label(database: string): string;
  /** Returns the databases that have rows which the server does not have yet. */
  waiting(): string[];
}

const slots = Array.from({ length: 20 }, (_, slot) => String(slot));

function storageOf(subject: string, space: string, slot: string): Storage {
  const label = (database: string) => `${slot}/${database}`;
  const prefix = unsyncedKey(subject, space, label(""));
  return {
    name: (...parts) => nameIn(subject, space, slot, ...parts),
    label,
    waiting: () => Object.keys(localStorage).filter((key) => key.startsWith(prefix)).map((key) => decodeURIComponent(key.slice(prefix.length))),
  };
}

/**
 * Reserves storage of a space for this tab by a lock. LokiJS keeps a whole database in memory, and
 * tabs must not share one. So each tab of a person has databases of its own. Storage with
 * unsynced rows is taken first; with onlyWaiting no other is taken.
 */
export async function takeStorage(subject: string, space: string, onlyWaiting = false): Promise<Storage | undefined> {
  if (space === root) {
    const adopted = await takeOld(subject);
    if (adopted !== undefined) return adopted;
  }
  const all = slots.map((slot) => storageOf(subject, space, slot));
  const waiting = all.filter((storage) => storage.waiting().length > 0);
  for (const storage of new Set([...waiting, ...(onlyWaiting ? [] : all)])) {
    if (await hold(storage.name())) return storage;
  }
  if (onlyWaiting) return undefined;
  throw new Error(`Tidemark is open in ${slots.length} tabs. Close one.`);
}

// takeOld takes the storage of an earlier version, and moves it. A tab with that version keeps its own.
async function takeOld(subject: string): Promise<Storage | undefined> {
  if (!(await indexedDB.databases()).some(({ name }) => hasOldName(subject, name!))) return undefined;
  const { adopt, exists, oldLock, oldSlots } = await import("./adoption");
  for (const old of await oldSlots(subject)) {
    if (!(await hold(oldLock(subject, old)))) continue;
    for (const slot of slots) {
      const storage = storageOf(subject, root, slot);
      if ((await exists(subject, slot)) || !(await hold(storage.name()))) continue;
      await adopt(subject, old, slot, storage.label);
      return storage;
    }
  }
  return undefined;
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
