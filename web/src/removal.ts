// The data of a person on this device, and its removal.
import { storageName } from "tidemark-client";

const removingKey = "tidemark-removing"; // the subjects whose data is being removed
const origin = { url: location.origin };

/** The name of something that a person has stored in a space. */
export const nameIn = (subject: string, space: string, ...parts: string[]) => storageName({ ...origin, space }, subject, ...parts);

// The prefix of the names in all spaces.
const prefixOf = (subject: string) => nameIn(subject, "");

/** The key under which the kit's session notes the unsynced rows of a database. */
export const unsyncedKey = (subject: string, space: string, label: string) => nameIn(subject, space, "unsynced", label);

const oldUnsyncedPrefix = "tidemark-unsynced:";
/** Whether a person's database or key has a name of a version up to 0.1.0: without the server and the space. */
export function hasOldName(subject: string, name: string): boolean {
  const own = `tidemark-${subject}-`;
  const key = name.startsWith(oldUnsyncedPrefix) ? name.slice(oldUnsyncedPrefix.length) : name;
  return key.startsWith(own) && /^(\d+(-project.*|:.*)?|yjs-.*|unsaved:.*)$/s.test(key.slice(own.length));
}

/** Whether a database or a key of localStorage holds data of the person. */
const isOf = (subject: string, name: string) => name.startsWith(prefixOf(subject)) || hasOldName(subject, name);

/** Returns how many changes that the server does not have yet are stored under names of versions up to 0.1.0. */
export function oldUnsyncedWork(subject: string): number {
  const old = Object.entries(localStorage).filter(([key]) => hasOldName(subject, key));
  return old.reduce((sum, [key, value]) => sum + (key.startsWith(oldUnsyncedPrefix) ? Number(value) : Number(/-unsaved:/.test(key))), 0);
}

function removing(): string[] {
  return JSON.parse(localStorage.getItem(removingKey) ?? "[]");
}

/** Marks the person's data. The next start of the page removes it. */
export function removeAtNextStart(subject: string) {
  localStorage.setItem(removingKey, JSON.stringify([...new Set([...removing(), subject])]));
}

/**
 * Removes the data of marked persons. It runs before the page opens a database. The browser removes a database that
 * another tab has open when that tab closes it. If the page is closed meanwhile, the next start goes on.
 */
async function removeMarked(): Promise<void> {
  for (const subject of removing()) {
    const databases = (await indexedDB.databases()).map(({ name }) => name!).filter((name) => isOf(subject, name));
    await Promise.all(databases.map(removeDatabase));
    for (const key of Object.keys(localStorage)) if (isOf(subject, key)) localStorage.removeItem(key);
    localStorage.setItem(removingKey, JSON.stringify(removing().filter((other) => other !== subject)));
  }
}

export function removeDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error);
  });
}

/** Resolves when the marked data is removed. Rejects if the browser could not remove it; the next start tries again. */
export const removed = removeMarked();
removed.catch(() => {}); // signIn() reports it
