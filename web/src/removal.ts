// What a person has on this device, and how it is removed.

const unsyncedPrefix = "tidemark-unsynced:";
const removingKey = "tidemark-removing"; // the subjects whose data is being removed

/** The key that notes how many rows of a database the server lacks. */
export const unsyncedKey = (storage: string, database: string) => `${unsyncedPrefix}${storage}:${database}`;

/** Whether a database or a key of localStorage holds data of the person. */
function isOf(subject: string, name: string): boolean {
  const own = `tidemark-${subject}-`;
  const plain = name.startsWith(unsyncedPrefix) ? name.slice(unsyncedPrefix.length) : name;
  return plain.startsWith(own) && /^(\d+(-project.*|:.*)?|yjs-.*|unsaved:.*)$/s.test(plain.slice(own.length));
}

/** How many rows of the person, in all tabs' databases, the server lacks. */
export function unsyncedRows(subject: string): number {
  return Object.entries(localStorage)
    .filter(([key]) => key.startsWith(unsyncedPrefix) && isOf(subject, key))
    .reduce((sum, [, value]) => sum + Number(value), 0);
}

function removing(): string[] {
  return JSON.parse(localStorage.getItem(removingKey) ?? "[]");
}

/** Notes that the person's data is to be removed, which the next start of the page does. */
export function removeAtNextStart(subject: string) {
  localStorage.setItem(removingKey, JSON.stringify([...new Set([...removing(), subject])]));
}

/**
 * Removes what was noted. It runs before the page opens a database, and a database that another tab has open is
 * removed when that tab has closed it. A page that is closed meanwhile goes on at its next start.
 */
async function removeNoted(): Promise<void> {
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

/** Resolved when what was noted is removed; rejected if the browser could not, until the next start. */
export const removed = removeNoted();
removed.catch(() => {}); // told at the next sign-in
