// IndexedDB and localStorage of a browser, in memory: globals for the kit, and a disk for documents.mjs.
import { indexedDB, IDBKeyRange, IDBFactory, IDBObjectStore } from "fake-indexeddb";
import { newIndexedDbDocuments } from "../dist/documents/indexeddb.js";

/** localStorage: its keys are own properties, as in browsers. */
class Storage {
  getItem(key) {
    return Object.hasOwn(this, key) ? this[key] : null;
  }
  setItem(key, value) {
    this[key] = String(value);
  }
  removeItem(key) {
    delete this[key];
  }
}

let current; // the disk that is in use

for (const name of ["add", "put", "delete"]) {
  const real = IDBObjectStore.prototype[name];
  IDBObjectStore.prototype[name] = function (...parameters) {
    current?.write(this.transaction);
    return real.apply(this, parameters);
  };
}

class Dead extends Error {}

/** Begins a browser without data. */
export function browser() {
  Object.assign(globalThis, { indexedDB: new IDBFactory(), IDBKeyRange, localStorage: new Storage() });
  let [failAt, killAt, dead] = [0, 0, () => {}];
  const disk = {
    writes: 0,
    broken: false, // every write fails
    killed: new Promise((resolve) => (dead = resolve)),
    storage: newIndexedDbDocuments,
    fail: (n) => void (failAt = disk.writes + n),
    kill: (n) => void (killAt = disk.writes + n),
    write(transaction) {
      disk.writes++;
      if (disk.broken || disk.writes === failAt) {
        transaction._abort("QuotaExceededError");
        throw new DOMException("the disk is full", "QuotaExceededError");
      }
      if (killAt > 0 && disk.writes >= killAt) {
        transaction.abort();
        dead();
        throw new Dead();
      }
    },
    // The browser had not written the last of localStorage to the disk.
    async restart() {
      killAt = 0;
      globalThis.localStorage = new Storage();
      return newIndexedDbDocuments();
    },
  };
  current = disk;
  return disk;
}
