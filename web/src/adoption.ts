// Versions up to 0.1.0 called a person's databases tidemark-SUBJECT-SLOT, without the server
// and the space. What they hold is of the root. It moves to the new names, unsynced rows too.
import { nameIn, removeDatabase, unsyncedKey } from "./removal";
import { root } from "./reach";

const projectId = "[A-Za-z0-9][A-Za-z0-9._-]*";

/** Returns the old storages of a person that are still here, by their slots. */
export async function oldSlots(subject: string): Promise<string[]> {
  const own = `tidemark-${subject}-`;
  const slots = (await names()).filter((name) => name.startsWith(own)).map((name) => new RegExp(`^(\\d+)(-project-${projectId})?$`).exec(name.slice(own.length))?.[1]);
  return [...new Set(slots.filter((slot) => slot !== undefined))];
}

/** The lock that an old version of the page holds while it has the storage open. */
export const oldLock = (subject: string, slot: string) => `tidemark-${subject}-${slot}`;

/** Whether a storage with the new name exists. */
export const exists = async (subject: string, slot: string) => (await names()).includes(nameIn(subject, root, slot));

/** Moves an old storage to a slot that does not exist yet. If the page is closed meanwhile, the next start goes on. */
export async function adopt(subject: string, oldSlot: string, slot: string, label: (database: string) => string) {
  const old = oldLock(subject, oldSlot);
  const project = `${old}-project-`;
  for (const name of await names()) {
    if (name !== old && !name.startsWith(project)) continue;
    await copy(name, name === old ? nameIn(subject, root, slot) : nameIn(subject, root, slot, "project", name.slice(project.length)));
    await removeDatabase(name);
  }
  const unsynced = `tidemark-unsynced:${old}:`;
  for (const [key, value] of Object.entries(localStorage)) {
    if (key.startsWith(unsynced)) localStorage.setItem(unsyncedKey(subject, root, label(key.slice(unsynced.length))), noteOf(Number(value)));
    else if (key === `${old}-projects`) localStorage.setItem(nameIn(subject, root, slot, "projects"), value);
    else continue;
    localStorage.removeItem(key);
  }
}

// noteOf is the note of the kit's session on a number of unsynced rows, until it counts them by table.
const noteOf = (updated: number) => JSON.stringify({ rows: { created: 0, updated, deleted: 0 } });

const names = async () => (await indexedDB.databases()).map(({ name }) => name!);

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

// copy makes a database with all of another's rows, in one transaction. LokiJS keeps the
// keys in the rows.
async function copy(from: string, to: string) {
  const source = await done(indexedDB.open(from));
  const stores = [...source.objectStoreNames];
  const rows = await Promise.all(stores.map((store) => done(source.transaction(store).objectStore(store).getAll())));
  const keyPaths = stores.map((store) => source.transaction(store).objectStore(store).keyPath);
  const request = indexedDB.open(to, source.version);
  request.onupgradeneeded = () =>
    stores.forEach((name, i) => {
      const store = request.result.createObjectStore(name, { keyPath: keyPaths[i]! });
      for (const row of rows[i]!) store.put(row);
    });
  (await done(request)).close();
  source.close();
}
