// The data of a person on this device, and its removal.

const unsyncedPrefix = "tidemark-unsynced:";
const removingKey = "tidemark-removing"; // the subjects whose data is being removed

/** The key of the number of rows of a database that the server does not have yet. */
export const unsyncedKey = (storage: string, database: string) => `${unsyncedPrefix}${storage}:${database}`;

/** Whether a database or a key of localStorage holds data of the person. */
function isOf(subject: string, name: string): boolean {
  const own = `tidemark-${subject}-`;
  const key = name.startsWith(unsyncedPrefix) ? name.slice(unsyncedPrefix.length) : name;
  return key.startsWith(own) && /^(\d+(-project.*|:.*)?|yjs-.*|unsaved:.*)$/s.test(key.slice(own.length));
}

/** Returns how many of the person's rows, in all tabs' databases, the server does not have yet. */
export function unsyncedRows(subject: string): number {
  return Object.entries(localStorage)
    .filter(([key]) => key.startsWith(unsyncedPrefix) && isOf(subject, key))
    .reduce((sum, [, value]) => sum + Number(value), 0);
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

function removeDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error);
  });
}

/** Resolves when the marked data is removed. Rejects if the browser could not remove it; the next start tries again. */
export const removed = removeMarked();
removed.catch(() => {}); // signIn() reports it
