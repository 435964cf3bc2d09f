// Documents in IndexedDB: a database for each, as y-indexeddb makes it. Its store `updates` has the updates. Its store
// `custom` has the marks of those that the server may lack: [mark, key of the update]. So both are written by one transaction.
//
// One more database for each owner, the index, lists the rooms with marks, as nobody can open all databases to look for them. It
// never lacks a room: before a room writes its first mark, it writes to the index, with the epoch of the document. When a room takes
// the last mark, it first begins the document's next epoch, and then removes the room from the index if no later epoch is there.
// A room that finds another epoch than its own while it writes a mark writes to the index again before.
import { moveMarks, nameOf, note, unnote, unsavedNow } from "./marks.js";
import type { DocumentStorage, DocumentStore, Place } from "./storage.js";

const mark = "tidemark-unsaved";
const epochKey = "tidemark-epoch";
const marks = () => IDBKeyRange.bound([mark], [mark, []]);

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** A database that opens when it is needed, and again after the browser closed it. */
class Base {
  #opening: Promise<IDBDatabase> | null = null;
  removed = false;

  constructor(
    readonly name: string,
    readonly upgrade: (db: IDBDatabase) => void,
  ) {}

  #open(): Promise<IDBDatabase> {
    if (this.removed) return Promise.reject(new Error("Somebody removed this data from the device."));
    const request = indexedDB.open(this.name);
    request.onupgradeneeded = () => this.upgrade(request.result);
    return done(request).then((db) => {
      db.onversionchange = () => {
        this.removed = true;
        this.close();
      };
      db.onclose = () => (this.#opening = null);
      return db;
    });
  }

  /** Runs a transaction. Resolves to what `work` left in its result when everything is written. */
  async run<T>(mode: IDBTransactionMode, stores: string[], work: (stores: IDBObjectStore[]) => { result: T }): Promise<T> {
    this.#opening ??= this.#open();
    const db = await this.#opening.catch((error) => {
      this.#opening = null;
      throw error;
    });
    return new Promise<T>((resolve, reject) => {
      // Otherwise Chromium does not wait for the disk, and a power cut takes what counts as saved.
      const transaction = db.transaction(stores, mode, { durability: "strict" });
      const out = work(stores.map((store) => transaction.objectStore(store)));
      transaction.oncomplete = () => resolve(out.result);
      transaction.onabort = () => reject(transaction.error ?? new Error("The browser did not write to IndexedDB."));
    });
  }

  close() {
    void this.#opening?.then((db) => db.close(), () => {});
    this.#opening = null;
  }
}

const documentBase = (name: string) =>
  new Base(name, (db) => {
    db.createObjectStore("updates", { autoIncrement: true });
    db.createObjectStore("custom");
  });

const indexBase = (owner: string) => new Base(nameOf(owner, "unsaved"), (db) => db.createObjectStore("rooms"));

const exists = async (name: string) => (await indexedDB.databases()).some((database) => database.name === name);

const remove = (name: string) => done(indexedDB.deleteDatabase(name));

/** Returns the storage of a page that begins. */
export function newIndexedDbDocuments(): DocumentStorage {
  const indexes = new Map<string, Base>();
  const indexOf = (owner: string) => {
    let index = indexes.get(owner);
    if (index === undefined || index.removed) indexes.set(owner, (index = indexBase(owner)));
    return index;
  };
  return {
    open: (place) => new IndexedDbStore(place, indexOf),
    unsavedNow,
    async unsaved({ owner, formerly }) {
      if (formerly !== undefined) moveMarks(owner, formerly);
      // A browser that crashed may have lost the last writes to localStorage.
      const rooms = await indexOf(owner).run("readonly", ["rooms"], ([rooms]) => rooms!.getAllKeys());
      for (const room of rooms) note(owner, String(room));
      return unsavedNow(owner);
    },
    async remove(owner) {
      const prefix = nameOf(owner, "yjs", "");
      for (const { name } of await indexedDB.databases()) if (name?.startsWith(prefix)) await remove(name);
      await remove(nameOf(owner, "unsaved"));
      for (const room of unsavedNow(owner)) unnote(owner, room);
    },
  };
}

/** Stores documents in IndexedDB, as y-indexeddb does. */
export const indexedDbDocuments = newIndexedDbDocuments();

class IndexedDbStore implements DocumentStore {
  readonly #base: Base;
  #loaded = 0; // this store has loaded every update up to this one
  #own = new Set<number>(); // and appended these
  #epoch = -1; // of which the index has this room

  constructor(
    readonly place: Place,
    readonly indexOf: (owner: string) => Base,
  ) {
    this.#base = documentBase(nameOf(place.owner, "yjs", place.room));
  }

  async load() {
    await this.#adopt();
    const { owner, room } = this.place;
    const found = await this.#base.run("readonly", ["updates", "custom"], ([updates, custom]) => {
      const result = { updates: [] as Uint8Array[], unsaved: false };
      updates!.getAll().onsuccess = ({ target }) => (result.updates = (target as IDBRequest).result);
      updates!.getAllKeys().onsuccess = ({ target }) => (this.#loaded = Number((target as IDBRequest<IDBValidKey[]>).result.at(-1) ?? 0));
      custom!.count(marks()).onsuccess = ({ target }) => (result.unsaved = (target as IDBRequest).result > 0);
      return { result };
    });
    const noted = unsavedNow(owner).includes(room); // perhaps by an earlier version, which wrote no marks
    return { ...found, unsaved: found.unsaved || noted };
  }

  // adopt moves what version 0.1.0 stored under another name.
  async #adopt() {
    const { room, formerly } = this.place;
    const old = `${formerly}-yjs-${room}`;
    if (formerly === undefined || !(await exists(old))) return;
    const base = documentBase(old);
    const found = await base.run<Uint8Array[]>("readonly", ["updates"], ([updates]) => updates!.getAll());
    await this.#base.run("readwrite", ["updates"], ([updates]) => {
      for (const update of found) updates!.add(update);
      return { result: undefined };
    });
    base.close();
    await remove(old);
  }

  async append(update: Uint8Array, unsaved: boolean) {
    if (unsaved) note(this.place.owner, this.place.room);
    while (!(await this.#add(update, unsaved))) await this.#enter();
  }

  // add returns whether it stored the update. It does not store an edit in an epoch of which the index does not know.
  async #add(update: Uint8Array, unsaved: boolean): Promise<boolean> {
    let key: number | undefined;
    let epoch = this.#epoch;
    await this.#base.run("readwrite", ["updates", "custom"], ([updates, custom]) => {
      const add = () =>
        (updates!.add(update).onsuccess = ({ target }) => {
          key = Number((target as IDBRequest).result);
          if (unsaved) custom!.put(1, [mark, key]);
        });
      if (!unsaved) add();
      else
        custom!.get(epochKey).onsuccess = ({ target }) => {
          epoch = (target as IDBRequest).result ?? 0;
          if (epoch === this.#epoch) add();
        };
      return { result: undefined };
    });
    if (key === undefined) this.#found = epoch;
    else this.#own.add(key);
    return key !== undefined;
  }

  #found = 0; // the document's epoch, when it was not that of the index

  // index reads and writes the epoch that the index has of this room.
  #index(work: (epoch: number, rooms: IDBObjectStore) => void): Promise<unknown> {
    const { owner, room } = this.place;
    return this.indexOf(owner).run("readwrite", ["rooms"], ([rooms]) => {
      rooms!.get(room).onsuccess = ({ target }) => work((target as IDBRequest<number | undefined>).result ?? -1, rooms!);
      return { result: undefined };
    });
  }

  async #enter() {
    const { owner, room } = this.place;
    const epoch = this.#found;
    await this.#index((indexed, rooms) => {
      if (indexed < epoch) rooms.put(epoch, room);
    });
    note(owner, room);
    this.#epoch = epoch;
  }

  async saved() {
    let left = 0;
    let epoch = 0; // what this ends: that of the document, or of the index if somebody removed the document's database
    await this.#index((indexed) => (epoch = indexed));
    await this.#base.run("readwrite", ["custom"], ([custom]) => {
      custom!.get(epochKey).onsuccess = ({ target }) => (epoch = Math.max(epoch, (target as IDBRequest).result ?? 0));
      custom!.getAllKeys(marks()).onsuccess = ({ target }) => {
        for (const key of (target as IDBRequest<[string, number][]>).result) {
          if (key[1] <= this.#loaded || this.#own.has(key[1])) custom!.delete(key);
          else left++;
        }
        if (left === 0) custom!.put(epoch + 1, epochKey);
      };
      return { result: undefined };
    });
    if (left > 0) return;
    const { owner, room } = this.place;
    await this.#index((indexed, rooms) => {
      if (indexed > epoch) return; // a room has entered the next epoch
      rooms.delete(room);
      unnote(owner, room);
    });
  }

  async compact(least: number, merge: (updates: Uint8Array[]) => Uint8Array) {
    const out = await this.#base.run("readwrite", ["updates", "custom"], ([updates, custom]) => {
      const out = { result: { others: [] as Uint8Array[], last: this.#loaded, whole: 0 } };
      updates!.count().onsuccess = ({ target }) => {
        if ((target as IDBRequest).result < least) return;
        const keys = updates!.getAllKeys() as IDBRequest<number[]>;
        const marked = custom!.count(marks());
        const values = updates!.getAll() as IDBRequest<Uint8Array[]>;
        values.onsuccess = () => {
          const last = keys.result.at(-1)!;
          const others = values.result.filter((_, i) => keys.result[i]! > this.#loaded && !this.#own.has(keys.result[i]!));
          updates!.delete(IDBKeyRange.upperBound(last));
          custom!.delete(marks());
          updates!.add(merge(values.result)).onsuccess = ({ target }) => {
            const whole = Number((target as IDBRequest).result);
            if (marked.result > 0) custom!.put(1, [mark, whole]);
            out.result = { others, last, whole };
          };
        };
      };
      return out;
    });
    if (out.whole > 0) [this.#loaded, this.#own] = [out.last, new Set([out.whole])];
    return out.others;
  }

  close() {
    this.#base.close();
  }
}
