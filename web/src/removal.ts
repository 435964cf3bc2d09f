// The data of a person on this device, and its removal.
import { storageName } from "tidemark-client";

const removingKey = "tidemark-removing"; // the subjects whose data is being removed
const origin = { url: location.origin };

/** The name of something that a person has stored in a space. */
export const nameIn = (subject: string, space: string, ...parts: string[]) => storageName({ ...origin, space }, subject, ...parts);

// The prefix of the names in all spaces.
const prefixOf = (subject: string) => nameIn(subject, "");

/** The key of the number of rows of a database, in a tab's storage, that the server does not have yet. */
export const unsyncedKey = (subject: string, space: string, slot: string, database: string) => nameIn(subject, space, slot, "unsynced", database);

const oldUnsyncedPrefix = "tidemark-unsynced:";
/** Whether a person's database or key has a name of a version up to 0.1.0: without the server and the space. */
export function hasOldName(subject: string, name: string): boolean {
  const own = `tidemark-${subject}-`;
  const key = name.startsWith(oldUnsyncedPrefix) ? name.slice(oldUnsyncedPrefix.length) : name;
  return key.startsWith(own) && /^(\d+(-project.*|:.*)?|yjs-.*|unsaved:.*)$/s.test(key.slice(own.length));
}

/** Whether a database or a key of localStorage holds data of the person. */
const isOf = (subject: string, name: string) => name.startsWith(prefixOf(subject)) || hasOldName(subject, name);

/**
 * Returns how many changes of the person the server does not have yet, in all tabs' databases and in notes: in a space,
 * or in all of them.
 */
export function unsyncedWork(subject: string, space?: string): number {
  let count = 0;
  for (const [key, value] of Object.entries(localStorage)) {
    if (!(space === undefined ? isOf(subject, key) : key.startsWith(nameIn(subject, space, "")))) continue;
    if (key.startsWith(oldUnsyncedPrefix) || /,unsynced,[^,]*$/.test(key)) count += Number(value);
    else if (/,unsaved,[^,]*$|-unsaved:/s.test(key)) count++;
  }
  return count;
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
